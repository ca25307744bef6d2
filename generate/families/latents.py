"""Latents: how the pipelines of several families of transformers pack them, and how their VAEs decode them."""

from __future__ import annotations

from typing import Any


def decoded_by_kl(pipeline: Any, latents: Any) -> Any:
    """Pixels, (pictures, 3, height, width), by an `AutoencoderKL` whose latents were scaled and shifted."""
    vae = pipeline.vae
    return vae.decode((latents / vae.config.scaling_factor + (vae.config.shift_factor or 0)).to(vae.dtype)).sample


def unpacked_in_fours(pipeline: Any, latents: Any, height: int, width: int) -> Any:
    """(pictures, channels, height, width) of (pictures, tokens, 4 channels): a token is a square of two by two."""
    return pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor)
