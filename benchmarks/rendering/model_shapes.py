"""Models of the published widths, of random weights, for `pair.py` to time: those with a U-Net whole, those with a
transformer of few layers."""

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
    """A model of the shape "sd15", "sdxl", "flux" (one of 19 double and two of 38 single blocks, T5 with one layer) or
    "z-image" (two of 30 layers, Qwen3 with two), saved in `folder`; its words are Seedling's."""
    torch.manual_seed(0)
    build, half = {
        "sd15": (_sd15, None),
        "sdxl": (_sdxl, torch.float16),
        "flux": (_flux, torch.bfloat16),
        "z-image": (_z_image, torch.bfloat16),
    }[shape]
    build().to("cpu", half).save_pretrained(folder)
    return folder


def _drawn(kind: Any, *given: Any, **named: Any) -> Any:
    """The part of a model, whose billions of numbers a graphics card draws, where there is one."""
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        return kind(*given, **named)


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


def _vae(latent_channels: int, side: int, **others: Any) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        latent_channels=latent_channels,
        sample_size=side,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        **others,
    )


def _flow_vae() -> Any:
    return _vae(16, 1024, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False)


def _clip_words() -> Any:
    return transformers.CLIPTokenizer.from_pretrained(SEEDLING_FOLDER / "tokenizer")


def _clip(words: Any, width: int = 768, layers: int = 12, **others: Any) -> Any:
    return transformers.CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        **others,
    )


def _scheduler() -> Any:
    return diffusers.DPMSolverMultistepScheduler.from_pretrained(SEEDLING_FOLDER / "scheduler")


def _sd15() -> Any:
    words = _clip_words()
    return diffusers.StableDiffusionPipeline(
        vae=_vae(4, 512),
        text_encoder=_drawn(transformers.CLIPTextModel, _clip(words)),
        tokenizer=words,
        unet=_drawn(diffusers.UNet2DConditionModel, sample_size=64, cross_attention_dim=768, attention_head_dim=8),
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl() -> Any:
    words = _clip_words()
    unet = _drawn(
        diffusers.UNet2DConditionModel,
        sample_size=128,
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )
    second = _clip(words, 1280, 32, projection_dim=1280)
    return diffusers.StableDiffusionXLPipeline(
        vae=_vae(4, 1024, scaling_factor=0.13025),
        text_encoder=_drawn(transformers.CLIPTextModel, _clip(words)),
        tokenizer=words,
        text_encoder_2=_drawn(transformers.CLIPTextModelWithProjection, second),
        tokenizer_2=words,
        unet=unet,
        scheduler=_scheduler(),
    )


def _flux() -> Any:
    words = _words()
    clip_words = _clip_words()
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
        vae=_flow_vae(),
        text_encoder=_drawn(transformers.CLIPTextModel, _clip(clip_words)),
        tokenizer=clip_words,
        text_encoder_2=_drawn(transformers.T5EncoderModel, t5),
        tokenizer_2=words,
        transformer=_drawn(diffusers.FluxTransformer2DModel, num_layers=1, num_single_layers=2, guidance_embeds=True),
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
        vae=_flow_vae(),
        text_encoder=_drawn(transformers.Qwen3Model, qwen),
        tokenizer=words,
        transformer=_drawn(diffusers.ZImageTransformer2DModel, n_layers=2, n_refiner_layers=1),
    )
