"""Picture scores: how far apart two pictures are, pixel by pixel and in structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: The constants of Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment" (2004), for values from 0 to 1.
_REACH, _C1, _C2 = 5, 0.01**2, 0.03**2
_WINDOW = np.exp(-(np.arange(-_REACH, _REACH + 1) ** 2) / (2 * 1.5**2))


@dataclass(frozen=True)
class PictureScore:
    """`mean_absolute_difference` runs from 0 (equal) to 1 (black against white); `ssim` is 1 for equal pictures."""

    mean_absolute_difference: float
    ssim: float


def score(first: Image.Image, second: Image.Image) -> PictureScore:
    """Compares two pictures of one size: RGB values for the difference, brightness for the structure.

    Raises `ValueError` when the sizes differ: resizing would invent the very differences that are measured.
    """
    if first.size != second.size:
        raise ValueError(f"pictures of one size are compared, not {first.size} and {second.size}")
    difference = np.abs(_values(first, "RGB") - _values(second, "RGB")).mean()
    return PictureScore(round(float(difference), 6), round(_ssim(_values(first, "L"), _values(second, "L")), 6))


def _values(image: Image.Image, mode: str) -> NDArray[np.float64]:
    return np.asarray(image.convert("RGB").convert(mode), dtype=np.float64) / 255


def _ssim(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    mean_x, mean_y = _local(x), _local(y)
    variance_x, variance_y = _local(x * x) - mean_x**2, _local(y * y) - mean_y**2
    covariance = _local(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return float(np.clip((luminance * structure).mean(), -1, 1))


def _local(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of every pixel's neighbourhood, weighted by a bell curve; the picture is mirrored at its edges."""
    for axis in (0, 1):
        padding = [(_REACH, _REACH) if side == axis else (0, 0) for side in (0, 1)]
        neighbours = np.lib.stride_tricks.sliding_window_view(np.pad(values, padding, "symmetric"), _WINDOW.size, axis)
        values = neighbours @ _WINDOW / _WINDOW.sum()
    return values
