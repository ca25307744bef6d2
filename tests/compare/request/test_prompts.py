"""What is put around written prompts: words of praise behind one of them, and what is said of it."""

from __future__ import annotations

from pathlib import Path

from tiny_tokenizer import clip_like

from compare.request import PairOptions, PairRequest, enhanced_prompts, written_prompts
from ideation import OfflineExpander, TokenBudget, given_pair, told


def test_words_of_praise_are_behind_the_expanded_prompt_alone_and_named(tmp_path: Path) -> None:
    budget = TokenBudget(clip_like(tmp_path / "tokenizer.json"), 500, vectors={})
    pair = enhanced_prompts(given_pair("a dog", "a dog", "a dog on a beach, Sharp Focus.", "", budget), budget)
    assert pair.simple == "a dog"
    assert (
        pair.expanded == "a dog on a beach, Sharp Focus, masterpiece, best quality, highly detailed, intricate detail"
    )
    note = "masterpiece, best quality, highly detailed, intricate detail"
    assert pair.warnings == (f"Words of praise were put behind the expanded prompt alone: {note}.",)
    assert "讚美" in told(pair.warnings[0], "zh-TW")
    assert enhanced_prompts(pair, budget) == pair, "what is said already is not said again"
    short = TokenBudget(clip_like(tmp_path / "tokenizer.json"), 12, vectors={})
    assert (
        "With them, these words fall off"
        in enhanced_prompts(given_pair("a", "a", "a", "", short), short).warnings[-2:][1]
    )


def test_a_pair_that_the_text_encoder_cannot_read_is_called_unfair(tmp_path: Path) -> None:
    budget = TokenBudget(clip_like(tmp_path / "tokenizer.json"), 500, vectors={})
    both, _ = PairRequest.from_options(PairOptions(concept="a dog", simple="一隻狗", expanded="a dog on a beach"))
    assert "no fair comparison" in written_prompts(both, budget, None).warnings[0]
    one, _ = PairRequest.from_options(PairOptions(concept="a dog", simple="一隻狗在看書"))
    written = written_prompts(one, budget, OfflineExpander())
    assert written.simple == "a dog reading a book"
    assert not [note for note in written.warnings if "no fair comparison" in note]
