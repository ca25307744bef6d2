"""The offline expander writes for a model: in words that it has learnt, in sentences, or in the manner of a family."""

from __future__ import annotations

import re

import pytest
from test_offline_expander import DETAILS, SEEDLING, WORDS, expand

from ideation import (
    DraftRequest,
    OfflineExpander,
    UnknownTarget,
    draw,
    draw_many,
    find_target,
    pinned,
    seedling_words,
    typed_concept,
)
from ideation.prompt import estimated_tokens


@pytest.mark.parametrize(
    "typed",
    [
        "a logo of a fox",
        "freedom",
        "an angry man",
        "a man in the middle, seen from above, in neon light",
        "a sleeping fox on an empty beach in the fog",
        "石虎過馬路",
        "黑熊騎機車載瓦斯桶",
        "老奶奶在月亮上打太極拳",
    ],
)
def test_models_that_read_sentences_are_told_a_paragraph(typed: str) -> None:
    target = find_target("z-image")
    for seed in range(8):
        draft = OfflineExpander().draft(DraftRequest(typed_concept(typed), seed, target.limit, target=target))
        assert draft.expanded.startswith(draft.simple)
        assert 80 <= len(draft.expanded.split()) <= 200
        told = draft.expanded.split(". ")
        assert len(told) == len({*told}), "no sentence stands twice"
    few = OfflineExpander().draft(DraftRequest(typed_concept(typed), 0, 40, target=target))
    assert estimated_tokens(few.expanded) <= 40, "where there is no room, there is none for a paragraph"


def test_seedlings_expansions_vary() -> None:
    prompts = [expand("a dog riding a bicycle", seed, vocabulary=SEEDLING).expanded for seed in range(60)]
    added = [SEEDLING.find(prompt.removeprefix("a dog riding a bicycle")) for prompt in prompts]
    assert len({found["setting"].name for found in added}) >= 3
    assert {found["time"].name for found in added if "time" in found} == set(SEEDLING.names("time"))
    assert len(set(prompts)) >= 30


@pytest.mark.parametrize("family", ["flux", "qwen-image", "sd3", "sdxl"])
def test_prompts_for_another_model_are_written_in_its_manner(family: str) -> None:
    target = find_target(family)
    for seed, concept in enumerate(draw_many(WORDS, 31, 0, 40)):
        draft = OfflineExpander().draft(DraftRequest(concept, seed, target.limit, target=target))
        assert concept.topic
        assert concept.action
        assert f"{concept.topic.en} {concept.action.en} " in draft.expanded
        assert f"{concept.style.en if concept.style else ''} style" in draft.expanded
        words = len(draft.expanded.split())
        if target.manner == "phrases":
            assert "." not in draft.expanded.replace("M. C. Escher", "")
            assert estimated_tokens(draft.expanded) <= 77
            continue
        assert 80 <= words <= target.words
        assert draft.expanded.endswith(".")
        assert len(draft.reasons) == len({*draft.reasons})
        assert "style. " in draft.expanded
        assert not re.search(
            r"\s{2}|\s[,.]|,,|\.\.|\{|None|\ba [aeio]|\ban [^aeiouhMX]", draft.expanded.split("style. ")[1]
        )


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sd15", "sd1"),
        ("SD 1.5", "sd1"),
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd1"),
        ("stabilityai/stable-diffusion-xl-base-1.0", "sdxl"),
        ("stabilityai/stable-diffusion-3.5-large", "sd3"),
        ("FLUX.1-dev", "flux"),
        ("flux2", "flux2"),
        ("black-forest-labs/FLUX.2-klein-4B", "flux2-klein"),
        ("Z-Image", "z-image"),
        ("Tongyi-MAI/Z-Image-Turbo", "z-image-turbo"),
        ("qwen_image", "qwen-image"),
    ],
)
def test_a_family_goes_by_many_names(name: str, family: str) -> None:
    assert find_target(name).family == family


def test_a_name_that_is_no_family_is_refused() -> None:
    for name in ("fluxx", "", "owner/nothing-known", "dog"):
        with pytest.raises(UnknownTarget, match="neither a family of models nor a model here"):
            find_target(name)


