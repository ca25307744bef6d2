"""A tiny model whose words GLM reads."""

from __future__ import annotations

from typing import Any

import diffusers
import transformers

from tiny_families.parts import kl_vae, loud
from tiny_families.words import tokenizer


def cogview4() -> Any:
    words = tokenizer("glm")
    transformer = diffusers.CogView4Transformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        text_embed_dim=32,
        time_embed_dim=8,
        condition_dim=4,
    )
    config = transformers.GlmConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=16,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(
        base_shift=0.25, max_shift=0.75, use_dynamic_shifting=True, time_shift_type="linear"
    )
    return diffusers.CogView4Pipeline(
        scheduler=scheduler,
        vae=kl_vae(4),
        text_encoder=loud(transformers.GlmModel(config), 4),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )
