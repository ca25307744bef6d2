"""Tiny models of the families of transformers: diffusers' own classes with random weights, loud enough for words to
matter, saved as the makers save theirs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

_WORDS = """a red cat blue dog near the ancient lighthouse harbour forest misty valley market golden cathedral bridge
garden river meadow castle library desert island village orchard tower in front of it over tall waves at dusk soft light
blurry low quality watermark user assistant painting with warm colours and many small birds , . : ; ( ) - '""".split()

# The turns of a chat as Qwen writes them.
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def tokenizer(kind: str) -> Any:
    """A tokenizer of whole words with the special tokens of "qwen", "t5" or "clip"."""
    special = {
        "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "\n", "\n\n", "<think>", "</think>"],
        "t5": ["<pad>", "</s>"],
        "clip": ["<|startoftext|>", "<|endoftext|>"],
    }[kind]
    entries = ["<unk>", *(special if kind != "clip" else []), *dict.fromkeys([*_WORDS, *"abcdefghijklmnopqrstuvwxyz"])]
    vocabulary = {word: number for number, word in enumerate(entries + (special if kind == "clip" else []))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    around = {"t5": "$A </s>", "clip": "<|startoftext|> $A <|endoftext|>"}.get(kind)
    if around is not None:
        ends = [(token, vocabulary[token]) for token in special if token in around]
        backend.post_processor = processors.TemplateProcessing(single=around, special_tokens=ends)
    names = {
        "qwen": {"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"},
        "t5": {"pad_token": "<pad>", "eos_token": "</s>"},
        "clip": {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "bos_token": "<|startoftext|>"},
    }[kind]
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        model_max_length={"qwen": 131_072, "t5": 512, "clip": 77}[kind],
        **names,
    )
    if kind == "qwen":
        made.chat_template = _CHAT
    return made


@torch.no_grad()
def loud(model: Any, seed: int) -> Any:
    """The model with random weights of unit gain; what training opens, gates and modulations, is open."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        drawn = torch.randn(weight.shape, generator=generator)
        if weight.ndim >= 2:
            embeds = any(part in name for part in ("embed_tokens", "shared", "token_embedding", "position_embedding"))
            weight.copy_(drawn * (0.7 if embeds else 1 / math.sqrt(weight[0].numel())))
        elif "norm" in name and name.endswith("weight"):
            weight.fill_(1.0)
        else:
            weight.copy_(drawn * 0.05)
    return model.eval()


def _qwen3(kind: Any, width: int, words: Any) -> Any:
    return loud(
        kind(
            transformers.Qwen3Config(
                hidden_size=width,
                intermediate_size=width,
                num_hidden_layers=3,
                num_attention_heads=2,
                num_key_value_heads=2,
                head_dim=8,
                vocab_size=len(words),
                max_position_embeddings=2048,
                bos_token_id=None,
                eos_token_id=words.eos_token_id,
                pad_token_id=words.pad_token_id,
            )
        ),
        4,
    )


def _vae(channels: int) -> Any:
    return loud(
        diffusers.AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            latent_channels=channels,
            norm_num_groups=4,
            scaling_factor=0.3611,
            shift_factor=0.1159,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        3,
    )


def z_image() -> Any:
    words = tokenizer("qwen")
    transformer = diffusers.ZImageTransformer2DModel(
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[512, 32, 32],
    )
    return diffusers.ZImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(16),
        text_encoder=_qwen3(transformers.Qwen3Model, 16, words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


BUILDERS: dict[str, Callable[[], Any]] = {"z-image": z_image}


def save_tiny(family: str, folder: Path) -> Path:
    """The tiny model of the family in that folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BUILDERS[family]().save_pretrained(folder)
    return folder


def families() -> Iterable[str]:
    return BUILDERS
