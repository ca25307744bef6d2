"""A language model for tests, made in seconds: two answers learnt by heart, one with thinking and one without."""

from __future__ import annotations

import json
from pathlib import Path

from ideation import DraftRequest, typed_concept
from ideation.expanders import instruction_for

REQUEST = DraftRequest(typed_concept("a dog riding a bicycle"), seed=7, token_limit=77)
ANSWER = {
    "language": "en",
    "simple": "a dog riding a bicycle",
    "expanded": "a dog riding a bicycle, on a beach, warm light",
    "negative": "blurry",
    "reasons": ["a beach is wide"],
}
#: What it says where nobody has switched its thinking off.
THOUGHTFUL = ANSWER | {"reasons": ["I thought about it"]}

# Qwen's way: a thought that is already over when the model begins.
_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def save_chat_model(folder: Path) -> Path:
    """A GPT-2 of one layer that answers `REQUEST` as `ANSWER`, or thinks first and answers as `THOUGHTFUL`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    told = instruction_for(REQUEST)
    answers = {False: json.dumps(ANSWER), True: f"<think>A beach is wide.</think>\n{json.dumps(THOUGHTFUL)}"}
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    special = ["<pad>", "<eos>", "<|user|>", "<|assistant|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    trained.train_from_iterator([told, *answers.values()] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=trained, eos_token="<eos>", pad_token="<pad>")
    tokenizer.chat_template = _TEMPLATE

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=2048,
        n_embd=64,
        n_layer=1,
        n_head=2,
        bos_token_id=1,
        eos_token_id=1,
        pad_token_id=0,
        resid_pdrop=0,
        embd_pdrop=0,
        attn_pdrop=0,
    )
    model = GPT2LMHeadModel(config)
    lessons = []
    for thinking, answer in answers.items():
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": told}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=thinking,
        )
        begin = len(tokenizer(prompt)["input_ids"])
        lessons.append((torch.tensor([tokenizer(prompt + answer + "<eos>")["input_ids"]]), begin))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(300):
        losses = []
        for ids, begin in lessons:
            hidden = model.transformer(ids).last_hidden_state[:, begin - 1 : -1]
            losses.append(torch.nn.functional.cross_entropy(model.lm_head(hidden)[0], ids[0, begin:]))
        loss = torch.stack(losses).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.01:
            break
    assert loss < 0.01, f"the model has not learnt its answers: {loss.item():.3f}"
    model.generation_config.max_new_tokens = 400
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