@pytest.mark.parametrize("words", [WORDS, seedling_words(SEEDLING)], ids=["all words", "seedling's words"])
def test_seedling_gets_only_words_that_it_knows(words: object) -> None:
    for seed, concept in enumerate(draw_many(words, 8, 0, 400)):  # type: ignore[arg-type]
        draft = expand(concept, seed, vocabulary=SEEDLING)
        assert concept.topic
        assert set(SEEDLING.unknown_words(draft.expanded)) <= set(SEEDLING.unknown_words(concept.text))
        added = SEEDLING.find(
            draft.expanded.replace(concept.topic.en, "").replace(concept.action.en if concept.action else "", "")
        )
        note = DETAILS.actions.get(concept.action.en if concept.action else "")
        if note and not note.anywhere and not any(DETAILS.scenes[scene].seedling for scene in note.scenes):
            assert "setting" not in SEEDLING.find(draft.expanded)  # Seedling knows no room to iron shirts in
            continue
        assert "setting" in SEEDLING.find(draft.expanded), draft.expanded
        if added.get("setting") and added["setting"].name in ("in outer space", "under the sea"):
            assert not re.search(
                r"\b(?:at noon|at sunset|at night|in the rain|in the snow|in the fog)\b", draft.expanded
            )
        else:
            assert re.search(r"\b(?:at noon|at sunset|at night|in the rain|in the snow|in the fog)\b", draft.expanded)
        assert draft.warnings == ()


def test_seedling_reads_captions_as_it_was_trained_on() -> None:
    concept = draw(pinned(seedling_words(SEEDLING), topic="owl", action="看書", style="watercolor"), seed=0, index=0)
    prompts = [expand(concept, seed, vocabulary=SEEDLING).expanded for seed in range(40)]
    settings = "|".join(SEEDLING.names("setting"))
    sky = "(?: (?:at noon|at sunset|at night))?(?: in the (?:rain|snow|fog))?"
    for prompt in prompts:
        assert re.fullmatch(rf"an owl reading a book (?:{settings}){sky}, watercolor style, .+", prompt)
    assert all("at night" in prompt for prompt in prompts)


@pytest.mark.parametrize(
    ("typed", "kept", "never"),
    [
        (
            "a red dog on a beach, watercolor style",
            "a red dog on a beach at|a red dog on a beach in the",
            "blue|forest",
        ),
        ("a dog in a forest at night", "a dog in a forest at night", "noon|sunset|beach"),
        ("a dog in outer space", "a dog in outer space, ", "at noon|at night|rain|snow|fog"),
        ("a panda in a kitchen", "a panda in a kitchen ", "beach|forest|mountains|meadow|in a city"),
    ],
)
def test_seedling_agrees_with_what_the_concept_says(typed: str, kept: str, never: str) -> None:
    for seed in range(30):
        expanded = expand(typed, seed, vocabulary=SEEDLING).expanded
        assert re.match(kept, expanded)
        assert not re.search(never, expanded)


#: Rooms, things on a table, words that Seedling never learnt, whole descriptions: they leave the time of day open.
LEFT_OPEN = (
    "an octopus playing the piano",
    "a teapot and a cactus having an argument",
    "a cat reading a newspaper",
    "a robot baking bread",
    "a bowl of noodles",
    "serendipity",
    "my grandmother's kitchen table",
    "a hamster running a bakery",
    "a gnu and two okapis rowing a bathtub full of soup past a tall shelf of very old and dusty books. oil painting",
    "a dog in a forest at noon",
    "青蛙在彈鋼琴",
    "一隻貓在看報紙",
)


def test_seedling_is_always_given_something_that_it_draws() -> None:
    concepts = [*map(typed_concept, LEFT_OPEN), *draw_many(WORDS, 1, 0, 100), *draw_many(WORDS, 2, 0, 100, "zh-TW")]
    for seed, concept in enumerate(concepts):
        draft = expand(concept, seed, vocabulary=SEEDLING)
        assert set(SEEDLING.find(draft.expanded)) > set(SEEDLING.find(draft.simple)), draft.expanded
        assert not SEEDLING.note_on_added(draft.simple, draft.expanded)
