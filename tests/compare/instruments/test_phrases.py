from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import pytest

from compare.instruments.context import Context
from compare.instruments.scores.phrase_audit import PhraseRecord, audit, bank_of, mark_of, new_words
from generate.clip import Clip
from generate.models import OpenModel
from generate.render.pair import render_pair
from generate.settings import RenderSettings
from ideation import TokenBudget, Vocabulary, given_pair, seedling_vocabulary
from ideation.prompt import phrases_of


@pytest.mark.parametrize(
    ("prompt", "phrases"),
    [
        ("", []),
        (" ,, () . ", []),
        ("dog", ["dog"]),
        (
            "a dog riding a bicycle on a snowy beach at sunset, playful mood",
            ["a dog riding a bicycle", "on a snowy beach", "at sunset", "playful mood"],
        ),
        (
            "A bear sailing a boat in a forest at night in the fog, pixel art style.",
            ["A bear sailing a boat", "in a forest", "at night", "in the fog", "pixel art style"],
        ),
        ("a robot cycling at sunset under an umbrella", ["a robot cycling", "at sunset", "under an umbrella"]),
        ("a fox deep in a mossy gorge with a red scarf", ["a fox", "deep in a mossy gorge", "with a red scarf"]),
        # What clings to the word before it stays there.
        (
            "oil on canvas of a cat flying on a rocket in outer space",
            ["oil on canvas of a cat flying on a rocket", "in outer space"],
        ),
        (
            "a cat dressed in red looking at the camera, a castle in the background, dew on its fur",
            ["a cat dressed in red looking at the camera", "a castle in the background", "dew on its fur"],
        ),
        ("soft light, cool starlight with one lantern", ["soft light", "cool starlight with one lantern"]),
        # Sentences, numbers and quotes.
        (
            "The fox sits. Dew, 1,000 drops! Shot by Dr. No at 8.5 mm",
            ["The fox sits", "Dew", "1,000 drops", "Shot by Dr. No", "at 8.5 mm"],
        ),
        ('a sign saying "hello, on a world" above a door', ['a sign saying "hello, on a world"', "above a door"]),
        ("一隻狗，在海灘上、日落。", ["一隻狗", "在海灘上", "日落"]),
        # Weights, brackets, BREAK and adapters.
        ("(a red dog:1.3) riding a bicycle, [neon]", ["(a red dog:1.3) riding a bicycle", "[neon]"]),
        (
            "(masterpiece, best quality:1.2), cat BREAK oil <lora:on a, b:0.7> neon",
            ["masterpiece", "best quality", "cat", "oil", "neon"],
        ),
        ("a dog (on a beach at night:1.2)", ["a dog", "on a beach", "at night"]),
        ("a dog (on a beach:1.2), x", ["a dog", "(on a beach:1.2)", "x"]),
        ("(((neon))), ((a cat) in (a box:1.4))", ["(((neon)))", "(a cat)", "in (a box:1.4)"]),
        ("a dog (unclosed, cat] odd:1.2) end", ["a dog", "unclosed", "cat", "odd", "end"]),
        (r"a \(happy\) face: smiling, ratio 1:2", [r"a \(happy\) face", "smiling", "ratio 1:2"]),
    ],
)
def test_a_prompt_is_cut_into_its_phrases(prompt: str, phrases: list[str]) -> None:
    found = phrases_of(prompt)
    assert [text for text, _, _ in found] == phrases
    assert [prompt[start:end] for _, start, end in found] == phrases


def test_phrases_never_overlap_and_lose_no_letter_whatever_comes() -> None:
    random = Random(6)
    parts = [
        "a dog",
        " on ",
        "in",
        "(",
        ")",
        ":1.2)",
        "[",
        "]",
        ", ",
        ". ",
        "BREAK",
        "<lora:x:1>",
        '"',
        "狗",
        "，",
        "the ",
    ]
    for _ in range(500):
        prompt = "".join(random.choice(parts) for _ in range(random.randint(1, 30)))
        found = phrases_of(prompt)
        places = [place for _, start, end in found for place in (start, end)]
        assert places == sorted(places), prompt
        assert all(prompt[start:end] == text != "" for text, start, end in found)
        outside = list(prompt)
        for _, start, end in found:
            outside[start:end] = " " * (end - start)
        assert "dog" not in "".join(outside)
        assert "狗" not in "".join(outside)


def test_a_hostile_prompt_does_not_hang() -> None:
    began = time.monotonic()
    for hostile in ("(" * 5000, "a (b " * 1000, ", on in " * 1000, ":1." * 2000, '"a' * 3000, "x" * 50_000):
        phrases_of(hostile)
    assert time.monotonic() - began < 60


