"""Redrawing: a picture that was rendered again, held against the one that is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.instruments.distance import score
from compare.runs.record import PictureFile
from generate.picture import Arm, NoiseFloor
from ideation import Clause

Outcome = Literal["identical", "within rounding", "different"]

_SQUARE = 8  # pixels
#: So much above what was measured as the noise floor here is still noise.
_ABOVE_FLOOR = 4
#: A part of the picture smaller than this was changed by hand; a model changes all of it.
_PART = 0.6
#: The same forms all over, in other tones.
_SAME_FORMS = 0.9


@dataclass(frozen=True)
class Tolerance:
    """How far a picture may be from one that only rounding sets apart: on average, in its worst square of 8 x 8 pixels
    (both of 1), and at its furthest byte (of 255)."""

    mean: float
    square: float
    largest: int


#: Measured on the embedded model with four schedulers, guidance 5 and 12, on other instructions of the processor and
#: another number of threads (64 comparisons): on average 0.00002, in the worst square 0.0001, at the furthest byte 1.
FLOAT32 = Tolerance(0.001, 0.008, 16)
#: Measured between bfloat16 and float32: on average 0.015, in the worst square 0.11, at the furthest byte 73; one of 32
#: pictures came out as another altogether.
HALF = Tolerance(0.02, 0.15, 96)


@dataclass(frozen=True)
class Redrawn:
    """How near a picture rendered again came to the one that is there. `mean_absolute_difference` is of 1 and
    `largest_difference` of 255; `changed` is the share of pixels that rounding does not explain, and `box` what holds
    them: left, top, width and height. `noise_floor` is what was measured here for that seed.
    """

    run: str
    arm: Arm
    seed: int
    file: str
    outcome: Outcome
    mean_absolute_difference: float
    largest_difference: int
    changed: float
    box: tuple[int, int, int, int] | None = None
    same_forms: bool = False
    noise_floor: NoiseFloor | None = None

    @property
    def words(self) -> Clause:
        """How near it came; what became of a different one, findings say."""
        if self.outcome == "identical":
            return Clause("{file}: rendered again, the same bit for bit", file=self.file)
        words = (
            "{file}: rendered again, the same within rounding: {mean} % apart on average, at most {largest} of 255"
            if self.outcome == "within rounding"
            else "{file}: rendered again, another: {mean} % apart on average, at most {largest} of 255"
        )
        return Clause(
            words,
            file=self.file,
            mean=f"{100 * self.mean_absolute_difference:.2g}",
            largest=self.largest_difference,
        )

    @property
    def is_retouched(self) -> bool:
        """Part of it was changed, or its tones: the rest is what was rendered again."""
        return self.outcome == "different" and (self.same_forms or (self.box is not None and self.changed < _PART))

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "run": self.run,
            "arm": self.arm,
            "seed": str(self.seed),
            "file": self.file,
            "outcome": self.outcome,
            "mean_absolute_difference": self.mean_absolute_difference,
            "largest_difference": self.largest_difference,
        }
        if self.noise_floor is not None:
            found["noise_floor"] = {
                "mean_absolute_difference": self.noise_floor.mean_absolute_difference,
                "largest_difference": self.noise_floor.largest_difference,
            }
        return found


def redrawn(
    run: str,
    picture: PictureFile,
    there: Image.Image,
    again: Image.Image,
    tolerance: Tolerance,
    floor: NoiseFloor | None = None,
) -> Redrawn:
    """Holds the picture rendered `again` against the one that is `there`. Pictures of two sizes are different."""
    if there.size != again.size:
        return Redrawn(run, picture.arm, picture.seed, picture.file, "different", 1.0, 255, 1.0)
    one, other = (np.asarray(image.convert("RGB"), dtype=np.int16) for image in (there, again))
    apart = np.abs(one - other)
    mean, largest = float(apart.mean()) / 255, int(apart.max())
    most = tolerance.mean if floor is None else max(tolerance.mean, _ABOVE_FLOOR * floor.mean_absolute_difference)
    near = mean <= most and largest <= tolerance.largest and worst_square(apart) <= tolerance.square
    outcome: Outcome = "identical" if largest == 0 else "within rounding" if near else "different"
    where = apart.max(2) > 255 * tolerance.square
    return Redrawn(
        run,
        picture.arm,
        picture.seed,
        picture.file,
        outcome,
        round(mean, 6),
        largest,
        round(float(where.mean()), 6),
        _box(where) if outcome == "different" else None,
        outcome == "different" and score(there, again).ssim >= _SAME_FORMS,
        floor,
    )


def worst_square(apart: NDArray[np.int16]) -> float:
    """The largest mean of a square, of 1; what is left over at the right and below counts with zeros."""
    height, width = apart.shape[:2]
    padded = np.pad(apart.mean(2), ((0, -height % _SQUARE), (0, -width % _SQUARE)))
    rows, columns = (side // _SQUARE for side in padded.shape)
    return float(padded.reshape(rows, _SQUARE, columns, _SQUARE).mean((1, 3)).max()) / 255


def _box(where: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if not rows.size:
        return None
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )
