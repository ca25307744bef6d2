"""Models with transformers of the published widths, of random weights and few layers, for `pair.py` to time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Before torch: whatever is of `generate` tells threads to sleep while they wait, which torch reads when it is imported.
from generate.seedling import SEEDLING_FOLDER

# isort: split

import diffusers
import torch
import transformers

_CHAT = (
    "{% for message in messages %}<|startoftext|>{{ message['role'] }} {{ message['content'] }}<|endoftext|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|startoftext|>assistant{% endif %}"
)


def save_shaped(shape: str, folder: Path) -> Path:
    """A model of the shape "flux" (one of 19 double and two of 38 single blocks, T5 with one layer) or "z-image" (two
    of 30 layers, Qwen3 with two), saved in `folder`; its words are Seedling's."""
    torch.manual_seed(0)
    pipeline = {"flux": _flux, "z-image": _z_image}[shape]()
    pipeline.to(dtype=torch.bfloat16).save_pretrained(folder)
    return folder


def _words() -> Any:
    """Seedling's, as one that may read any number of tokens."""
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(SEEDLING_FOLDER / "tokenizer" / "tokenizer.json"),
        pad_token="<|endoftext|>",  # noqa: S106 - a token of words
        eos_token="<|endoftext|>",  # noqa: S106
        model_max_length=4096,
    )
    words.chat_template = _CHAT
    return words


def _vae() -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        latent_channels=16,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def _flux() -> Any:
    words = _words()
    clip_words = transformers.CLIPTokenizer.from_pretrained(SEEDLING_FOLDER / "tokenizer")
    clip = transformers.CLIPTextConfig(
        vocab_size=len(clip_words),
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        bos_token_id=clip_words.bos_token_id,
        eos_token_id=clip_words.eos_token_id,
    )
    t5 = transformers.T5Config(
        vocab_size=len(words),
        d_model=4096,
        d_kv=64,
        d_ff=1024,
        num_layers=1,
        num_heads=64,
        feed_forward_proj="gated-gelu",
    )
    return diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_vae(),
        text_encoder=transformers.CLIPTextModel(clip),
        tokenizer=clip_words,
        text_encoder_2=transformers.T5EncoderModel(t5),
        tokenizer_2=words,
        transformer=diffusers.FluxTransformer2DModel(num_layers=1, num_single_layers=2, guidance_embeds=True),
    )


def _z_image() -> Any:
    words = _words()
    qwen = transformers.Qwen3Config(
        vocab_size=len(words),
        hidden_size=2560,
        intermediate_size=1024,
        num_hidden_layers=2,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return diffusers.ZImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(),
        text_encoder=transformers.Qwen3Model(qwen),
        tokenizer=words,
        transformer=diffusers.ZImageTransformer2DModel(n_layers=2, n_refiner_layers=1),
    )
