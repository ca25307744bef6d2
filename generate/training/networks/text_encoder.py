"""The text encoder: a small CLIP text tower, which has learnt to read before the U-Net learns to draw."""

from __future__ import annotations

import torch
from transformers import CLIPModel, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generate.training.networks.tokenizer import LIMIT

WIDTH = 192


def text_configuration(tokenizer: CLIPTokenizer) -> CLIPTextConfig:
    """The text tower, of the CLIP and of the pipeline alike."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=3,
        num_attention_heads=WIDTH // 32,
        max_position_embeddings=LIMIT,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def text_encoder_of(clip: CLIPModel) -> CLIPTextModel:
    """A text encoder for the U-Net that begins as the text tower of the CLIP, and is trained apart from it."""
    model = CLIPTextModel(clip.config.text_config)
    model.load_state_dict(clip.text_model.state_dict())
    model.set_attn_implementation("eager")  # on CPUs faster than flash attention's backward pass
    return model


def token_ids(tokenizer: CLIPTokenizer, prompts: list[str]) -> torch.Tensor:
    """(n, 77) int64, cut or padded with the end token as the pipeline does it."""
    return tokenizer(prompts, padding="max_length", max_length=LIMIT, truncation=True, return_tensors="pt").input_ids
