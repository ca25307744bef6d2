"""The autoencoder: stock `AutoencoderKL`, whose decoder learns to draw from the fixed latents, 8x8x48, to pictures."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from generate.training.networks.checkpoint import load_checkpoint, save_checkpoint
from generate.training.networks.judge import Judge
from generate.training.networks.latents import CHANNELS
from generate.training.scenes.dataset import SIZE, DataSet
from generate.training.scenes.scene import Scene

log = logging.getLogger(__name__)

_WIDTHS = (16, 32, 64, 96, 160)  # of the blocks from 128 px down to 8
_CRITIC_WEIGHT = 0.03
_SAVE_EVERY = 60.0  # seconds


def new_autoencoder(size: int = SIZE) -> AutoencoderKL:
    """For pictures of 128 x 128 pixels, or of twice as many a side for each block more, from 8x8 latents."""
    widths = (_WIDTHS[0],) * (size // SIZE).bit_length() + _WIDTHS[1:]
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=CHANNELS,
        sample_size=size,
        scaling_factor=1.0,
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        block_out_channels=widths,
        layers_per_block=1,
        norm_num_groups=8,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


@torch.no_grad()
def enlarged(smaller: AutoencoderKL) -> AutoencoderKL:
    """An autoencoder for pictures of twice the size that begins with what the smaller one has learnt.

    Its outermost blocks pass on what they get, so that it first draws the smaller one's picture, doubled, and codes a
    picture as its half.
    """
    larger = new_autoencoder(2 * smaller.config.sample_size)
    known = smaller.state_dict()
    for name in sorted(known, reverse=True):  # the encoder's blocks move inward by one
        head, _, rest = name.partition("down_blocks.")
        if rest:
            number, _, rest = rest.partition(".")
            known[f"{head}down_blocks.{int(number) + 1}.{rest}"] = known.pop(name)
    larger.load_state_dict(known, strict=False)
    outermost = (larger.encoder.down_blocks[0], larger.decoder.up_blocks[-1])
    for block in outermost:
        for resnet in block.resnets:
            nn.init.zeros_(resnet.conv2.weight)
            nn.init.zeros_(resnet.conv2.bias)
    doubling, halving = larger.decoder.up_blocks[-2].upsamplers[0].conv, outermost[0].downsamplers[0].conv
    nn.init.dirac_(doubling.weight)
    nn.init.zeros_(halving.weight)
    for channel in range(halving.out_channels):
        halving.weight[channel, channel, :2, :2] = 0.25
    nn.init.zeros_(doubling.bias)
    nn.init.zeros_(halving.bias)
    return larger


def _sharpness_loss(drawn: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of the pictures and of their horizontal and vertical slopes: edges count twice. `weight`
    (n, 1, height, width) says how much each place counts."""
    error = drawn - wanted
    loss = (error.abs() * weight).mean()
    for axis in (2, 3):
        inner = weight.narrow(axis, 1, weight.shape[axis] - 1)
        loss = loss + (error.diff(dim=axis).abs() * inner).mean()
    return loss


def _weight(coverage: torch.Tensor, figure_weight: float, size: torch.Size) -> torch.Tensor:
    """(n, 1, height, width), 1 on average: places of the figure count up to `figure_weight` times as much as others."""
    weight = 1 + (figure_weight - 1) * coverage[:, None].float().div(255)
    return functional.interpolate(weight / weight.mean(), size=list(size))


def _feature_loss(drawn: torch.Tensor, wanted: torch.Tensor, judge: Judge) -> torch.Tensor:
    """Mean absolute error of what the judge's first layers see: whether edges and textures are there, even if they lie
    a pixel aside, where the error of pixels would rather have a blur."""
    with torch.no_grad():
        aims = judge.features(wanted)
    return torch.stack([functional.l1_loss(a, b) for a, b in zip(judge.features(drawn), aims, strict=True)]).mean()


def new_critic() -> nn.Sequential:
    """(n, 3, h, w) to (n, 1, h / 8, w / 8): whether each region looks drawn (positive) or decoded."""
    layers: list[nn.Module] = []
    for inward, outward in ((3, 24), (24, 48), (48, 64)):
        conv = nn.utils.parametrizations.spectral_norm(nn.Conv2d(inward, outward, 4, stride=2, padding=1))
        layers += [conv, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(64, 1, 3, padding=1))


#: Makes latents (n, 48, rows, columns) a little wrong: those of the scenes with the numbers (n,) of a set, the first,
#: the second, ... of those that the decoder learns from.
Roughen = Callable[[torch.Tensor, int, torch.Tensor], torch.Tensor]


def a_little_noise(latents: torch.Tensor, _which: int, _pick: torch.Tensor) -> torch.Tensor:
    strength = 0.12 * torch.rand(len(latents), 1, 1, 1, device=latents.device)
    return latents + torch.randn_like(latents) * strength


@dataclass(frozen=True)
class PictureSet:
    """What the decoder learns from: scenes of one shape as `pixels` (n, height, width, 3) uint8 and as `latents`
    (n, 48, rows, columns) float16, how much of each patch the figure covers, `coverage` (n, rows, columns) uint8, and
    how often each scene comes up, `odds` (n,), which add up to 1."""

    pixels: NDArray[np.uint8]
    latents: NDArray[np.float16]
    coverage: NDArray[np.uint8]
    odds: NDArray[np.float64]


