"""Sprites: the small pictures that scenes are put together from, taken from the open font Noto Color Emoji."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ideation import TwinseedError

#: Where Debian, Fedora, Arch and macOS (Homebrew) put the bitmap version of the font.
FONT_FILES = (
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
    "/usr/share/fonts/google-noto-color-emoji-fonts/NotoColorEmoji.ttf",
    "/usr/share/fonts/noto/NotoColorEmoji.ttf",
    "/opt/homebrew/share/fonts/NotoColorEmoji.ttf",
)
_BITMAP_SIZE = 109  # the one size that the font's bitmaps come in

COLOURS = {
    "red": (222, 38, 38),
    "blue": (38, 92, 228),
    "green": (44, 168, 62),
    "yellow": (246, 206, 30),
    "purple": (136, 54, 196),
    "pink": (250, 120, 186),
}


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    for file in FONT_FILES:
        if Path(file).is_file():
            return ImageFont.truetype(file, _BITMAP_SIZE)
    raise TwinseedError(
        "the font Noto Color Emoji was not found; the training scenes are put together from it",
        hint="install it: on Debian and Ubuntu, apt-get install fonts-noto-color-emoji",
    )


@lru_cache(maxsize=256)
def _glyph(character: str) -> Image.Image:
    """The glyph, RGBA, cropped to what is opaque."""
    canvas = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(canvas).text((8, 8), character, font=_font(), embedded_color=True)
    return canvas.crop(canvas.getbbox())


@lru_cache(maxsize=2048)
def sprite(character: str, size: int, colour: str | None = None, turn: int = 0) -> Image.Image:
    """A glyph, RGBA, its longer side `size` pixels, painted in `colour` if one is named, turned by degrees."""
    glyph = _glyph(character) if colour is None else recoloured(_glyph(character), COLOURS[colour])
    if turn:
        glyph = glyph.rotate(turn, Image.Resampling.BICUBIC, expand=True)
        glyph = glyph.crop(glyph.getbbox())
    scale = size / max(glyph.size)
    return glyph.resize(
        (max(1, round(glyph.width * scale)), max(1, round(glyph.height * scale))), Image.Resampling.LANCZOS
    )


def recoloured(image: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """The same drawing in one colour: shadows go to its dark side, highlights to white, the middle to the colour.

    The luminance is first stretched so that the drawing's own middle tone becomes the colour: a white ghost turns as
    red as a brown bear does.
    """
    pixels = np.asarray(image, dtype=np.float32) / 255
    luminance = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    middle = float(np.median(luminance[pixels[..., 3] > 0.5]))
    tone = np.clip(luminance, 0, 1) ** (np.log(0.6) / np.log(np.clip(middle, 0.05, 0.97)))
    paint = np.array(colour, dtype=np.float32) / 255
    dark = paint * (np.clip(tone / 0.6, 0, 1) ** 0.8)[..., None]
    light = paint + (1 - paint) * (np.clip((tone - 0.6) / 0.4, 0, 1) * 0.7)[..., None]
    painted = np.where((tone < 0.6)[..., None], dark, light)
    return Image.fromarray((np.dstack([painted, pixels[..., 3]]) * 255).round().astype(np.uint8), "RGBA")
