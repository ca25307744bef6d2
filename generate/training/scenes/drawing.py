"""Drawing: a scene as a picture. Background and weather first, then the figure and its prop, then the style."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image, ImageFilter

from generate.training.scenes.background import draw_background
from generate.training.scenes.canvas import UNIT, Canvas
from generate.training.scenes.figure import draw_figure
from generate.training.scenes.painting import paint
from generate.training.scenes.scene import Scene

_LAYOUTS = 8  # how many arrangements of each background there are, each with its shades
_HALO = (253, 251, 245)


@dataclass(frozen=True)
class Drawing:
    """A drawn scene: the picture (RGB) and the mask of its figure (L, white where the subject and its prop are)."""

    picture: Image.Image
    figure: Image.Image


def draw(scene: Scene, random: Random, *, size: int = 128, jitter: float = 0.0) -> Drawing:
    """The scene as a picture whose shorter side has `size` pixels, a multiple of 128; the same `random` draws the same
    scene at every size.

    What the scene leaves open comes from `random`: one of eight arrangements of the background, which way all of it
    faces, the grain of the style. `jitter` is how far the figure strays from its usual place, in units of a 128th of
    the shorter side. The figure stands before the weather and has a pale rim, like a paper cut-out: it is the same
    figure in the rain and at night, and can be told from any background.
    """
    layout, turned = random.randrange(_LAYOUTS), random.random() < 0.3
    scale = size / UNIT * 2  # drawn at twice the size and shrunk: smooth edges
    canvas = Canvas(scale, Random(layout), grid=scene.grid)
    draw_background(canvas, scene, layout)
    layer = Canvas(scale, random, grid=scene.grid, clear=True)
    draw_figure(layer, scene, random, jitter, mirrored=turned)
    alpha = layer.image.getchannel("A")
    canvas.image.paste(_HALO, (0, 0), alpha.filter(ImageFilter.MaxFilter(size // 32 + 1)))
    canvas.image.paste(layer.image, (0, 0), layer.image)
    picture, figure = canvas.image.reduce(2), alpha.reduce(2)
    if turned:
        picture, figure = (part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for part in (picture, figure))
    return Drawing(paint(picture, figure, scene.style, random), figure)
