"""Tiny models whose words T5 reads, or T5 and CLIP."""

from __future__ import annotations

from typing import Any

import diffusers
import transformers

from tiny_families.parts import clip_encoder, kl_vae, loud
from tiny_families.words import tokenizer


def _t5(words: Any, width: int = 32) -> Any:
    kind = transformers.T5Config(
        vocab_size=len(words), d_model=width, d_kv=8, d_ff=37, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu"
    )
    return loud(transformers.T5EncoderModel(kind), 5)


def flux(guidance_embeds: bool) -> Any:
    transformer = diffusers.FluxTransformer2DModel(
        in_channels=16,
        num_layers=2,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
        guidance_embeds=guidance_embeds,
    )
    clip_words, t5_words = tokenizer("clip"), tokenizer("t5")
    return diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=guidance_embeds),
        vae=kl_vae(4),
        text_encoder=clip_encoder(clip_words, transformers.CLIPTextModel),
        tokenizer=clip_words,
        text_encoder_2=_t5(t5_words),
        tokenizer_2=t5_words,
        transformer=loud(transformer, 2),
    )


def sd3() -> Any:
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=32,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=64,
        pooled_projection_dim=64,
    )
    words, t5_words = tokenizer("clip"), tokenizer("t5")
    return diffusers.StableDiffusion3Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=kl_vae(4),
        text_encoder=clip_encoder(words, transformers.CLIPTextModelWithProjection),
        tokenizer=words,
        text_encoder_2=clip_encoder(words, transformers.CLIPTextModelWithProjection),
        tokenizer_2=words,
        text_encoder_3=_t5(t5_words, 64),
        tokenizer_3=t5_words,
        transformer=loud(transformer, 2),
    )


def chroma() -> Any:
    transformer = diffusers.ChromaTransformer2DModel(
        in_channels=16,
        num_layers=2,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=[4, 4, 8],
        approximator_hidden_dim=32,
        approximator_layers=1,
        approximator_num_channels=16,
    )
    words = tokenizer("t5")
    return diffusers.ChromaPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=kl_vae(4),
        text_encoder=_t5(words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def pixart() -> Any:
    words = tokenizer("t5")
    transformer = diffusers.PixArtTransformer2DModel(
        sample_size=8,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=3,
        cross_attention_dim=24,
        caption_channels=32,
        in_channels=4,
        out_channels=8,
        use_additional_conditions=False,
    )
    return diffusers.PixArtSigmaPipeline(
        tokenizer=words,
        text_encoder=_t5(words),
        vae=kl_vae(4),
        transformer=loud(transformer, 2),
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )
