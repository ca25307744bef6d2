"""Painting: the styles, each a function from a flat picture to the same picture in that manner.

Texture (strokes, blots, leads, blur) is laid on the background in full and on the figure only lightly: a painter keeps
the face readable, and a small model learns a face once, not once for each texture that could cover it.

Lengths (blurs, strokes, the grain of noise) are in units, 128 to the shorter side: a larger picture is the same
painting with finer edges, not one with finer texture, and a longer one is more of the same painting, not one drawn
out. What belongs to a border or a corner (paper, frames, seals) keeps its distance from it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

Pixels = NDArray[Any]  # (height, width, 3) float32 in 0..1
_VARIANTS = 2  # how many noises, cell maps and stroke fields there are of each kind
_CALM = 0.8  # how much of a texture the figure is spared

_UNIT = 128  # lengths are given as for a picture whose shorter side has this many pixels

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def paint(picture: Image.Image, figure: Image.Image, style: str | None, random: Random) -> Image.Image:
    """The picture (RGB) in the named style; None and "flat illustration" leave it as it was drawn. `figure` (L) is
    white where the subject and its prop are. The shorter side has 128 or 256 pixels; the longer one divides by 4 units,
    so that pixel art has whole blocks."""
    if style is None or style == "flat illustration":
        return picture
    rough = 1 - _CALM * np.asarray(figure, dtype=np.float32)[..., None] / 255
    pixels = STYLES[style](picture, rough, random.randrange(_VARIANTS))
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))


def _pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture, dtype=np.float32) / 255


def _gray(pixels: Pixels) -> Pixels:
    return (pixels @ _LUMA)[..., None]


def _faded(pixels: Pixels, chroma: float) -> Pixels:
    """The picture with only part of its colour, so that a red dog stays red in ink as well."""
    gray = _gray(pixels)
    return gray + (pixels - gray) * chroma


def _side(pixels: Pixels) -> int:
    """The shorter side, in pixels."""
    return min(pixels.shape[:2])


def _scale(pixels: Pixels) -> float:
    return _side(pixels) / _UNIT


def _places(pixels: Pixels) -> Pixels:
    """(2, height, width): the row and the column of every point."""
    height, width = pixels.shape[:2]
    return np.mgrid[0:height, 0:width].astype(np.float32)


def _rulers(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """How far down each row lies, and how far across each column, in units."""
    height, width = pixels.shape[:2]
    unit = _UNIT / _side(pixels)
    return np.arange(height) * unit, np.arange(width) * unit


def _blurred(pixels: Pixels, sigma: float) -> Pixels:
    sigma *= _scale(pixels)
    return ndimage.gaussian_filter(pixels, (sigma, sigma, 0))


def _softened(pixels: Pixels, rough: Pixels, sigma: float) -> Pixels:
    """Blurred where it is rough, sharp where it is not."""
    return pixels + (_blurred(pixels, sigma) - pixels) * rough


def _lines(pixels: Pixels, strength: float) -> Pixels:
    """(height, width, 1) in 0..1: 1 on the outlines. They are as wide in large pictures as in small ones, and their
    edges as many pixels wide: sharper."""
    soft, scale = _blurred(pixels, 0.7), _scale(pixels)
    slope = sum(np.abs(ndimage.sobel(soft[..., c], a)) for c in range(3) for a in (0, 1))
    return np.clip((slope * scale * strength - 0.85) * scale + 0.5, 0, 1)[..., None]


def _laid(tile: Pixels, pixels: Pixels) -> Pixels:
    """A square tile whose edges fit each other, laid until it is as large as the picture."""
    (height, width), side = pixels.shape[:2], len(tile)
    if height == width == side:
        return tile
    return np.pad(tile, ((0, height - side), (0, width - side), (0, 0)), mode="wrap")


def _noise(pixels: Pixels, grain: float, variant: int) -> Pixels:
    """(height, width, 1) smooth noise of unit spread, the same hills and valleys at every size."""
    return _laid(_noise_tile(_side(pixels), grain, variant), pixels)


@lru_cache(maxsize=256)
def _noise_tile(size: int, grain: float, variant: int) -> Pixels:
    raw = np.random.default_rng(variant * 1000 + int(grain * 10)).standard_normal((_UNIT, _UNIT)).astype(np.float32)
    smooth = ndimage.gaussian_filter(raw, grain, mode="wrap")
    if size != _UNIT:
        smooth = ndimage.zoom(smooth, size / _UNIT, order=3, mode="grid-wrap", grid_mode=True)
    return (smooth / smooth.std())[..., None]


def _warped(pixels: Pixels, reach: Pixels, grain: float, variant: int) -> Pixels:
    """The picture with every point moved by about `reach` (height, width, 1) units."""
    (height, width), reach = pixels.shape[:2], reach * _scale(pixels)
    rows, columns = _places(pixels)
    rows += (_noise(pixels, grain, variant) * reach)[..., 0]
    columns += (_noise(pixels, grain, variant + 50) * reach)[..., 0]
    take = (np.clip(rows, 0, height - 1).astype(int), np.clip(columns, 0, width - 1).astype(int))
    return pixels[take]


def _outwards(pixels: Pixels) -> Pixels:
    """(height, width, 1): 0.5 on the border, and less by the distance from the nearest border, in shorter sides."""
    side = _side(pixels)
    y, x = (
        np.abs(np.arange(length, dtype=np.float32) / side - length / side / 2) - (length / side - 1) / 2
        for length in pixels.shape[:2]
    )
    return np.maximum.outer(y, x)[..., None]


def _watercolor(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    flat = _warped(_softened(_pixels(picture), rough, 1.2), 1.3 * rough, 4, variant)
    pigment = 1 - (1 - flat) * (0.74 + 0.16 * _noise(flat, 7, variant) * rough)
    rim = np.clip(np.abs(_blurred(flat, 2.2) - flat).sum(2, keepdims=True) * 1.2, 0, 0.3)
    pigment = pigment * (1 - rim * rough)
    edge = _outwards(flat) + 0.018 * _noise(flat, 5, variant)
    paper = np.array([0.985, 0.98, 0.955], dtype=np.float32)
    inside = np.clip((0.45 - edge) * 40, 0, 1)
    return pigment * inside + paper * (1 - inside)


def _strokes(pixels: Pixels, swirl: float, length: int, variant: int) -> Pixels:
    """(height, width, 1) unit noise drawn out along a flow field: brush strokes (line integral convolution)."""
    return _laid(_stroke_tile(_side(pixels), swirl, length, variant), pixels)


@lru_cache(maxsize=64)
def _stroke_tile(size: int, swirl: float, length: int, variant: int) -> Pixels:
    angle = _noise_tile(size, size / 6, variant)[..., 0] * swirl
    noise = _noise_tile(size, 1.1, variant + 7)[..., 0]
    rows, columns = _places(noise)
    total = np.zeros_like(noise)
    for sign in (-1, 1):
        r, c = rows.copy(), columns.copy()
        for _ in range(length * size // _UNIT):
            at = (r.astype(int) % size, c.astype(int) % size)
            total += noise[at]
            r += sign * np.sin(angle[at])
            c += sign * np.cos(angle[at])
    return (total / total.std())[..., None]


def _daubed(picture: Image.Image) -> Pixels:
    return _pixels(picture.filter(ImageFilter.MedianFilter(min(picture.size) // _UNIT * 2 + 1)))


def _oil_painting(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    daubed = _daubed(picture)
    rich = _faded(_warped(_softened(daubed, rough, 0.8), 1.2 * rough, 2, variant), 1.25)
    rich = rich * np.array([0.95, 0.86, 0.68], dtype=np.float32)
    return rich + 0.075 * _strokes(rich, 1.2, 7, variant) * rough


def _pixel_art(picture: Image.Image, _rough: Pixels, _variant: int) -> Pixels:
    block = 4 * min(picture.size) // _UNIT
    small = picture.resize((picture.width // block, picture.height // block), Image.Resampling.HAMMING)
    return _quantised(_faded(_pixels(small.resize(picture.size, Image.Resampling.NEAREST)), 1.15), 8)


def _pencil_sketch(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    pixels = _pixels(picture)
    hatch = np.sin((np.add.outer(*_rulers(pixels)) + 3 * _noise(pixels, 8, variant)[..., 0]) * 0.8)
    tone = 0.52 + 0.48 * _faded(pixels, 0.65)
    shading = tone + 0.1 * hatch[..., None].astype(np.float32) * (1 - _gray(pixels)) * rough
    return shading * (1 - 0.8 * _lines(pixels, 0.55))


def _ink_wash(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    pixels = _pixels(picture)
    wash = _warped(_softened(pixels, rough, 1.8), 2.2 * rough, 5, variant)
    gray = _gray(wash)
    wash = gray + (wash - gray) * (0.75 - 0.45 * rough)
    wash = np.clip(0.5 + (wash - 0.5) * 1.2 + 0.05 * _noise(pixels, 6, variant) * rough, 0.04, 1)
    paper = np.array([0.96, 0.92, 0.82], dtype=np.float32)
    inked = paper * wash * (1 - 0.7 * _blurred(_lines(pixels, 0.5), 0.6))
    seal, unit = round(_UNIT * 0.1), _side(pixels) // _UNIT
    inked[-(seal + 5) * unit : -5 * unit, -(seal + 5) * unit : -5 * unit] = (0.78, 0.12, 0.1)
    inked[-(seal + 2) * unit : -8 * unit, (-seal // 2 - 6) * unit : (-seal // 2 - 4) * unit] = paper
    return inked


def _quantised(pixels: Pixels, levels: int) -> Pixels:
    return np.round(pixels * (levels - 1)) / (levels - 1)


def _ukiyo_e(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    pixels = _pixels(picture)
    block = _quantised(_softened(pixels, rough, 1.0), 6)
    printed = _faded(block, 0.75) * np.array([0.98, 0.9, 0.74], dtype=np.float32)
    printed = 0.1 + 0.88 * printed + np.array([0.0, 0.015, 0.05], dtype=np.float32)
    _down, across = _rulers(pixels)
    grain = 0.025 * np.sin(across * 0.9 + _noise(pixels, 12, variant)[..., 0] * 4)[..., None]
    grain = grain * rough
    printed = (printed + grain) * (1 - 0.9 * _lines(pixels, 0.6)) + np.array([0.02, 0.03, 0.12], dtype=np.float32)
    side = _side(pixels)
    frame = 4 * side // _UNIT
    cream = np.array([0.95, 0.9, 0.76], dtype=np.float32)
    for strip in (np.s_[:frame], np.s_[-frame:], np.s_[:, :frame], np.s_[:, -frame:]):
        printed[strip] = cream
    tall, wide = side // 5, side // 14
    printed[2 * frame : 2 * frame + tall, -2 * frame - wide : -2 * frame] = (0.8, 0.22, 0.14)
    return printed


def _joan_miro(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    pixels = _pixels(picture)
    bold = _faded(_quantised(_softened(_warped(pixels, 1.6 * rough, 9, variant), rough, 0.8), 4), 1.5)
    ground = np.array(((0.93, 0.86, 0.62), (0.55, 0.74, 0.88))[variant % 2], dtype=np.float32)
    painted = (0.72 * bold + 0.28 * ground) * (1 - _blurred(_lines(pixels, 0.75), 0.6).clip(0, 1))
    rng = np.random.default_rng(variant)
    y, x = _places(pixels) / _side(pixels)
    bottom, right = (length / _side(pixels) - 1 for length in pixels.shape[:2])  # beyond those of a square
    corners = rng.permutation([(0.1, 0.1), (0.9 + bottom, 0.12), (0.1, 0.9 + right), (0.9 + bottom, 0.88 + right)])
    inks = np.array([(0.85, 0.1, 0.1), (0.1, 0.2, 0.7), (0.95, 0.8, 0.1)], dtype=np.float32)
    for (cy, cx), ink in zip(corners, inks, strict=False):
        away = np.hypot(y - cy, x - cx)
        painted[away < 0.062] = 0.05
        painted[away < 0.048] = ink
    cy, cx = corners[3]
    for turn in (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4):
        along = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        across = -(x - cx) * np.sin(turn) + (y - cy) * np.cos(turn)
        painted[(np.abs(along) < 0.075) & (np.abs(across) < 0.01)] = 0.03
    return painted


def _van_gogh(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    daubed = _daubed(picture)
    strokes = _strokes(daubed, 2.6, 9, variant)
    moved = _warped(_faded(daubed, 1.35), 1.3 * rough, 4, variant)
    toned = moved * np.array([0.95, 0.97, 1.02], dtype=np.float32)
    light = np.array([0.98, 0.84, 0.25], dtype=np.float32)
    dark = np.array([0.06, 0.16, 0.5], dtype=np.float32)
    ink = np.where(strokes > 0, light, dark)
    return toned + (ink - toned) * np.clip(np.abs(strokes) * 0.2, 0, 0.4) * rough


@lru_cache(maxsize=32)
def _cells(height: int, width: int, variant: int) -> tuple[Pixels, Pixels]:
    """Voronoi cells, six along the shorter side and as large along the longer: labels (height, width), and True where
    two cells meet."""
    side, along = min(height, width), 6
    down, across = (-(-length * along // side) for length in (height, width))  # the last may lie half outside
    sheet = (max(height, -(-down * side // along)), max(width, -(-across * side // along)))
    rng = np.random.default_rng(variant)
    grid = np.mgrid[0:down, 0:across].reshape(2, -1).T + 0.5 + rng.uniform(-0.42, 0.42, (down * across, 2))
    rows, columns = np.clip((grid * side / along).astype(int), 0, np.array(sheet) - 1).T
    labels = np.zeros(sheet, dtype=int)
    labels[rows, columns] = np.arange(len(rows))
    seeds = np.zeros(sheet, dtype=bool)
    seeds[rows, columns] = True
    nearest = ndimage.distance_transform_edt(~seeds, return_distances=False, return_indices=True)
    labels = labels[tuple(nearest)][:height, :width]
    meets = (labels != np.roll(labels, 1, 0)) | (labels != np.roll(labels, 1, 1))
    return labels, meets


def _thick(lead: Pixels) -> Pixels:
    return ndimage.binary_dilation(lead, iterations=_side(lead) // _UNIT).astype(np.float32)[..., None] * 0.92


def _stained_glass(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    pixels = _faded(_pixels(picture), 1.6)
    pane, lead = _cells(picture.height, picture.width, variant)
    tint = 0.16 * np.random.default_rng(variant).standard_normal((pane.max() + 1, 3)).astype(np.float32)
    glass = np.clip((pixels + tint[pane] * rough) * 1.12 - 0.06, 0, 1)
    seams = np.maximum(_thick(lead) * (rough > 0.6), np.clip(_lines(pixels, 0.45) * 1.2, 0, 0.95))
    return glass * (1 - seams)


def _pop_art(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    pixels = _pixels(picture)
    loud = np.clip(_faded(_quantised(_softened(pixels, rough, 0.7), 4), 1.7), 0, 1)
    y, x = _places(pixels) / (_side(pixels) / 21)
    screen = (np.cos(2 * np.pi * (x + y) / 2**0.5) + np.cos(2 * np.pi * (x - y) / 2**0.5))[..., None]
    tint = np.array(((1, 0.86, 0.1), (1, 0.35, 0.65))[variant % 2], dtype=np.float32)
    dotted = np.where(screen > 1.0, loud + 0.7 * (tint - loud) * rough, loud)
    return dotted * (1 - _blurred(_lines(pixels, 0.7), 0.4).clip(0, 1))


def _neon(picture: Image.Image, rough: Pixels, _variant: int) -> Pixels:
    pixels = _pixels(picture)
    vivid = _faded(_blurred(pixels, 1.2), 2.2)
    vivid = vivid / np.maximum(vivid.max(2, keepdims=True), 0.25)
    tubes = _lines(pixels, 0.5) * np.clip(vivid, 0.12, 1)
    glow = _blurred(tubes, 2.5) * 1.6
    room = pixels * (0.62 - 0.42 * rough) * np.array([0.9, 0.6, 1.3], dtype=np.float32) + np.array(
        [0.04, 0.0, 0.09], dtype=np.float32
    )
    return room + glow + tubes


def _blueprint(picture: Image.Image, rough: Pixels, variant: int) -> Pixels:
    pixels = _pixels(picture)
    sheet = np.array([0.07, 0.26, 0.6], dtype=np.float32) * (0.62 + 0.6 * _gray(pixels)) + (pixels - _gray(pixels)) * (
        0.62 - 0.4 * rough
    )
    down, across = (
        (np.arange(length) * _UNIT // _side(pixels) + variant) % (_UNIT // 8) == 0 for length in pixels.shape[:2]
    )
    grid = down[:, None] | across[None, :]
    sheet = sheet + 0.15 * grid[..., None] * rough
    return sheet + (np.array([0.9, 0.96, 1], dtype=np.float32) - sheet) * _lines(pixels, 0.6)


STYLES: dict[str, Callable[[Image.Image, Pixels, int], Pixels]] = {
    "watercolor": _watercolor,
    "oil painting": _oil_painting,
    "pixel art": _pixel_art,
    "pencil sketch": _pencil_sketch,
    "ink wash": _ink_wash,
    "ukiyo-e": _ukiyo_e,
    "Joan Miro": _joan_miro,
    "Van Gogh": _van_gogh,
    "stained glass": _stained_glass,
    "pop art": _pop_art,
    "neon": _neon,
    "blueprint": _blueprint,
}
