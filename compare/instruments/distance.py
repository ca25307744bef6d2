"""Distance: how far apart two pictures are, pixel by pixel, in structure and in content, and where on a map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ConfigDict, Field

from ideation.files import STRICT, Share, StrictModel

Cosine = Annotated[float, Field(ge=-1.001, le=1.001)]
Length = Annotated[float, Field(ge=0)]

#: For the schema of what is kept by seed: no keys but those of the pattern of seeds.
BY_SEED = {"additionalProperties": False}

Measure = Literal["clip", "mean_absolute_difference"]

#: The constants of Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment" (2004), for values from 0 to 1.
_REACH, _C1, _C2 = 5, 0.01**2, 0.03**2
_WINDOW = np.exp(-(np.arange(-_REACH, _REACH + 1) ** 2) / (2 * 1.5**2))

#: A distance in CIE Lab from which on the map is darkest; 2.3 is about the smallest that an eye notices side by side
#: (Mahy, Van Eycken and Oosterlinck 1994), 100 is black against white. Fixed, so that maps can be held side by side.
FULL = 60.0

# From no difference to a full one: each darker than the one before, so that the map reads the same without its colours.
_RAMP = np.array([(244, 243, 238), (176, 201, 214), (92, 141, 181), (38, 78, 128), (12, 24, 58)], dtype=np.float64)
# The same in 256 tones, as a palette.
_TONES = bytes(
    np.stack([np.interp(np.linspace(0, 4, 256), range(5), _RAMP[:, channel]) for channel in range(3)], axis=1)
    .round()
    .astype(np.uint8)
)

# sRGB to CIE XYZ, as IEC 61966-2-1 has it, in units of the white point D65.
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


@dataclass(frozen=True)
class PictureScore:
    """`mean_absolute_difference` runs from 0 (equal) to 1 (black against white); `ssim` is 1 for equal pictures."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    mean_absolute_difference: Share
    ssim: Annotated[float, Field(ge=-1, le=1)]


class DistanceRecord(StrictModel):
    """How far apart two pictures of one size are. `mean_absolute_difference` (0..1) is of their RGB values, `ssim` of
    their brightness (1 for equal pictures), `clip` is 1 minus the cosine of their CLIP vectors, if a CLIP is there."""

    mean_absolute_difference: Share
    ssim: Annotated[float, Field(ge=-1, le=1)]
    clip: Annotated[float, Field(ge=-0.001, le=2.001)] | None = None


def score(first: Image.Image, second: Image.Image) -> PictureScore:
    """Compares two pictures of one size: RGB values for the difference, brightness for the structure.

    >>> black, white = Image.new("RGB", (16, 16)), Image.new("RGB", (16, 16), "white")
    >>> score(black, black)
    PictureScore(mean_absolute_difference=0.0, ssim=1.0)
    >>> score(black, white).mean_absolute_difference
    1.0

    Raises `ValueError` when the sizes differ: resizing would invent the very differences that are measured.
    """
    _require_one_size(first, second)
    difference = np.abs(_values(first, "RGB") - _values(second, "RGB")).mean()
    return PictureScore(round(float(difference), 6), round(_ssim(_values(first, "L"), _values(second, "L")), 6))


def mean_distance(distances: Sequence[DistanceRecord]) -> DistanceRecord:
    """The mean of each number. `clip` is None if any is.

    >>> near, far = (DistanceRecord(mean_absolute_difference=part, ssim=1 - part) for part in (0.25, 0.75))
    >>> mean_distance([near, far])
    DistanceRecord(mean_absolute_difference=0.5, ssim=0.5, clip=None)
    """
    clips = [one.clip for one in distances if one.clip is not None]
    return DistanceRecord(
        mean_absolute_difference=round(float(np.mean([one.mean_absolute_difference for one in distances])), 6),
        ssim=round(float(np.mean([one.ssim for one in distances])), 6),
        clip=round(float(np.mean(clips)), 6) if len(clips) == len(distances) else None,
    )


def measure_of(distances: Iterable[DistanceRecord]) -> Measure:
    """What all `distances` have: CLIP's, or else that of pixels."""
    return "clip" if all(distance.clip is not None for distance in distances) else "mean_absolute_difference"


def amount(distance: DistanceRecord, measure: Measure) -> float:
    """The distance in hundredths of `measure`, never below zero (a cosine can exceed 1 by a rounding)."""
    found = distance.clip if measure == "clip" else distance.mean_absolute_difference
    return max(0.0, 100 * (found or 0.0))


def distance_text(distance: DistanceRecord, measure: Measure, t: dict[str, Any]) -> str:
    """The distance with its unit; `t` is the report's table of sentences."""
    return str(t["measure"][measure]).format(number=f"{amount(distance, measure):.1f}")


def difference_map(first: Image.Image, second: Image.Image) -> Image.Image:
    """Where the pictures differ, as a picture of their size: pale where they are equal, darker where they differ.

    Each pixel's distance is the one in CIE Lab (1976). Equal pictures give one even, pale tone. It has a palette of 256
    tones (P), for which a PNG takes half the room and a tenth of the time.

    >>> black, white = Image.new("RGB", (2, 2)), Image.new("RGB", (2, 2), "white")
    >>> [difference_map(black, other).convert("RGB").getpixel((0, 0)) for other in (black, white)]
    [(244, 243, 238), (12, 24, 58)]

    Raises `ValueError` when the sizes differ.
    """
    _require_one_size(first, second)
    parts = np.clip(lab_distance(first, second) / FULL, 0, 1)
    shown = Image.fromarray((255 * parts).round().astype(np.uint8))
    shown.putpalette(_TONES)
    return shown


def lab_distance(first: Image.Image, second: Image.Image) -> NDArray[np.float64]:
    """(height, width): each pixel's Euclidean distance in CIE Lab, 0 for equal colours."""
    distance: NDArray[np.float64] = np.sqrt(((_lab(first) - _lab(second)) ** 2).sum(2))
    return distance


def _require_one_size(first: Image.Image, second: Image.Image) -> None:
    if first.size != second.size:
        raise ValueError(f"pictures of one size are compared, not {first.size} and {second.size}")


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


def _lab(image: Image.Image) -> NDArray[np.float64]:
    values = np.arange(256) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = linear[np.asarray(image.convert("RGB"))] @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=2)
