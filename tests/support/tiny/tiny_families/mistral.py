"""Tiny models whose words a Mistral reads."""

from __future__ import annotations

from typing import Any

import diffusers
import transformers

from tiny_families.parts import flux2_transformer, flux2_vae, loud
from tiny_families.words import tokenizer


def flux2() -> Any:
    words = tokenizer("mistral")
    text = {
        "model_type": "mistral",
        "vocab_size": len(words),
        "hidden_size": 16,
        "intermediate_size": 16,
        "max_position_embeddings": 2048,
        "num_attention_heads": 2,
        "num_hidden_layers": 31,
        "num_key_value_heads": 2,
        "sliding_window": None,
    }
    vision = {"model_type": "pixtral", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Mistral3Config(
        text_config=text,
        vision_config=vision | {"intermediate_size": 16, "image_size": 30, "patch_size": 6},
        image_token_index=1,
        vision_feature_layer=-1,
    )
    return diffusers.Flux2Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=flux2_vae(),
        text_encoder=loud(transformers.Mistral3ForConditionalGeneration(config), 4),
        tokenizer=words,
        transformer=flux2_transformer(True),
    )


def ernie_image() -> Any:
    words = tokenizer("mistral")
    transformer = diffusers.ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=32,
        in_channels=16,
        out_channels=16,
        text_in_dim=16,
        rope_axes_dim=(4, 6, 6),
    )
    config = transformers.Ministral3Config(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=None,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    encoder = loud(transformers.Ministral3Model(config), 4)
    return diffusers.ErnieImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=flux2_vae(),
        text_encoder=encoder,
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def rewriting_model() -> dict[str, Any]:
    """The parts of ERNIE's pipeline that would rewrite prompts, here into four words."""
    words = tokenizer("mistral")
    words.model_max_length = 4
    config = transformers.Ministral3Config(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=None,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return {"pe": loud(transformers.Ministral3ForCausalLM(config), 4), "pe_tokenizer": words}
