"""The local expander with models that are made on the spot: untrained ones, and one that knows an answer by heart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_llm import ANSWER, REQUEST, save_chat_model
from tiny_tokenizer import clip_like

from ideation import Concept, DraftRequest, TokenBudget, Word, choose_expander, expand, typed_concept
from ideation.expanders import DeadlineExceeded, UnknownLLMModel, UnusableResponse, WrongLanguage

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
    with pytest.raises(UnusableResponse, match="holds no two prompts"):
        choose_expander("local", llm_model=str(tmp_path), environ={}).draft(request)
    with pytest.raises(DeadlineExceeded, match=r"0\.01 s"):
        choose_expander("local", llm_model=str(tmp_path), environ={"TWINSEED_LLM_DEADLINE": "0.01"}).draft(request)


def test_a_chat_model_that_knows_the_answer(tmp_path: Path) -> None:
    folder = save_chat_model(tmp_path / "chat")
    expander = choose_expander("local", llm_model=str(folder), environ={})
    draft = expander.draft(REQUEST)
    assert (draft.language, draft.simple, draft.expanded, draft.negative) == tuple(ANSWER.values())[:4]
    # With its thinking on it would have given other reasons: this is the answer without.
    assert list(draft.reasons) == ANSWER["reasons"]
    budget = TokenBudget(folder / "tokenizer.json", REQUEST.token_limit, vectors={})
    pair = expand(REQUEST.concept, expander, budget, seed=REQUEST.seed)
    assert (pair.expander, pair.llm_model, pair.lost) == ("local", str(folder), ())
    assert pair.expanded == ANSWER["expanded"]


def test_a_sequence_to_sequence_model_writes_the_expanded_prompt(model_folder: Path, tmp_path: Path) -> None:
    folder = save_rewriter(model_folder, tmp_path, "dog riding a bicycle, neon style", "a dog in the forest at night")
    expander = choose_expander("local", llm_model=str(folder), environ={})
    draft = expander.draft(DraftRequest(DRAWN, 0, 20))
    assert draft.simple == "dog riding a bicycle, neon style"
    assert draft.expanded == "a dog in the forest at night"
    # It was never taught this one, and still writes no more than it may.
    other = expander.draft(DraftRequest(typed_concept("a forest at night"), 0, 5))
    assert 0 < len(other.expanded.split()) <= 5


def save_rewriter(tokenizer_folder: Path, folder: Path, told: str, written: str) -> Path:
    """A T5 of one layer, from random weights to one rewriting learnt by heart."""
    import torch
    from tokenizers import decoders
    from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    tokenizer.backend_tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=16,
        d_ff=32,
        num_layers=1,
        num_decoder_layers=1,
        num_heads=2,
        dropout_rate=0,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    model = T5ForConditionalGeneration(config)
    inputs, labels = tokenizer(told, return_tensors="pt"), tokenizer(written, return_tensors="pt")["input_ids"][:, 1:]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(200):
        loss = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.01:
            break
    assert loss < 0.01
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_an_instruction_that_does_not_fit(model_folder: Path, tmp_path: Path) -> None:
    expander = choose_expander("local", llm_model=str(model_folder), environ={})
    with pytest.raises(UnusableResponse, match=r"takes \d+ tokens and .* reads 64"):
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
