"""Tokenizers of whole words, in the manner of each encoder that reads prompts."""

from __future__ import annotations

from typing import Any

import transformers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

_WORDS = """a red cat blue dog near the ancient lighthouse harbour forest misty valley market golden cathedral bridge
garden river meadow castle library desert island village orchard tower in front of it over tall waves at dusk soft light
blurry low quality watermark user assistant painting with warm colours and many small birds , . : ; ( ) - '""".split()

# The same as Mistral writes them, of whose words pictures could be part.
_CHAT_OF_PARTS = (
    "<s>{% for message in messages %}{% set words = message['content'][0]['text'] %}"
    "{% if message['role'] == 'system' %}[SYSTEM_PROMPT]{{ words }}[/SYSTEM_PROMPT]"
    "{% else %}[INST]{{ words }}[/INST]{% endif %}{% endfor %}"
)

# The turns of a chat as Qwen writes them.
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def tokenizer(kind: str) -> Any:
    """A tokenizer of whole words with the special tokens of "qwen", "t5", "clip", "glm", "gemma" or "mistral"."""
    special = {
        "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "\n", "\n\n", "<think>", "</think>"],
        "t5": ["<pad>", "</s>"],
        "clip": ["<|startoftext|>", "<|endoftext|>"],
        "glm": ["<|endoftext|>", "[gMASK]", "<sop>"],
        "gemma": ["<pad>", "<bos>", "<eos>"],
        "mistral": ["<pad>", "<s>", "</s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"],
    }[kind]
    entries = ["<unk>", *(special if kind != "clip" else []), *dict.fromkeys([*_WORDS, *"abcdefghijklmnopqrstuvwxyz"])]
    vocabulary = {word: number for number, word in enumerate(entries + (special if kind == "clip" else []))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    around = {
        "t5": "$A </s>",
        "clip": "<|startoftext|> $A <|endoftext|>",
        "glm": "[gMASK] <sop> $A",
        "gemma": "<bos> $A",
        "mistral": "<s> $A",
    }.get(kind)
    if around is not None:
        ends = [(token, vocabulary[token]) for token in special if token in around.split()]
        backend.post_processor = processors.TemplateProcessing(single=around, special_tokens=ends)
    names = {
        "qwen": {"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"},
        "t5": {"pad_token": "<pad>", "eos_token": "</s>"},
        "clip": {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "bos_token": "<|startoftext|>"},
        "glm": {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "padding_side": "left"},
        "gemma": {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>"},
        "mistral": {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "padding_side": "left"},
    }[kind]
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        model_max_length={"t5": 512, "clip": 77}.get(kind, 131_072),
        **names,
    )
    if kind in ("qwen", "mistral"):
        made.chat_template = CHAT if kind == "qwen" else _CHAT_OF_PARTS
    return made
