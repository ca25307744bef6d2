from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from compare.instruments.context import Context
from compare.instruments.distance import DistanceRecord
from compare.instruments.scores.score_card import CardRecord, cards_of
from compare.instruments.scores.verdict import change, verdict_of
from generate.clip import open_clip
from generate.models import OpenModel
from generate.render.pair import render_pair
from generate.settings import RenderSettings
from ideation import PromptPair, TokenBudget, given_pair

APART = DistanceRecord(mean_absolute_difference=0.2, ssim=0.5, clip=0.3)
EQUAL = DistanceRecord(mean_absolute_difference=0, ssim=1, clip=0)
DOG = "a dog riding a bicycle"


def prompts(simple: str = DOG, expanded: str = f"{DOG} at night") -> PromptPair:
    return given_pair(
        simple, simple, expanded, "", TokenBudget(open_clip("seedling", "cpu").folder / "tokenizer.json", vectors={})
    )


def card(intent: float, gain: float, kept: float | None = None) -> CardRecord:
    """The simple picture fits its prompt by 0.3 and its rivals by 0.2; the expanded one keeps `kept` of that lead."""
    return CardRecord(
        simple_on_simple=0.3,
        expanded_on_simple=0.3 + intent,
        simple_on_expanded=0.2,
        expanded_on_expanded=0.2 + gain,
        simple_on_rivals=None if kept is None else 0.2,
        expanded_on_rivals=None if kept is None else 0.3 + intent - 0.1 * kept,
    )


UP, DOWN, NONE = (0.05, 0.06, 0.055), (-0.05, -0.06, -0.055), (0.01, -0.012, 0.002)


@pytest.mark.parametrize(
    ("cards", "kind"),
    [
        ([card(0, 0.1)], "one pair"),
        ([], "no clip"),
        # Two seeds have an interval, and yet nothing is said of them.
        ([card(0, 0.1), card(0, 0.1001)], "cannot tell"),
        ([card(0.0, gain) for gain in NONE], "cannot tell"),
        # Without rivals every real loss counts.
        ([card(i, g) for i, g in zip(NONE, UP, strict=True)], "helped"),
        ([card(i, g) for i, g in zip(DOWN, UP, strict=True)], "traded"),
        ([card(i, g) for i, g in zip(DOWN, NONE, strict=True)], "intent lost"),
        # With rivals a lower cosine alone is no loss: the lead says whether the intent is still there.
        ([card(i, g, 0.9) for i, g in zip(DOWN, UP, strict=True)], "helped"),
        ([card(i, g, k) for i, g, k in zip(DOWN, UP, (0.4, 0.5, 0.45), strict=True)], "traded"),
        ([card(i, g, k) for i, g, k in zip(DOWN, UP, (0.1, 0.0, 0.05), strict=True)], "intent lost"),
        ([card(i, g, k) for i, g, k in zip(DOWN, NONE, (0.4, 0.5, 0.45), strict=True)], "intent lost"),
        # A lead that may be anywhere, and on average is gone, is no help that anybody has seen.
        ([card(i, g, k) for i, g, k in zip(DOWN, UP, (1.4, -0.9, 0.2), strict=True)], "cannot tell"),
    ],
)
def test_the_kind_follows_from_the_cards(cards: list[CardRecord], kind: str) -> None:
    distances = dict.fromkeys(range(max(1, len(cards))), APART)
    verdict = verdict_of(prompts(), distances, dict(enumerate(cards)))
    assert (verdict.kind, verdict.seeds) == (kind, len(distances))
    assert (verdict.gain is None) == (kind in ("one pair", "no clip"))


@pytest.mark.parametrize(
    ("expanded", "moved", "kind"),
    [
        (DOG, EQUAL, "no difference"),
        (f"{DOG}, ", EQUAL, "no difference"),
        (DOG, EQUAL.model_copy(update={"mean_absolute_difference": 0.001}), "no difference"),
        (f"{DOG}, neon", EQUAL.model_copy(update={"mean_absolute_difference": 0.001}), "one pair"),
        (DOG, APART, "one pair"),
    ],
)
def test_equal_pictures_are_no_difference_and_the_same_prompt_may_be_noisy(
    expanded: str, moved: DistanceRecord, kind: str
) -> None:
    assert verdict_of(prompts(expanded=expanded), {1: moved}, {1: card(0, 0)}).kind == kind


def test_the_interval_is_students() -> None:
    # Mean 2, standard deviation 1, n = 3: 2 +- 4.302653 / sqrt(3), from any table of t.
    found = change([1.0, 2.0, 3.0])
    assert (found.mean, found.low, found.high) == (2.0, pytest.approx(-0.484138), pytest.approx(4.484138))
    assert change([0.1, 0.1, 0.1]).low == 0.1


@pytest.mark.parametrize("seeds", [3, 4, 6, 12])
@pytest.mark.parametrize("rivals", [True, False])
def test_where_nothing_is_true_hardly_anything_is_said(seeds: int, rivals: bool) -> None:
    numbers, pair, kinds = np.random.default_rng(seeds), prompts(), Counter[str]()
    for _ in range(200):
        cards = {
            seed: card(*numbers.normal(0, 0.03, 2), kept=float(numbers.normal(1, 0.3)) if rivals else None)
            for seed in range(seeds)
        }
        kinds[verdict_of(pair, dict.fromkeys(cards, APART), cards).kind] += 1
    # One in twenty of 200 is 10; 20 is three standard deviations more.
    assert kinds["helped"] + kinds["intent lost"] + kinds["traded"] <= 20
    assert kinds["cannot tell"] >= 180


@pytest.mark.parametrize(
    ("expanded", "kind"),
    [(f"{DOG} on a beach at sunset", "helped"), ("an octopus riding a bicycle on a beach at sunset", "intent lost")],
)
def test_on_seedling_added_details_help_and_another_subject_loses_the_intent(
    seedling: OpenModel, expanded: str, kind: str
) -> None:
    pair = prompts(expanded=expanded)
    made = render_pair(pair, RenderSettings(seed=3, images=4, num_inference_steps=8), seedling)
    pictures = {(render.arm, render.seed): render.image for render in made.pictures}
    context = Context(pair, made.settings, seedling, pictures, open_clip("seedling", "cpu"))
    verdict = verdict_of(pair, context.distances(), cards_of(context))
    assert verdict.kind == kind
    assert verdict.gain is not None
    assert verdict.gain.low > 0.1