def picture_set(data: DataSet, latents: NDArray[np.float16]) -> PictureSet:
    """The set of a data set and the latents of its scenes; those that a decoder draws worst come up more often."""
    odds = np.array([_fineness(scene) for scene in data.scenes], dtype=np.float64)
    return PictureSet(data.pixels, latents, data.coverage, odds / odds.sum())


def _fineness(scene: Scene) -> int:
    """How often a scene comes up: heads of many small parts, and styles under which a face is a few faint strokes."""
    return (
        1
        + 3 * (scene.subject == "dragon")
        + 2 * (scene.subject in ("mouse", "octopus"))
        + 2 * (scene.style in ("watercolor", "neon", "pixel art", "Van Gogh", "oil painting"))
        + (scene.style == "blueprint")
    )


def train_autoencoder(
    model: AutoencoderKL,
    sets: Sequence[PictureSet],
    checkpoint: Path,
    *,
    pictures: int,
    judge: Judge | None = None,
    criticised: float = 0.0,
    figure_weight: float = 3.0,
    roughen: Roughen = a_little_noise,
    batch: int = 12,
    rate: float = 1.5e-3,
    seconds: float = math.inf,
    device: str = "cpu",
) -> AutoencoderKL:
    """Teaches the decoder for `pictures` pictures or for so many `seconds`, whichever is over first, going on from the
    checkpoint if there is one.

    It learns to draw the pictures of the `sets`, each of its own shape, from their latents, a little wrong, as those
    that the U-Net makes are: first with noise in them, later, when there is a U-Net, as that U-Net draws them. A
    `judge` adds a loss of what its first layers see. In the last part of the run, a share of `criticised`, a critic
    learns to tell drawn from decoded pictures and the decoder to please it. Places of the figure count up to
    `figure_weight` times as much as the background, whose texture matters less than a face. The encoder learns the
    code's linear map on the side, for picture-to-latent.
    """
    model.to(device, memory_format=torch.channels_last)
    if judge is not None:
        judge.to(device).eval().requires_grad_(False)
    critic = new_critic().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in judge.py
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=1e-4)
    critic_optimizer = torch.optim.AdamW(critic.parameters(), lr=4e-4, betas=(0.5, 0.98))
    steps = pictures // batch
    parts = {
        "model": model,
        "optimizer": optimizer,
        "critic": critic,
        "critic optimizer": critic_optimizer,
    }
    done = load_checkpoint(checkpoint, parts, device)
    shown = [
        [torch.from_numpy(np.array(part)).to(device) for part in (one.pixels, one.latents, one.coverage)]
        for one in sets
    ]
    odds = np.array([len(one.odds) for one in sets]) / sum(len(one.odds) for one in sets)
    smooth, began = None, time.monotonic()
    saved = began
    for step in range(done, steps):
        progress = max(step / steps, (time.monotonic() - began) / seconds)
        if progress >= 1:
            break
        optimizer.param_groups[0]["lr"] = rate * min(1.0, step / 100, 2.5 * (1 - progress) + 0.02)
        numbers = np.random.default_rng((7, step))
        which = int(numbers.choice(len(shown), p=odds))
        all_pixels, all_codes, coverage = shown[which]
        pick = torch.from_numpy(numbers.choice(len(all_pixels), batch, p=sets[which].odds)).to(device)
        wanted = all_pixels[pick].permute(0, 3, 1, 2).float().div(127.5).sub(1)
        wanted = wanted.contiguous(memory_format=torch.channels_last)
        weight = _weight(coverage[pick], figure_weight, wanted.shape[2:])
        true = all_codes[pick].float()
        rough = roughen(true, which, pick).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            drawn = model.decoder(rough).float()
            loss = _sharpness_loss(drawn, wanted, weight)
            if judge is not None:
                loss = loss + 0.1 * _feature_loss(drawn, wanted, judge)
            if progress >= 1 - criticised:
                doubt = functional.relu(1 - critic(wanted).float()) + functional.relu(
                    1 + critic(drawn.detach()).float()
                )
                critic_optimizer.zero_grad(set_to_none=True)
                doubt.mean().backward()
                critic_optimizer.step()
                loss = loss - _CRITIC_WEIGHT * critic(drawn).float().mean()
            if step % 8 == 0:
                moments = model.encoder(wanted)
                mean, log_variance = moments.float().chunk(2, 1)
                loss = loss + 0.5 * functional.mse_loss(mean, true) + 0.01 * (log_variance + 8).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        error = functional.mse_loss(drawn.detach(), wanted) / 4
        smooth = error if smooth is None else smooth.lerp(error, 0.02)
        if step % 50 == 49 or step == steps - 1:
            pace = (step + 1 - done) * batch / (time.monotonic() - began)
            decibels = -10 * float(smooth.log10())
            log.info("autoencoder: %d pictures, %.2f dB, %.1f a second", (step + 1) * batch, decibels, pace)
        if time.monotonic() - saved > _SAVE_EVERY:
            save_checkpoint(checkpoint, parts, step + 1)
            saved = time.monotonic()
    if done < steps:
        save_checkpoint(checkpoint, parts, steps)
    return model
