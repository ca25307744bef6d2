from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from compare.instruments.distance import difference_map, lab_distance


def plain(colour: str | tuple[int, int, int], size: tuple[int, int] = (8, 6)) -> Image.Image:
    return Image.new("RGB", size, colour)


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("black", "white", 100.0),
        ((119, 119, 119), (119, 119, 119), 0.0),
        # The primaries of sRGB in CIE Lab: red 53.24 80.09 67.20, green 87.73 -86.18 83.18, blue 32.30 79.19 -107.86.
        ("red", "lime", 170.57),
        ("red", "blue", 176.31),
        ("blue", "black", 137.65),
    ],
)
def test_distances_are_those_of_cie_lab(first: str, second: str, distance: float) -> None:
    found = lab_distance(plain(first), plain(second))
    assert found.shape == (6, 8)
    assert found == pytest.approx(distance, abs=0.1)


def test_equal_pictures_give_one_pale_tone() -> None:
    noisy = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8), "RGB")
    shown = difference_map(noisy, noisy.copy())
    assert (shown.size, shown.mode) == ((30, 20), "P")
    assert len(shown.getcolors() or []) == 1
    assert np.asarray(shown.convert("L")).min() > 230


def test_what_differs_is_dark_and_only_that() -> None:
    first, second = plain("steelblue", (40, 40)), plain("steelblue", (40, 40))
    ImageDraw.Draw(second).rectangle((10, 20, 19, 29), fill="orange")
    grey = np.asarray(difference_map(first, second).convert("L"))
    inside = np.zeros((40, 40), bool)
    inside[20:30, 10:20] = True
    assert grey[inside].max() < 60
    assert grey[~inside].min() > 230


def test_a_larger_difference_is_darker_in_black_and_white() -> None:
    ramp = Image.fromarray(np.tile(np.arange(0, 256, 4, dtype=np.uint8), (2, 1)), "L")
    grey = np.asarray(difference_map(ramp.convert("RGB"), plain("black", ramp.size)).convert("L")).astype(int)[0]
    assert (np.diff(grey) <= 0).all()
    assert grey[0] - grey[-1] > 200


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pictures of one size are compared, not \(8, 6\) and \(6, 8\)"):
        difference_map(plain("red"), plain("red", (6, 8)))