DOG = "a dog riding a bicycle"
LONG = ", ".join(["highly detailed"] * 35)


def audited(
    seedling: OpenModel, seedling_clip: Clip, simple: str, expanded: str, images: int = 1
) -> dict[str, PhraseRecord]:
    pair = given_pair(simple, simple, expanded, "", TokenBudget(seedling.tokenizer_file, vectors={}))
    made = render_pair(pair, RenderSettings(seed=3, images=images, num_inference_steps=10), seedling)
    pictures = {(render.arm, render.seed): render.image for render in made.pictures}
    found = audit(Context(pair, made.settings, seedling, pictures, seedling_clip))
    assert [(one.text, one.start, one.end) for one in found] == phrases_of(expanded)
    return {one.text: one for one in found}


def test_what_was_learnt_is_drawn_and_what_was_not_is_ignored(seedling: OpenModel, seedling_clip: Clip) -> None:
    added = "on a beach at night, brutalist architecture, highly detailed, ink wash style"
    found = audited(seedling, seedling_clip, f"{DOG}, ink wash style", f"A dog riding a bicycle {added}", images=2)
    marks = {text: record.mark for text, record in found.items()}
    assert marks == {
        "A dog riding a bicycle": "shared",
        "on a beach": "drawn",
        "at night": "drawn",
        "brutalist architecture": "ignored",
        "highly detailed": "ignored",
        "ink wash style": "shared",
    }
    beach = found["on a beach"]
    assert beach.on_simple is not None
    assert beach.on_expanded is not None
    assert beach.on_simple < 0.8 < 0.93 < beach.on_expanded
    assert found["ink wash style"].on_simple is None


def test_what_both_pictures_show_was_there_already(seedling: OpenModel, seedling_clip: Clip) -> None:
    found = audited(
        seedling,
        seedling_clip,
        f"{DOG} under the sea",
        "puppy cycling under the sea, underwater, on a coral reef, a wolf",
        images=2,
    )
    assert found["a wolf"].mark == "unclear", "its judge has learnt to see a dog there"
    assert found["a wolf"].on_expanded is None
    assert found["under the sea"].mark == "shared"
    assert found["underwater"].mark == found["on a coral reef"].mark == "there already"


def test_what_fell_off_the_encoders_end_was_never_seen(seedling: OpenModel, seedling_clip: Clip) -> None:
    found = audited(seedling, seedling_clip, DOG, f"{DOG}, {LONG}, in a forest, at night")
    assert found["in a forest"].mark == found["at night"].mark == "never seen"
    assert found["highly detailed"].mark in ("ignored", "never seen")


def test_without_a_clip_only_the_words_tell(seedling: OpenModel) -> None:
    pair = given_pair(
        DOG, DOG, f"{DOG} in a forest, {LONG}, neon", "", TokenBudget(seedling.tokenizer_file, vectors={})
    )
    context = Context(pair, RenderSettings(), seedling, {})
    assert [one.mark for one in audit(context)][:2] == ["shared", None]
    assert audit(context)[-1].mark == "never seen"
    chunked = replace(context, settings=replace(context.settings, long_prompts="chunk"))
    assert audit(chunked)[-1].mark is None


@pytest.mark.parametrize(
    ("on_simple", "on_expanded", "mark"),
    [
        (0.1, 1.0, "drawn"),
        (0.85, 0.93, "drawn"),
        (0.9, 1.0, "unclear"),
        (0.97, 0.93, "there already"),
        (0.95, 1.0, "unclear"),
        (0.5, 0.5, "ignored"),
        (1.0, 0.3, "ignored"),
        (0.3, 0.9, "unclear"),
    ],
)
def test_the_mark_follows_from_the_shares(on_simple: float, on_expanded: float, mark: str) -> None:
    assert mark_of(on_simple, on_expanded) == mark


@pytest.mark.parametrize(
    ("phrase", "simple", "new"),
    [
        ("a red dog riding a bicycle", DOG, "red"),
        ("a cat riding a bicycle", DOG, "cat"),
        ("on a snowy beach", DOG, "on a snowy beach"),
        ("in the style of Van Gogh", "a dog in the style of Picasso", "in the style of Van Gogh"),
        ("the dog", DOG, "the dog"),
        ("close-up of a dog", DOG, "close-up"),
    ],
)
def test_only_new_words_are_looked_for(phrase: str, simple: str, new: str) -> None:
    assert new_words(phrase, simple) == new


@pytest.mark.parametrize("vocabulary", [seedling_vocabulary(), None], ids=["its own words", "the built-in lists"])
def test_the_bank_is_large_and_says_nothing_twice(vocabulary: Vocabulary | None) -> None:
    bank = bank_of(vocabulary)
    assert 100 <= len(bank) == len(set(bank)) <= 600
