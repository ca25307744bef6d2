"""Attention as something to look at: a word's map as a spotlight on its picture, and how a map moved between two.

A spotlight rather than a rainbow: colours of a rainbow have edges where the numbers have none, hide the picture, and
say nothing in black and white. Where the word got most, the picture is as it was; elsewhere it is dark and pale. Apart
from the recording, because nothing here needs torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: How much of the picture's light and of its colours is left where a word got nothing.
_LIGHT, _COLOUR = 0.16, 0.25
_GREY = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
#: More, less, and no change: orange is light and blue is dark, to whoever sees no colours and in print, too.
_MORE, _LESS, _SAME = (np.array(c, dtype=np.float32) for c in ((255, 190, 90), (16, 48, 130), (128, 128, 128)))


def spotlight(picture: Image.Image, attention: NDArray[Any], *, full: float | None = None) -> Image.Image:
    """The picture, lit as the map (height, width) of any grid is: hardly at 0, and as it was from `full` on.

    Without `full` that is the map's own highest value: it shows where, and hides how much. A word that nothing looked
    at is then as bright somewhere as one that half of the picture looked at; say the highest value beside it, or give
    pictures that are to be compared the same `full`.
    """
    pixels = _linear(picture)
    light = np.clip(_spread(attention, picture.size), 0, None)
    light = np.clip(light / max(float(light.max()) if full is None else full, 1e-12), 0, 1)
    grey = (pixels @ _GREY)[..., None]
    colour = _COLOUR + (1 - _COLOUR) * light
    # The eye's lightness goes about as the cube root of light: a step of the map looks alike wherever it is.
    dimmed = (grey + colour * (pixels - grey)) * (_LIGHT ** (1 / 3) + (1 - _LIGHT ** (1 / 3)) * light) ** 3
    return _picture(dimmed)


def movement(difference: NDArray[Any], size: tuple[int, int], picture: Image.Image | None = None) -> Image.Image:
    """A difference of maps, of `size` (width, height) in pixels: orange and light where the word got more, blue and
    dark where it got less, mid-grey where nothing changed; with a faint trace of `picture`, if it is given.

    The scale is the same both ways and reaches to the largest change, but not below 0.1: of no change, none is shown.
    """
    change = _spread(difference, size)
    change /= max(float(np.abs(change).max()), 0.1)
    tint = np.where(change > 0, _MORE - _SAME, _LESS - _SAME)
    drawn = _SAME + np.abs(change) * tint
    if picture is not None:
        grey = np.asarray(picture.convert("L").resize(size), dtype=np.float32)[..., None]
        drawn = drawn + 0.3 * (grey - float(grey.mean()))
    return Image.fromarray(np.clip(drawn, 0, 255).round().astype(np.uint8))


def _spread(values: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    """(height, width, 1): the map over the pixels, between its places drawn smoothly and never beyond their values."""
    image = Image.fromarray(np.asarray(values, dtype=np.float32))
    return np.array(image.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)[..., None]


def _linear(picture: Image.Image) -> NDArray[np.float32]:
    """(height, width, 3): amounts of light, 0..1, of sRGB's values."""
    values = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    light: NDArray[np.float32] = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return light


def _picture(light: NDArray[np.float32]) -> Image.Image:
    light = np.clip(light, 0, 1)
    values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray((values * 255).round().astype(np.uint8))
