"""What several of the tiny models consist of: VAEs, the transformer of FLUX.2 and CLIP, with random weights."""

from __future__ import annotations

import math
from typing import Any

import diffusers
import torch
import transformers


@torch.no_grad()
def loud(model: Any, seed: int) -> Any:
    """The model with random weights of unit gain; what training opens, gates and modulations, is open."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        drawn = torch.randn(weight.shape, generator=generator)
        if weight.ndim >= 2:
            embeds = any(part in name for part in ("embed_tokens", "shared", "token_embedding", "position_embedding"))
            weight.copy_(drawn * (0.7 if embeds else 1 / math.sqrt(weight[0].numel())))
        elif name.endswith("weight") and ("norm" in name or "_ln." in name):
            weight.fill_(1.0)
        else:
            weight.copy_(drawn * 0.05)
    return model.eval()


def kl_vae(channels: int) -> Any:
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


def flux2_vae() -> Any:
    vae = diffusers.AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
    )
    return loud(vae, 3)


def flux2_transformer(guidance_embeds: bool) -> Any:
    transformer = diffusers.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=2,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=48,
        timestep_guidance_channels=32,
        axes_dims_rope=[4, 4, 4, 4],
        guidance_embeds=guidance_embeds,
    )
    return loud(transformer, 2)


def clip_encoder(words: Any, kind: Any) -> Any:
    config = transformers.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=3,
        projection_dim=32,
        vocab_size=len(words),
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return loud(kind(config), 6)
