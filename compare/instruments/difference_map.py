"""The difference map: where two pictures differ, as far as an eye can tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: A distance in CIE Lab from which on the map is darkest; 2.3 is about the smallest that an eye notices side by side
#: (Mahy, Van Eycken and Oosterlinck 1994), 100 is black against white. Fixed, so that maps can be held side by side.
FULL = 60.0

# From no difference to a full one: each darker than the one before, so that the map reads the same without its colours.
_RAMP = np.array([(244, 243, 238), (176, 201, 214), (92, 141, 181), (38, 78, 128), (12, 24, 58)], dtype=np.float64)

# sRGB to CIE XYZ, as IEC 61966-2-1 has it, in units of the white point D65.
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def difference_map(first: Image.Image, second: Image.Image) -> Image.Image:
    """Where the pictures differ, as a picture of their size (RGB): pale where they are equal, darker where they differ.

    Each pixel's distance is the one in CIE Lab (1976). Equal pictures give one even, pale tone. Raises `ValueError`
    when the sizes differ.
    """
    if first.size != second.size:
        raise ValueError(f"pictures of one size are compared, not {first.size} and {second.size}")
    return Image.fromarray(_tones(np.clip(lab_distance(first, second) / FULL, 0, 1)), "RGB")


def lab_distance(first: Image.Image, second: Image.Image) -> NDArray[np.float64]:
    """(height, width): each pixel's Euclidean distance in CIE Lab, 0 for equal colours."""
    distance: NDArray[np.float64] = np.sqrt(((_lab(first) - _lab(second)) ** 2).sum(2))
    return distance


def _tones(parts: NDArray[np.float64]) -> NDArray[np.uint8]:
    steps = np.linspace(0, 1, len(_RAMP))
    tones = np.stack([np.interp(parts, steps, _RAMP[:, channel]) for channel in range(3)], axis=2)
    return tones.round().astype(np.uint8)


def _lab(image: Image.Image) -> NDArray[np.float64]:
    values = np.arange(256) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = linear[np.asarray(image.convert("RGB"))] @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=2)
