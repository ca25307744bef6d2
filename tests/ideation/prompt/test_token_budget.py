"""The token budget, with a CLIP-like tokenizer that is trained on the spot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_context import SETTINGS, tiny_context
from tiny_tokenizer import clip_like

from compare.instruments.context import NoOptions
from compare.instruments.length_control import placebo
from compare.instruments.scores.phrase_audit import audit
from generate.models import OpenModel, embedding_vectors, open_model, token_budget
from ideation import TokenBudget, TokenizerError


@pytest.fixture(params=[False, True], ids=["plain", "truncating"])
def tokenizer_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return clip_like(tmp_path / "tokenizer.json", truncating=request.param)


def test_start_and_end_tokens_count_and_padding_does_not(tokenizer_file: Path) -> None:
    budget = TokenBudget(tokenizer_file, vectors={})
    assert budget.limit == 77
    assert budget.count("") == 2
    assert budget.count("a dog riding a bicycle") == 7
    assert budget.count("A Dog, riding  a\nbicycle") == 8


@pytest.mark.parametrize(
    ("limit", "prompt", "dropped"),
    [
        (7, "a dog riding a bicycle", ()),
        (6, "a dog riding a bicycle", ("bicycle",)),
        (5, "a dog riding a bicycle, at night", ("a", "bicycle", "at", "night")),
        (7, "a dog riding a bicycle, at night", ("at", "night")),
        (7, "a dog riding a bicycle,", ()),
        (5, "a dog zebra", ("zebra",)),  # four letters that no merge has seen: cut in the middle
        (4, "a dog well-known", ("well-known",)),
        (3, "", ()),
        (3, "狗 dog", ("dog",)),
    ],
)
def test_the_words_that_fall_off_the_end(
    tokenizer_file: Path, limit: int, prompt: str, dropped: tuple[str, ...]
) -> None:
    assert TokenBudget(tokenizer_file, limit, vectors={}).dropped(prompt) == dropped


@pytest.mark.parametrize(
    ("prompt", "count", "dropped"),
    [
        ("(a dog:1.3) riding [a] bicycle", 7, ("bicycle",)),
        ("<lora:mosaic:0.7> a dog riding a bicycle", 7, ("bicycle",)),
        ("a dog BREAK riding a (bicycle)", 7, ("bicycle",)),
        (r"a dog \( riding a bicycle", 8, ("a", "bicycle")),
    ],
)
def test_syntax_takes_no_tokens(tokenizer_file: Path, prompt: str, count: int, dropped: tuple[str, ...]) -> None:
    budget = TokenBudget(tokenizer_file, 6, vectors={})
    assert (budget.count(prompt), budget.dropped(prompt)) == (count, dropped)


@pytest.mark.parametrize(
    ("prompt", "count", "dropped"),
    [
        ("a dog", 4, ()),
        ("a coldbird", 6, ()),
        ("a (ColdBird:1.2) dog", 7, ("dog",)),
        ("a coldbird coldbird", 9, ("coldbird",)),  # its second vector is the last that has room
        ("a ink dog", 5, ()),
        ("a dog coldbirds", 12, ("coldbirds",)),  # another word, in eight pieces
        ("a cold-bird.v2, dog", 12, ("cold-bird.v2", "dog")),  # the longest name that is there
    ],
)
def test_a_textual_inversion_takes_as_many_tokens_as_it_has_vectors(
    tokenizer_file: Path, prompt: str, count: int, dropped: tuple[str, ...]
) -> None:
    budget = TokenBudget(tokenizer_file, 6, vectors={"coldbird": 3, "Ink": 1, "cold": 2, "bird": 1, "bird.v2": 4})
    assert (budget.count(prompt), budget.dropped(prompt)) == (count, dropped)


def test_half_a_character_is_a_character(tokenizer_file: Path) -> None:
    budget = TokenBudget(tokenizer_file, vectors={})
    assert budget.count("a \ud800 dog") == budget.count("a \ufffd dog")


def test_in_chunks_nothing_is_dropped(tokenizer_file: Path) -> None:
    measured = TokenBudget(tokenizer_file, 6, chunked=True, vectors={}).measure(
        "a dog", "a dog riding a bicycle at night"
    )
    assert (measured.limit, measured.expanded, measured.dropped) == (6, 9, ())


def test_both_prompts_are_measured(tokenizer_file: Path) -> None:
    measured = TokenBudget(tokenizer_file, 6, vectors={}).measure("a dog", "a dog riding a bicycle at night")
    assert (measured.limit, measured.simple, measured.expanded) == (6, 4, 9)
    assert (measured.dropped, measured.simple_dropped) == (("bicycle", "at", "night"), ())
    same = TokenBudget(tokenizer_file, 6, vectors={}).measure("a dog riding a bicycle", "a dog riding a bicycle")
    assert same.dropped_of("simple") == same.dropped_of("expanded") == ("bicycle",)


@pytest.mark.parametrize(
    ("content", "limit", "message"),
    [(None, 77, "there is no tokenizer"), ("{", 77, "cannot be read"), ("{}", 77, "cannot be read")],
)
def test_a_tokenizer_that_is_none(tmp_path: Path, content: str | None, limit: int, message: str) -> None:
    file = tmp_path / "tokenizer.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(TokenizerError, match=message) as caught:
        TokenBudget(file, limit, vectors={})
    assert "tokenizer.json" in caught.value.hint


def test_a_limit_without_room(tokenizer_file: Path) -> None:
    with pytest.raises(TokenizerError, match="a limit of 2 tokens"):
        TokenBudget(tokenizer_file, 2, vectors={})


def test_the_budget_counts_what_the_encoder_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of textual inversions, counted from the headers of their files, are as long as when they are loaded."""
    model = open_model("seedling", device="cpu", dtype="float32")
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    size = model.pipeline.text_encoder.config.hidden_size
    for name, shape in (("coldbird", (5, size)), ("ink", (size,)), ("sub/bird.v2", (2, size))):
        file = tmp_path / "embeddings" / f"{name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({"emb_params": torch.randn(shape)}, file)
    save_file({"emb_params": torch.randn(3, size)}, tmp_path / "top.safetensors")
    (tmp_path / "embeddings" / "old.pt").write_bytes(b"\x80 a pickle")
    vectors = embedding_vectors()
    assert vectors == {"coldbird": 5, "ink": 1, "sub/bird.v2": 2, "top": 3}
    model.load(embeddings=vectors)
    budget = TokenBudget(model.tokenizer_file, vectors=vectors)
    pipeline = model.pipeline
    for prompt in (
        "a dog",
        "a COLDBIRD on a beach",
        "ink-like coldbird, inks",
        "top,coldbird top.",
        "a sub/bird.v2 old",
    ):
        ids = pipeline.tokenizer(pipeline.maybe_convert_prompt(prompt, pipeline.tokenizer)).input_ids
        assert budget.count(prompt) == len(ids), prompt


def test_no_count_of_a_run_forgets_the_textual_inversions(
    seedling: OpenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "embeddings").mkdir()
    size = seedling.pipeline.text_encoder.config.hidden_size
    save_file({"emb_params": torch.randn(30, size)}, tmp_path / "embeddings" / "coldbird.safetensors")
    budget = token_budget(seedling.tokenizer_file, seedling.token_limit)
    assert budget.count("a coldbird") == 33
    context = tiny_context(seedling, "a dog", "a dog, coldbird, coldbird, coldbird, in a forest", clip=False)
    marks = {one.text: one.mark for one in audit(context)}
    assert marks["in a forest"] == "never seen"
    context = tiny_context(seedling, "a dog", "a dog, coldbird", replace(SETTINGS, images=1), clip=False)
    record = placebo(context, NoOptions())
    assert record is not None
    assert 33 <= record.tokens == budget.count(record.prompt) <= budget.count("a dog, coldbird") == 35


def test_nobody_can_build_a_budget_without_saying_which_inversions_there_are(tokenizer_file: Path) -> None:
    with pytest.raises(TypeError, match="vectors"):
        TokenBudget(tokenizer_file)  # type: ignore[call-arg]
