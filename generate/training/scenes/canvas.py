"""The canvas: a picture, measured in units, that sprites and shapes are put on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from generate.training.scenes.scene import SQUARE
from generate.training.scenes.sprites import sprite

UNIT = 128  # scenes are laid out on a stage of so many units a side
CELL = 16  # units; figures stand at whole cells


class Canvas:
    """A picture of `grid` cells, `scale` pixels to a unit, with a stage of 128 x 128 units in it.

    A square picture is the stage; a wide one goes on at both sides of it, a tall one above and a little below:
    `left`, `top`, `right` and `bottom` are its edges in the stage's units. What is left open in a background comes from
    `random`. A `clear` canvas is transparent (RGBA) until it is drawn on; others are RGB.
    """

    def __init__(self, scale: float, random: Random, *, grid: tuple[int, int] = SQUARE, clear: bool = False) -> None:
        columns, rows = grid
        self.scale, self.random = scale, random
        self.left, self.bottom = -CELL * ((columns - 8) // 2), UNIT + CELL * ((rows - 8) // 3)
        self.right, self.top = self.left + CELL * columns, self.bottom - CELL * rows
        size = round(CELL * columns * scale), round(CELL * rows * scale)
        self.image = Image.new("RGBA" if clear else "RGB", size)
        self.pen = ImageDraw.Draw(self.image)

    def at(self, *units: float) -> list[float]:
        """Pixels of the points x, y, x, y, ... in units of the stage."""
        origin = (self.left, self.top)
        return [(unit - origin[k % 2]) * self.scale for k, unit in enumerate(units)]

    def tiles(self) -> Iterator[int]:
        """Where stages begin that lie side by side and cover the whole width: the middle one first."""
        yield 0
        for side in (-UNIT, UNIT):
            if self.left < side + UNIT and side < self.right and self.left < 0:
                yield side

    def gradient(self, top: tuple[int, ...], bottom: tuple[int, ...], start: float, end: float) -> None:
        """From `start` to `end` over the whole width; what begins at the stage's top or ends at its bottom goes on to
        the picture's."""
        start, end = self.top if start <= 0 else start, self.bottom if end >= UNIT else end
        first, last = (round((unit - self.top) * self.scale) for unit in (start, end))
        ramp = np.linspace(0, 1, last - first, dtype=np.float32)[:, None, None]
        rows = np.array(top, dtype=np.float32) * (1 - ramp) + np.array(bottom, dtype=np.float32) * ramp
        self.image.paste(Image.fromarray(np.repeat(rows, self.image.width, 1).round().astype(np.uint8)), (0, first))

    def stamp(
        self,
        glyph: str,
        x: float,
        y: float,
        size: float,
        colour: str | None = None,
        turn: int = 0,
        *,
        mirrored: bool = False,
    ) -> None:
        """Puts a glyph's centre at (x, y). Sizes are rounded to two units so that sprites are found in their cache."""
        mark = sprite(glyph, max(2, round(size / 2) * 2) * round(self.scale), colour, turn)
        if mirrored:
            mark = mark.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        middle = self.at(x, y)
        left, top = round(middle[0] - mark.width / 2), round(middle[1] - mark.height / 2)
        if self.image.mode == "RGBA":
            width, height = self.image.size
            if left < width and top < height and left + mark.width > 0 and top + mark.height > 0:
                self.image.alpha_composite(mark, (max(left, 0), max(top, 0)), (max(-left, 0), max(-top, 0)))
        else:
            self.image.paste(mark, (left, top), mark)

    def wash(self, colour: tuple[int, int, int], strength: float) -> None:
        self.image.paste(Image.blend(self.image, Image.new("RGB", self.image.size, colour), strength), (0, 0))
        self.pen = ImageDraw.Draw(self.image)


def shade(random: Random, colour: tuple[int, int, int], by: int = 14) -> tuple[int, int, int]:
    """The colour, a little lighter or darker and a little off."""
    shift = random.randint(-by, by)
    red, green, blue = (max(0, min(255, part + shift + random.randint(-by // 2, by // 2))) for part in colour)
    return red, green, blue
