"""Tiny models whose words Gemma reads."""

from __future__ import annotations

from typing import Any

import diffusers
import transformers

from tiny_families.parts import kl_vae, loud
from tiny_families.words import tokenizer


def _gemma(words: Any) -> Any:
    config = transformers.Gemma2Config(
        head_dim=8,
        hidden_size=8,
        intermediate_size=16,
        num_attention_heads=2,
        num_hidden_layers=2,
        num_key_value_heads=2,
        vocab_size=len(words),
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return loud(transformers.Gemma2Model(config), 4)


def lumina2() -> Any:
    words = tokenizer("gemma")
    transformer = diffusers.Lumina2Transformer2DModel(
        in_channels=4,
        hidden_size=24,
        num_layers=2,
        num_refiner_layers=1,
        num_attention_heads=3,
        num_kv_heads=1,
        multiple_of=16,
        axes_dim_rope=(4, 2, 2),
        cap_feat_dim=8,
    )
    return diffusers.Lumina2Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=6.0),
        vae=kl_vae(4),
        text_encoder=_gemma(words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def sana(sprint: bool) -> Any:
    words = tokenizer("gemma")
    transformer = diffusers.SanaTransformer2DModel(
        guidance_embeds=sprint,
        guidance_embeds_scale=0.1,
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=8,
        sample_size=32,
    )
    blocks = ("ResBlock", "ResBlock", "EfficientViTBlock")
    vae = diffusers.AutoencoderDC(
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=blocks,
        decoder_block_types=blocks,
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        encoder_qkv_multiscales=((), (), (5,)),
        decoder_qkv_multiscales=((), (), (5,)),
        encoder_layers_per_block=(1, 1, 1),
        decoder_layers_per_block=(1, 1, 1),
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.41407,
    )
    parts = {
        "vae": loud(vae, 3),
        "text_encoder": _gemma(words),
        "tokenizer": words,
        "transformer": loud(transformer, 2),
    }
    if sprint:
        scheduler = diffusers.SCMScheduler(prediction_type="trigflow", sigma_data=0.5)
        return diffusers.SanaSprintPipeline(scheduler=scheduler, **parts)
    of_flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}
    return diffusers.SanaPipeline(scheduler=diffusers.DPMSolverMultistepScheduler(**of_flow), **parts)
