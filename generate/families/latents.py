"""Latents: how the pipelines of several families of transformers pack them, and how their VAEs decode them."""

from __future__ import annotations

from typing import Any


def decoded_by_kl(pipeline: Any, latents: Any) -> Any:
    """Pixels, (pictures, 3, height, width), by an `AutoencoderKL` whose latents were scaled and shifted."""
    vae = pipeline.vae
    return vae.decode((latents / vae.config.scaling_factor + (vae.config.shift_factor or 0)).to(vae.dtype)).sample


def decoded_by_scale(pipeline: Any, latents: Any) -> Any:
    """The same where they were scaled alone."""
    vae = pipeline.vae
    return vae.decode((latents / vae.config.scaling_factor).to(vae.dtype)).sample


def unpacked_in_fours(pipeline: Any, latents: Any, height: int, width: int) -> Any:
    """(pictures, channels, height, width) of (pictures, tokens, 4 channels): a token is a square of two by two."""
    return pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor)


def decoded_as_film(pipeline: Any, latents: Any) -> Any:
    """The same by the VAE of Qwen, which is one for films: a picture is the only frame of one."""
    vae = pipeline.vae
    mean, deviation = (
        latents.new_tensor(numbers).view(1, -1, 1, 1) for numbers in (vae.config.latents_mean, vae.config.latents_std)
    )
    return vae.decode((latents * deviation + mean).unsqueeze(2).to(vae.dtype)).sample.squeeze(2)
