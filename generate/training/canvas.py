"""The canvas: a square picture, measured in units, that sprites and shapes are put on."""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import Image, ImageDraw

from generate.training.sprites import sprite

UNIT = 128  # scenes are laid out on a square of this many units


class Canvas:
    """A picture of `size` x `size` pixels with a square of 128 x 128 units laid over it. What is left open in a
    background comes from `random`. A `clear` canvas is transparent (RGBA) until it is drawn on; others are RGB."""

    def __init__(self, size: int, random: Random, *, clear: bool = False) -> None:
        self.size, self.scale, self.random = size, size / UNIT, random
        self.image = Image.new("RGBA" if clear else "RGB", (size, size))
        self.pen = ImageDraw.Draw(self.image)

    def at(self, *units: float) -> list[float]:
        return [unit * self.scale for unit in units]

    def gradient(self, top: tuple[int, ...], bottom: tuple[int, ...], start: float, end: float) -> None:
        first, last = round(start * self.scale), round(end * self.scale)
        ramp = np.linspace(0, 1, last - first, dtype=np.float32)[:, None, None]
        rows = np.array(top, dtype=np.float32) * (1 - ramp) + np.array(bottom, dtype=np.float32) * ramp
        self.image.paste(Image.fromarray(np.repeat(rows, self.size, 1).round().astype(np.uint8)), (0, first))

    def stamp(self, glyph: str, x: float, y: float, size: float, colour: str | None = None, turn: int = 0) -> None:
        """Puts a glyph's centre at (x, y). Sizes are rounded to two units so that sprites are found in their cache."""
        mark = sprite(glyph, max(2, round(size / 2) * 2) * round(self.scale), colour, turn)
        left, top = round(x * self.scale - mark.width / 2), round(y * self.scale - mark.height / 2)
        if self.image.mode == "RGBA":
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
