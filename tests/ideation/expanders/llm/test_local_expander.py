"""The local expander with models that are made on the spot: untrained ones, and one that knows an answer by heart."""

from __future__ import annotations

from itertools import pairwise
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


def test_a_plain_model_adds_details_to_the_concept(tmp_path: Path) -> None:
    added = "on a quiet beach, warm evening light"
    expander = choose_expander("local", llm_model=str(save_plain_model(tmp_path, added)), environ={})
    draft = expander.draft(DraftRequest(DRAWN, 0, 77))
    assert draft.simple == "a dog riding a bicycle, neon style"
    assert draft.expanded == f"{draft.simple}, {added}"
    assert draft.warnings[0].startswith(f"{tmp_path} has no chat template, so it was asked only for details")
    assert draft == expander.draft(DraftRequest(DRAWN, 0, 77))
    assert expander.draft(DraftRequest(typed_concept("一隻狗在騎腳踏車"), 0, 77)).simple == "a dog riding a bicycle"
    assert (expander.name, expander.llm_model) == ("local", str(tmp_path))
    with pytest.raises(WrongLanguage, match="the concept is in fr"):
        expander.draft(DraftRequest(typed_concept("un chien sur une plage"), 0, 77))
    with pytest.raises(DeadlineExceeded):
        expander.draft(DraftRequest(DRAWN, 0, 77, spent_s=60.0))


_ENDS_IN_A_COLON = "{% for m in messages %}{{ m.content }} {% endfor %}{% if add_generation_prompt %}:{% endif %}"


def save_plain_model(folder: Path, added: str, chat_template: str | None = None) -> Path:
    """A GPT-2 whose weights are written by hand: each word of `added` is followed by the next, the first by a colon's
    side, and the last by the end of the line."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    chain = [":", *added.replace(",", " ,").split(), "\n"]
    words = ["<eos>", "<unk>", *chain]
    trained = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=trained, eos_token="<eos>", unk_token="<unk>")
    tokenizer.chat_template = chat_template
    size = len(words)
    config = GPT2Config(
        vocab_size=size, n_positions=2048, n_embd=size, n_layer=1, n_head=1, eos_token_id=0, tie_word_embeddings=False
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.transformer.wte.weight.copy_(torch.eye(size))
        model.transformer.ln_f.weight.fill_(1)
        for word, following in pairwise(chain):
            model.lm_head.weight[words.index(following), words.index(word)] = 50
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_small_chat_model_is_asked_for_details_where_it_begins_no_object(tmp_path: Path) -> None:
    folder = save_plain_model(tmp_path, "in a garden, soft morning light", chat_template=_ENDS_IN_A_COLON)
    draft = choose_expander("local", llm_model=str(folder), environ={}).draft(
        DraftRequest(typed_concept("a dog"), 0, 77)
    )
    assert (draft.simple, draft.expanded) == ("a dog", "a dog, in a garden, soft morning light")
    assert "does not follow the full instruction" in draft.warnings[0]
    with pytest.raises(DeadlineExceeded, match=r"0\.01 s"):
        choose_expander("local", llm_model=str(folder), environ={"TWINSEED_LLM_DEADLINE": "0.01"}).draft(REQUEST)


def test_a_chat_model_that_has_nothing_to_say(tmp_path: Path) -> None:
    folder = save_plain_model(tmp_path, "!", chat_template=_ENDS_IN_A_COLON)
    with pytest.raises(UnusableResponse, match="holds no two prompts"):
        choose_expander("local", llm_model=str(folder), environ={}).draft(REQUEST)


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
    folder = save_rewriter(model_folder, tmp_path, "a dog riding a bicycle, neon style", "a dog in the forest at night")
    expander = choose_expander("local", llm_model=str(folder), environ={})
    draft = expander.draft(DraftRequest(DRAWN, 0, 20))
    assert draft.simple == "a dog riding a bicycle, neon style"
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
