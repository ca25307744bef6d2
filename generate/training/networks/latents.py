"""Latents: what the U-Net learns to make. A fixed linear code of picture patches, found by principal components.

A VAE encoder trained from nothing needs far more than CPU time; the principal components of 16 x 16 patches need one
pass over the pictures, keep their order of importance, and leave all the learning to the decoder and the U-Net.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from generate.training.scenes.dataset import PATCH, DataSet

CHANNELS = 48

#: The code that the shipped weights were trained with.
SHIPPED_CODE = Path(__file__).with_name("patch_code.safetensors")


@dataclass(frozen=True)
class PatchCode:
    """`mean` (768), `basis` (768, 48) of flattened patches, and `scale` (48) that brings latents to unit size.

    Components are only half whitened (divided by the root of their deviation), so that a diffusion model spends its
    effort on what can be seen most.
    """

    mean: torch.Tensor
    basis: torch.Tensor
    scale: torch.Tensor

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, height, width, 3) uint8 to latents (n, 48, height / 16, width / 16) float32."""
        return ((_patches(pixels) - self.mean) @ self.basis * self.scale).movedim(-1, 1).contiguous()

    def save(self, file: Path) -> None:
        save_file({"mean": self.mean, "basis": self.basis.contiguous(), "scale": self.scale}, file)

    @classmethod
    def load(cls, file: Path) -> PatchCode:
        return cls(**load_file(file))


def _patches(pixels: torch.Tensor) -> torch.Tensor:
    """(n, height, width, 3) uint8 to (n, height / 16, width / 16, 768) float32 in -1..1."""
    count, height, width, _ = pixels.shape
    grid = pixels.float().div(127.5).sub(1).reshape(count, height // PATCH, PATCH, width // PATCH, PATCH, 3)
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(count, height // PATCH, width // PATCH, -1)


def find_patch_code(data: DataSet, count: int = 4096) -> PatchCode:
    """The principal components of the first `count` pictures."""
    patches = _patches(torch.from_numpy(np.array(data.pixels[:count]))).flatten(0, 2)
    mean = patches.mean(0)
    centred = patches - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    deviation = values[-CHANNELS:].flip(0).clamp_min(1e-8).sqrt()
    scale = deviation.rsqrt()
    unit = (deviation * scale).square().mean().sqrt()
    return PatchCode(mean, vectors[:, -CHANNELS:].flip(1).contiguous(), scale / unit)


def encode_all(data: DataSet, code: PatchCode, file: Path) -> NDArray[np.float16]:
    """Latents of a whole data set, (n, 48, rows, columns) float16, kept in `file`."""
    if not file.is_file():
        chunks = (torch.from_numpy(np.array(data.pixels[k : k + 512])) for k in range(0, len(data), 512))
        np.save(file, np.concatenate([code.encode(chunk).numpy().astype(np.float16) for chunk in chunks]))
    return np.load(file, mmap_mode="r")
