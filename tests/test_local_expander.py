"""The local expander with models that are made on the spot: untrained, so only the way to and fro is tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_tokenizer import clip_like

from ideation.concept import Concept, Word, typed_concept
from ideation.draft import DraftRequest
from ideation.expander_error import DeadlineExceeded, UnknownLLMModel, UnusableAnswer, WrongLanguage
from ideation.expanders import choose_expander

DRAWN = Concept(
    "一隻狗騎腳踏車", "zh-TW", Word("dog", "狗"), Word("riding a bicycle", "騎腳踏車"), Word("neon", "霓虹")
)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(clip_like(folder / "trained.json")), eos_token="<|endoftext|>", bos_token="<|startoftext|>"
    )
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=1
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_plain_model_goes_on_with_the_simple_prompt(model_folder: Path) -> None:
    expander = choose_expander("local", llm_model=str(model_folder), environ={})
    draft = expander.draft(DraftRequest(DRAWN, 0, 20))
    assert draft.simple == "dog riding a bicycle, neon style"
    assert draft.expanded.startswith(draft.simple)
    assert len(draft.expanded) > len(draft.simple)
    assert draft == expander.draft(DraftRequest(DRAWN, 0, 20))
    assert (expander.name, expander.llm_model) == ("local", str(model_folder))
    with pytest.raises(WrongLanguage, match="zh-TW"):
        expander.draft(DraftRequest(typed_concept("一隻狗"), 0, 20))


def test_a_chat_model_gets_the_instruction(model_folder: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %} a{% endif %}"
    )
    tokenizer.save_pretrained(tmp_path)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=8192, n_embd=8, n_layer=1, n_head=1, eos_token_id=1)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    request = DraftRequest(typed_concept("a dog"), 0, 77)
    with pytest.raises(UnusableAnswer, match="holds no two prompts"):
        choose_expander("local", llm_model=str(tmp_path), environ={}).draft(request)
    with pytest.raises(DeadlineExceeded, match=r"0\.01 s"):
        choose_expander("local", llm_model=str(tmp_path), environ={"TWINSEED_LLM_DEADLINE": "0.01"}).draft(request)


def test_an_instruction_that_does_not_fit(model_folder: Path, tmp_path: Path) -> None:
    expander = choose_expander("local", llm_model=str(model_folder), environ={})
    with pytest.raises(UnusableAnswer, match=r"takes \d+ tokens and .* reads 64"):
        expander.draft(DraftRequest(typed_concept("a dog " * 60), 0, 77))


@pytest.mark.parametrize("content", [None, "{}", "{", '{"model_type": "nothing"}'])
def test_a_folder_that_holds_no_model(content: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    if content is not None:
        folder.mkdir()
        (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(UnknownLLMModel, match="cannot be loaded") as caught:
        choose_expander("local", llm_model=str(folder), environ={}).draft(DraftRequest(typed_concept("a dog"), 0, 77))
    assert "--expander offline" in caught.value.hint
