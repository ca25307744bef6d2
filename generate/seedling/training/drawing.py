"""Drawing: a scene as a picture. Background first, then the figure and its prop, then the weather, then the style."""

from __future__ import annotations

from random import Random

from PIL import Image

from generate.seedling.training.background import draw_background
from generate.seedling.training.canvas import Canvas
from generate.seedling.training.figure import draw_figure
from generate.seedling.training.painting import paint
from generate.seedling.training.scene import Scene

_LAYOUTS = 8  # how many arrangements of each background there are, each with its shades


def draw(scene: Scene, random: Random, *, size: int = 128, jitter: float = 0.0) -> Image.Image:
    """The scene as an RGB picture of `size` x `size` pixels.

    What the scene leaves open comes from `random`: one of eight arrangements of the background, which way all of it
    faces, the grain of the style. `jitter` is how far the figure strays from its usual place, in units of a 128th of
    the picture.
    """
    layout = Random(random.randrange(_LAYOUTS))
    canvas = Canvas(size * 2, layout)  # drawn at twice the size and shrunk: smooth edges
    draw_background(canvas, scene)
    draw_figure(canvas, scene, random, jitter)
    _weather_in_front(canvas, scene.weather)
    picture = canvas.image.reduce(2)
    if random.random() < 0.3:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return paint(picture, scene.style, random)


def _weather_in_front(canvas: Canvas, weather: str | None) -> None:
    random = canvas.random
    if weather == "in the rain":
        for row in range(5):
            for column in range(6):
                x, y = column * 24 + random.uniform(-7, 7) + row * 5, row * 27 + random.uniform(-7, 7)
                canvas.pen.line(canvas.at(x, y, x - 6, y + 17), fill=(180, 220, 255), width=round(1.8 * canvas.scale))
    elif weather == "in the snow":
        for row in range(5):
            for column in range(6):
                x, y = column * 24 + random.uniform(-9, 9), row * 26 + random.uniform(-9, 9)
                r = random.uniform(2.4, 4.2)
                canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    elif weather == "in the fog":
        for y in (30, 66, 100):
            y += random.uniform(-8, 8)
            height = random.uniform(9, 13)
            band = Image.new("L", (1, canvas.size))
            for row in range(canvas.size):
                band.putpixel((0, row), round(165 * max(0.0, 1 - abs(row / canvas.scale - y) / height)))
            white = Image.new("RGB", canvas.image.size, (236, 239, 242))
            canvas.image.paste(white, (0, 0), band.resize(canvas.image.size))
