"""The placebo on Seedling: as long as the expanded prompt, and without a word of either."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from tiny_context import EXPANDED, SIMPLE, fresh, tiny_context

from compare.instruments.context import Context, NoOptions
from compare.instruments.length_control import NEUTRAL_WORDS, PlaceboRecord, padded, placebo
from generate.files import parse_picture
from generate.models import OpenModel
from generate.render.batch import RenderCancelled, Step
from generate.seedling import SEEDLING_FOLDER
from ideation import TokenBudget, seedling_vocabulary
from ideation.english import plain_words, words_of

Made = tuple[PlaceboRecord, dict[str, bytes]]


@pytest.fixture(scope="module")
def budget() -> TokenBudget:
    return TokenBudget(SEEDLING_FOLDER / "tokenizer" / "tokenizer.json", vectors={})


@pytest.fixture(scope="module")
def context(seedling: OpenModel) -> Context:
    return tiny_context(seedling)


@pytest.fixture(scope="module")
def made(context: Context) -> Made:
    own = fresh(context)
    record = placebo(own, NoOptions())
    assert record is not None
    return record, own.files


@pytest.mark.parametrize(
    ("simple", "expanded"),
    [
        (SIMPLE, EXPANDED),
        (SIMPLE, SIMPLE + ", neon"),
        ("a dog", "a dog, " + ", ".join(f"very fine thing {n}" for n in range(6))),
        ("a dog,", "thus the dog is also so too, that it be namely such as hence, or then"),
        ("a dog.", "a dog sleeping under an old tree. It is a warm summer evening."),
    ],
)
def test_the_padding_meets_the_length_with_words_of_its_own(simple: str, expanded: str, budget: TokenBudget) -> None:
    prompt = padded(simple, expanded, budget)
    assert prompt is not None
    core = simple.rstrip(",.")
    assert prompt.startswith(core)
    assert budget.count(expanded) - 2 <= budget.count(prompt) <= budget.count(expanded)
    added = {word.key for word in words_of(prompt[len(core) :])}
    assert added <= set(NEUTRAL_WORDS)
    assert not added & {word.key for word in words_of(simple + " " + expanded)}


def test_it_never_goes_beyond_what_the_encoder_reads_unless_that_reads_on(budget: TokenBudget) -> None:
    long = "a dog, " + "a very fine thing, " * 40
    cut = padded("a dog", long, budget)
    assert cut is not None
    assert 75 <= budget.count(cut) <= 77
    chunked = TokenBudget(SEEDLING_FOLDER / "tokenizer" / "tokenizer.json", chunked=True, vectors={})
    whole = padded("a dog", long, chunked)
    assert whole is not None
    assert 0 <= chunked.count(long) - chunked.count(whole) <= 2


@pytest.mark.parametrize("expanded", [SIMPLE, "a dog", "a cat, neon"])
def test_where_nothing_is_longer_nothing_is_padded(expanded: str, budget: TokenBudget) -> None:
    assert padded(SIMPLE, expanded, budget) is None


def test_equal_prompts_need_no_placebo(seedling: OpenModel) -> None:
    assert placebo(tiny_context(seedling, SIMPLE, SIMPLE), NoOptions()) is None


def test_no_neutral_word_is_one_that_seedling_has_learnt_to_draw() -> None:
    vocabulary = seedling_vocabulary()
    taught = [phrase for terms in vocabulary.terms.values() for term in terms for phrase in term.phrases]
    assert not set(NEUTRAL_WORDS) & set(plain_words(" ".join([*taught, *vocabulary.filler])))
    assert len(set(NEUTRAL_WORDS)) == len(NEUTRAL_WORDS)


def test_every_seed_of_the_pair_is_drawn_and_held_against_the_real_words(context: Context, made: Made) -> None:
    record, files = made
    assert record.files == {5: "placebo-5.png", 6: "placebo-6.png"}
    assert record.tokens == TokenBudget(context.model.tokenizer_file, vectors={}).count(record.prompt)
    told = parse_picture(files["placebo-6.png"])
    assert (told.prompt, told.seed) == (record.prompt, 6)
    images = {seed: Image.open(io.BytesIO(files[f"placebo-{seed}.png"])) for seed in (5, 6)}
    for found, other in ((record.moved, images), (record.words_moved, None)):
        apart = [
            context.distance(
                context.pictures["simple", seed], other[seed] if other else context.pictures["expanded", seed]
            )
            for seed in (5, 6)
        ]
        assert found.mean_absolute_difference == pytest.approx(
            (apart[0].mean_absolute_difference + apart[1].mean_absolute_difference) / 2, abs=1e-6
        )
    assert context.clip is not None
    fits = context.clip.image_vectors([images[5]]) @ context.clip.text_vectors([SIMPLE, EXPANDED]).T
    assert [record.on_simple[5], record.on_expanded[5]] == pytest.approx(fits[0].tolist(), abs=1e-5)


def test_without_a_clip_there_are_no_fits(context: Context) -> None:
    record = placebo(replace(fresh(context), clip=None), NoOptions())
    assert record is not None
    assert record.on_simple == record.on_expanded == {}
    assert record.moved.clip is None


def test_the_same_pair_gives_the_same_bytes(context: Context, made: Made) -> None:
    again = fresh(context)
    assert (placebo(again, NoOptions()), again.files) == made


def test_it_can_be_stopped(context: Context) -> None:
    def stop(step: Step) -> None:
        raise RenderCancelled("stopped", hint="")

    with pytest.raises(RenderCancelled):
        placebo(replace(fresh(context), on_step=stop), NoOptions())
