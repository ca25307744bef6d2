"""The autoencoder: stock `AutoencoderKL`, whose decoder learns to draw from the fixed latents, 8x8x48 to 128 px."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch.nn import functional

from generate.training.checkpoint import load_checkpoint, save_checkpoint
from generate.training.dataset import DataSet
from generate.training.latents import CHANNELS, PatchCode

log = logging.getLogger(__name__)


def new_autoencoder() -> AutoencoderKL:
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=CHANNELS,
        sample_size=128,
        scaling_factor=1.0,
        down_block_types=("DownEncoderBlock2D",) * 5,
        up_block_types=("UpDecoderBlock2D",) * 5,
        block_out_channels=(16, 32, 64, 96, 160),
        layers_per_block=1,
        norm_num_groups=8,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def _sharpness_loss(drawn: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of the pictures and of their horizontal and vertical slopes: edges count twice."""
    loss = functional.l1_loss(drawn, wanted)
    for axis in (2, 3):
        loss = loss + functional.l1_loss(drawn.diff(dim=axis), wanted.diff(dim=axis))
    return loss


#: Makes (n, 48, 8, 8) latents of the scenes with those numbers, (n,), a little wrong.
Roughen = Callable[[torch.Tensor, NDArray[np.int64]], torch.Tensor]


def a_little_noise(latents: torch.Tensor, _pick: NDArray[np.int64]) -> torch.Tensor:
    strength = 0.12 * torch.rand(len(latents), 1, 1, 1, device=latents.device)
    return latents + torch.randn_like(latents) * strength


def train_autoencoder(
    model: AutoencoderKL,
    data: DataSet,
    code: PatchCode,
    checkpoint: Path,
    *,
    pictures: int,
    roughen: Roughen = a_little_noise,
    batch: int = 12,
    rate: float = 1.5e-3,
    device: str = "cpu",
) -> AutoencoderKL:
    """Teaches the decoder for `pictures` pictures, going on from the checkpoint if there is one.

    It learns to draw the true picture from latents that are a little wrong, as those that the U-Net makes are: first
    with noise in them, later, when there is a U-Net, as that U-Net draws them. The encoder learns the code's linear
    map on the side, for picture-to-latent.
    """
    model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=1e-4)
    steps = pictures // batch
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, s / 100, 2.5 * (1 - s / max(steps, 1)) + 0.02)
    )
    done = load_checkpoint(checkpoint, {"model": model, "optimizer": optimizer, "schedule": schedule}, device)
    average, began = None, time.monotonic()
    for step in range(done, steps):
        pick = np.sort(np.random.default_rng((7, step)).integers(0, len(data), batch))
        pixels = torch.from_numpy(data.pixels[pick]).to(device)
        wanted = pixels.permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)
        latents = code.encode(pixels)
        rough = roughen(latents, pick)
        with torch.autocast(device, torch.bfloat16):
            drawn = model.decode(rough.contiguous(memory_format=torch.channels_last)).sample.float()
            loss = _sharpness_loss(drawn, wanted)
            if step % 4 == 0:
                moments = model.encoder(wanted)
                mean, log_variance = moments.float().chunk(2, 1)
                loss = loss + 0.5 * functional.mse_loss(mean, latents) + 0.01 * (log_variance + 8).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        error = functional.mse_loss(drawn.detach(), wanted).item() / 4
        average = error if average is None else 0.98 * average + 0.02 * error
        if step % 50 == 49 or step == steps - 1:
            pace = (step + 1 - done) * batch / (time.monotonic() - began)
            log.info(
                "autoencoder: %d pictures, %.2f dB, %.1f a second", (step + 1) * batch, -10 * np.log10(average), pace
            )
        if step % 200 == 199 or step == steps - 1:
            save_checkpoint(checkpoint, {"model": model, "optimizer": optimizer, "schedule": schedule}, step + 1)
    return model
