from __future__ import annotations

from dataclasses import replace

import pytest

from compare.instruments.context import Context
from compare.instruments.scores.score_card import cards_of, clip_record, rivals_of
from generate.clip import Clip
from generate.models import OpenModel
from generate.render.pair import render_pair
from generate.settings import RenderSettings
from ideation import TokenBudget, given_pair, seedling_vocabulary

FOX = "a fox reading a book"


def context(seedling: OpenModel, seedling_clip: Clip, simple: str, expanded: str, images: int = 1) -> Context:
    pair = given_pair(simple, simple, expanded, "", TokenBudget(seedling.tokenizer_file, vectors={}))
    made = render_pair(pair, RenderSettings(seed=7, images=images, num_inference_steps=8), seedling)
    pictures = {(render.arm, render.seed): render.image for render in made.pictures}
    return Context(pair, made.settings, seedling, pictures, seedling_clip)


@pytest.fixture(scope="module")
def night(seedling: OpenModel, seedling_clip: Clip) -> Context:
    return context(seedling, seedling_clip, FOX, f"{FOX} in a forest at night", images=2)


def test_identical_prompts_are_nowhere_apart(seedling: OpenModel, seedling_clip: Clip) -> None:
    same = context(seedling, seedling_clip, FOX, FOX)
    (distance,) = same.distances().values()
    assert (distance.mean_absolute_difference, distance.ssim, distance.clip) == (0, 1, 0)
    (card,) = cards_of(same).values()
    assert card.simple_on_simple == card.expanded_on_simple == card.simple_on_expanded == card.expanded_on_expanded
    assert card.simple_on_rivals == card.expanded_on_rivals < card.simple_on_simple


def test_each_seed_has_its_distance_and_its_card(night: Context) -> None:
    distances, cards = night.distances(), cards_of(night)
    assert list(distances) == list(cards) == [7, 8]
    for seed, card in cards.items():
        assert distances[seed].mean_absolute_difference > 0.02
        assert (distances[seed].clip or 0) > 0.1
        # Each picture fits the prompt that it was made from best; the expanded one still shows the fox.
        assert card.expanded_on_expanded > card.simple_on_expanded + 0.1
        assert card.simple_on_simple > card.simple_on_expanded
        assert card.expanded_on_rivals is not None
        assert card.expanded_on_simple > card.expanded_on_rivals + 0.03


def test_without_a_clip_there_are_distances_alone(night: Context) -> None:
    blind = replace(night, clip=None)
    assert [one.clip for one in blind.distances().values()] == [None, None]
    assert cards_of(blind) == {}
    assert clip_record(blind) is None


def test_the_record_names_the_clip_and_what_it_did_not_read(night: Context) -> None:
    record = clip_record(night)
    assert record is not None
    assert (record.name, record.limit, record.simple_cut, record.expanded_cut) == ("seedling", 77, (), ())
    assert len(record.digest) == 64
    long = replace(night, prompts=replace(night.prompts, expanded=f"{'dog, ' * 37}(red:1.2) panda"))
    record = clip_record(long)
    assert record is not None
    assert record.expanded_cut == ("panda",)


@pytest.mark.parametrize(
    ("simple", "model", "rivals"),
    [
        ("A Puppy cycling, neon", "seedling", ["a cat cycling, neon", "A Puppy driving a car, neon"]),
        ("the dog at night", "seedling", ["the unicorn at night"]),
        ("a dog, neon", "seedling", ["an octopus, neon"]),
        ("a teapot at night", "seedling", []),
        ("two mice on the left", "seedling", ["two foxes on the left"]),
        ("a wolf riding a bicycle", "seedling", ["a wolf driving a car"]),
        ("a polar bear", "seedling", []),
        ("an owl playing chess", "owner/name", ["a tiger playing chess", "an owl riding a bicycle"]),
        ("", "owner/name", []),
    ],
)
def test_rivals_exchange_the_subject_or_the_action(simple: str, model: str, rivals: list[str]) -> None:
    found = rivals_of(simple, seedling_vocabulary() if model == "seedling" else None)
    assert len(found) == len(rivals)
    for listed, like in zip(found, rivals, strict=True):
        assert simple not in listed
        assert 10 < len(set(listed)) == len(listed) <= 30
        assert like in listed
