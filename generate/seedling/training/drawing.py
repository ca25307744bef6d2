"""Drawing: a scene as a picture. Background first, then the figure and its prop, then the weather, then the style."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from generate.seedling.training.painting import paint
from generate.seedling.training.scene import Scene
from generate.seedling.training.sprites import COLOURS, sprite

_UNIT = 128  # scenes are laid out on a square of this many units
_HORIZON = 82

#: Glyph of the head, and the colour of the body under it; None where the glyph is a whole animal already.
SUBJECTS: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "dog": ("🐶", (240, 216, 178)),
    "cat": ("🐱", (255, 196, 60)),
    "rabbit": ("🐰", (200, 206, 214)),
    "fox": ("🦊", (244, 104, 20)),
    "bear": ("🐻", (122, 82, 70)),
    "panda": ("🐼", (48, 48, 52)),
    "koala": ("🐨", (120, 130, 136)),
    "tiger": ("🐯", (250, 140, 0)),
    "lion": ("🦁", (252, 190, 60)),
    "monkey": ("🐵", (160, 108, 60)),
    "pig": ("🐷", (250, 190, 180)),
    "cow": ("🐮", (236, 232, 226)),
    "mouse": ("🐭", (140, 154, 164)),
    "frog": ("🐸", (142, 198, 36)),
    "chicken": ("🐔", (240, 240, 240)),
    "penguin": ("🐧", None),
    "owl": ("🦉", None),
    "octopus": ("🐙", None),
    "unicorn": ("🦄", (238, 236, 244)),
    "dragon": ("🐲", (20, 140, 60)),
    "robot": ("🤖", (130, 156, 168)),
    "alien": ("👽", (150, 164, 176)),
    "ghost": ("👻", None),
    "elephant": ("🐘", None),
}

# Heads stand on a grid of 16 units, all of one size, with the body at the same place under them. The latents code
# pictures by patches of 16 pixels: so a dog's head is the same code wherever an action puts it, and the U-Net has to
# learn it once, not once for each action.
_HEAD_SIZE, _BODY_SIZE, _BODY_BELOW = 56, 38, 40
_LAYOUTS = 8  # how many arrangements of a background there are; shades and sides come on top


@dataclass(frozen=True)
class _Pose:
    """Where the head is, in units, and the prop: its glyph, centre, size, turn in degrees; in front of the figure or
    behind it; `string` ties it to the body; without `body` the figure sits in the prop."""

    head: tuple[int, int]
    prop: str
    at: tuple[int, int]
    size: int
    turn: int = 0
    front: bool = True
    string: bool = False
    body: bool = True


ACTIONS = {
    "riding a bicycle": _Pose((64, 32), "🚲", (64, 90), 84),
    "driving a car": _Pose((64, 48), "🚗", (64, 90), 98),
    "riding a rocket": _Pose((64, 32), "🚀", (64, 88), 100, turn=-45),
    "sailing a boat": _Pose((48, 64), "⛵", (64, 68), 108, front=False, body=False),
    "riding a skateboard": _Pose((64, 48), "🛹", (64, 110), 84, turn=-24),
    "playing the guitar": _Pose((64, 48), "🎸", (82, 88), 66),
    "playing the drums": _Pose((64, 48), "🥁", (64, 98), 62),
    "blowing a trumpet": _Pose((48, 48), "🎺", (92, 64), 56),
    "holding a balloon": _Pose((48, 48), "🎈", (100, 40), 62, front=False, string=True),
    "holding an umbrella": _Pose((64, 64), "☂️", (78, 46), 88, turn=-12, front=False),
    "reading a book": _Pose((64, 48), "📖", (64, 98), 62),
    "eating pizza": _Pose((48, 48), "🍕", (94, 80), 50),
    "eating ice cream": _Pose((80, 48), "🍦", (32, 74), 56),
    "kicking a ball": _Pose((48, 48), "⚽", (102, 102), 40),
    "wearing a crown": _Pose((64, 64), "👑", (64, 24), 50),
    "flying a kite": _Pose((80, 64), "🪁", (30, 30), 56, front=False, string=True),
}


def draw(scene: Scene, random: Random, *, size: int = 128, jitter: float = 0.0) -> Image.Image:
    """The scene as an RGB picture of `size` x `size` pixels.

    What the scene leaves open comes from `random`: shades, one of eight arrangements of the background, which way all
    of it faces. `jitter` is how far the figure strays from its usual place, in units of a 128th of the picture.
    """
    layout = Random(random.randrange(_LAYOUTS))
    canvas = _Canvas(size * 2, layout)  # drawn at twice the size and shrunk: smooth edges
    _background(canvas, scene)
    _figure(canvas, scene, random, jitter)
    _weather_in_front(canvas, scene.weather)
    picture = canvas.image.reduce(2)
    if random.random() < 0.3:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return paint(picture, scene.style, random)


class _Canvas:
    """A picture with a unit square laid over it."""

    def __init__(self, size: int, random: Random) -> None:
        self.size, self.scale, self.random = size, size / _UNIT, random
        self.image = Image.new("RGB", (size, size))
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
        corner = (round(x * self.scale - mark.width / 2), round(y * self.scale - mark.height / 2))
        self.image.paste(mark, corner, mark)

    def wash(self, colour: tuple[int, int, int], strength: float) -> None:
        self.image.paste(Image.blend(self.image, Image.new("RGB", self.image.size, colour), strength), (0, 0))
        self.pen = ImageDraw.Draw(self.image)


def _shade(random: Random, colour: tuple[int, int, int], by: int = 14) -> tuple[int, int, int]:
    shift = random.randint(-by, by)
    red, green, blue = (max(0, min(255, part + shift + random.randint(-by // 2, by // 2))) for part in colour)
    return red, green, blue


def _sky(canvas: _Canvas, time: str | None) -> None:
    random = canvas.random
    if time == "at sunset":
        canvas.gradient(_shade(random, (150, 70, 140)), _shade(random, (255, 150, 50)), 0, _UNIT)
        sun, low = random.choice((24, 104)), _HORIZON - 16
        canvas.pen.ellipse(canvas.at(sun - 17, low - 17, sun + 17, low + 17), fill=(255, 226, 110))
    elif time == "at night":
        canvas.gradient(_shade(random, (10, 14, 48), 6), _shade(random, (36, 46, 100), 6), 0, _UNIT)
        for _ in range(16):
            x, y, r = random.uniform(2, 126), random.uniform(2, 74), random.uniform(0.7, 1.8)
            canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), fill=(255, 250, 210))
        canvas.stamp("🌙", random.choice((18, 110)), 18, 26)
    else:
        canvas.gradient(_shade(random, (96, 176, 244)), _shade(random, (206, 234, 252)), 0, _UNIT)
        if time == "at noon":
            canvas.stamp("☀️", random.choice((18, 110)), 18, 30)
        for _ in range(random.randint(0, 2)):
            canvas.stamp("☁️", random.uniform(10, 118), random.uniform(10, 34), 26)


def _background(canvas: _Canvas, scene: Scene) -> None:
    random, setting, time = canvas.random, scene.setting, scene.time
    if setting is None:
        _plain(canvas, time)
    elif setting == "in outer space":
        _space(canvas)
    elif setting == "under the sea":
        _sea_bed(canvas)
    else:
        _sky(canvas, time)
        _LAND[setting](canvas)
        if time == "at night":
            _dim_land(canvas, (12, 18, 60), 0.5)
        elif time == "at sunset":
            _dim_land(canvas, (230, 90, 40), 0.28)
    if scene.weather == "in the snow":
        ground = _shade(random, (244, 248, 255), 5) if time != "at night" else (150, 162, 204)
        canvas.gradient(ground, _shade(random, ground, 6), 96, _UNIT)
    elif scene.weather == "in the rain":
        canvas.wash((84, 96, 116), 0.45)
    elif scene.weather == "in the fog":
        canvas.wash((222, 226, 230) if time != "at night" else (120, 128, 150), 0.62)


def _dim_land(canvas: _Canvas, colour: tuple[int, int, int], strength: float) -> None:
    top = round(_HORIZON * canvas.scale)
    land = canvas.image.crop((0, top, canvas.size, canvas.size))
    canvas.image.paste(Image.blend(land, Image.new("RGB", land.size, colour), strength), (0, top))


def _plain(canvas: _Canvas, time: str | None) -> None:
    if time is not None:
        _sky(canvas, time)
        canvas.gradient(_shade(canvas.random, (150, 140, 130)), _shade(canvas.random, (130, 120, 112)), 108, _UNIT)
        if time == "at night":
            _dim_land(canvas, (12, 18, 60), 0.5)
        return
    tone = canvas.random.choice(((246, 240, 226), (224, 236, 244), (236, 244, 228), (246, 228, 228), (238, 232, 246)))
    wall = _shade(canvas.random, tone, 8)
    canvas.gradient(wall, wall, 0, _UNIT)
    floor = (wall[0] - 26, wall[1] - 26, wall[2] - 26)
    canvas.gradient(floor, floor, 108, _UNIT)


def _space(canvas: _Canvas) -> None:
    random = canvas.random
    canvas.gradient(_shade(random, (24, 8, 44), 6), _shade(random, (8, 6, 26), 5), 0, _UNIT)
    for _ in range(44):
        x, y, r = random.uniform(0, _UNIT), random.uniform(0, _UNIT), random.uniform(0.5, 1.6)
        canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    canvas.stamp("🪐", random.choice((20, 108)), random.uniform(18, 30), 40)
    x = random.choice((14, 112))
    canvas.pen.ellipse(canvas.at(x - 18, 98, x + 18, 134), fill=_shade(random, (170, 90, 60), 30))


def _sea_bed(canvas: _Canvas) -> None:
    random = canvas.random
    canvas.gradient(_shade(random, (40, 160, 200), 10), _shade(random, (6, 60, 120), 8), 0, _UNIT)
    canvas.gradient(_shade(random, (214, 190, 130), 8), _shade(random, (190, 160, 104), 8), 112, _UNIT)
    canvas.stamp("🪸", random.choice((16, 112)), 106, 34)
    canvas.stamp("🐠", random.choice((16, 112)), random.uniform(20, 46), 26)
    for _ in range(9):
        x, y, r = random.uniform(4, 124), random.uniform(4, 90), random.uniform(1.5, 3.5)
        canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), outline=(220, 245, 255), width=round(canvas.scale))


def _beach(canvas: _Canvas) -> None:
    random = canvas.random
    canvas.gradient(_shade(random, (30, 120, 190)), _shade(random, (70, 180, 210)), _HORIZON - 14, 100)
    canvas.gradient(_shade(random, (244, 220, 150), 8), _shade(random, (230, 200, 130), 8), 98, _UNIT)
    x = random.choice((14, 114))
    canvas.stamp("🌴", x, 76, 60)
    canvas.stamp("🐚", 128 - x, 116, 14)


def _forest(canvas: _Canvas) -> None:
    random = canvas.random
    canvas.gradient(_shade(random, (60, 120, 56)), _shade(random, (40, 90, 40)), _HORIZON + 8, _UNIT)
    for x in (6, 30, 98, 122, 50, 78):
        canvas.stamp("🌲", x + random.uniform(-4, 4), random.uniform(54, 64), random.choice((64, 72, 80)))


def _city(canvas: _Canvas) -> None:
    random = canvas.random
    x = -random.uniform(0, 8)
    while x < _UNIT:
        width, height = random.uniform(18, 28), random.uniform(34, 78)
        wall = _shade(random, random.choice(((120, 128, 146), (164, 122, 104), (100, 112, 128))), 12)
        canvas.pen.rectangle(canvas.at(x, 100 - height, x + width - 2, 104), fill=wall)
        for row in range(int(height // 11) - 1):
            for column in (0.2, 0.6):
                left, top = x + width * column, 106 - height + row * 11
                canvas.pen.rectangle(canvas.at(left, top, left + 4.5, top + 5.5), fill=(255, 236, 150))
        x += width
    canvas.gradient(_shade(random, (92, 94, 100), 8), _shade(random, (76, 78, 84), 8), 103, _UNIT)
    for left in range(4, _UNIT, 32):
        canvas.pen.rectangle(canvas.at(left, 115, left + 16, 118), fill=(244, 238, 214))


def _mountains(canvas: _Canvas) -> None:
    random = canvas.random
    for centre, height in ((16, 62), (112, 66), (64, 50)):
        x, top = centre + random.uniform(-6, 6), 100 - height + random.uniform(-5, 5)
        rock = _shade(random, (112, 116, 136), 10)
        canvas.pen.polygon(canvas.at(x - 44, 104, x, top, x + 44, 104), fill=rock)
        canvas.pen.polygon(canvas.at(x - 15, top + 22, x, top, x + 15, top + 22, x + 5, top + 17, x - 4, top + 23),
                           fill=(250, 252, 255))  # fmt: skip
    canvas.gradient(_shade(random, (108, 148, 88), 8), _shade(random, (88, 126, 74), 8), 102, _UNIT)


def _desert(canvas: _Canvas) -> None:
    random = canvas.random
    for place, y, r in ((20, 128, 60), (110, 132, 66)):
        dune = place + random.uniform(-8, 8)
        canvas.pen.ellipse(canvas.at(dune - r, y - r * 0.8, dune + r, y + r), fill=_shade(random, (234, 168, 88), 8))
    canvas.gradient(_shade(random, (240, 184, 100), 8), _shade(random, (222, 156, 76), 8), 104, _UNIT)
    x = random.choice((16, 112))
    canvas.stamp("🌵", x, 82, 52)
    canvas.stamp("🌵", 128 - x, 98, 24)


def _meadow(canvas: _Canvas) -> None:
    random = canvas.random
    canvas.gradient(_shade(random, (140, 206, 84), 8), _shade(random, (96, 176, 60), 8), _HORIZON, _UNIT)
    for x in (10, 30, 98, 118):
        y = random.uniform(96, 118)
        canvas.stamp(random.choice(("🌷", "🌼")), x + random.uniform(-5, 5), y, 20)


_LAND = {
    "on a beach": _beach,
    "in a forest": _forest,
    "in a city": _city,
    "in the mountains": _mountains,
    "in a desert": _desert,
    "in a meadow": _meadow,
}


def _figure(canvas: _Canvas, scene: Scene, random: Random, jitter: float) -> None:
    glyph, coat = SUBJECTS[scene.subject]
    pose = ACTIONS[scene.action]
    dx, dy = random.uniform(-jitter, jitter), random.uniform(-jitter, jitter)
    grow = 1 + random.uniform(-jitter, jitter) / 60
    x, y, prop_x, prop_y = pose.head[0] + dx, pose.head[1] + dy, pose.at[0] + dx, pose.at[1] + dy

    def put_prop() -> None:
        canvas.stamp(pose.prop, prop_x, prop_y, pose.size * grow, turn=pose.turn)

    if not pose.front:
        put_prop()
    if pose.string:
        ink = (40, 40, 40) if scene.time != "at night" else (230, 230, 230)
        canvas.pen.line(canvas.at(prop_x, prop_y + pose.size * 0.45, x, y + _BODY_BELOW), fill=ink, width=3)
    if coat is None:  # a whole animal: larger, and it reaches down to where the body would be
        canvas.stamp(glyph, x, y + 8, _HEAD_SIZE * 1.3 * grow, scene.colour)
    else:
        if pose.body:
            _body(canvas, x, y + _BODY_BELOW, _BODY_SIZE * grow, COLOURS[scene.colour] if scene.colour else coat)
        canvas.stamp(glyph, x, y, _HEAD_SIZE * grow, scene.colour)
    if pose.front:
        put_prop()


def _body(canvas: _Canvas, x: float, y: float, size: float, coat: tuple[int, int, int]) -> None:
    dark = (int(coat[0] * 0.8), int(coat[1] * 0.8), int(coat[2] * 0.8))
    w, h = size * 0.42, size * 0.55
    for side in (-1, 1):
        canvas.pen.ellipse(canvas.at(x + side * w * 0.55 - 6, y + h - 8, x + side * w * 0.55 + 6, y + h + 7), fill=dark)
        canvas.pen.ellipse(canvas.at(x + side * w - 5, y - h * 0.5, x + side * w + 5, y + h * 0.45), fill=dark)
    canvas.pen.ellipse(canvas.at(x - w, y - h, x + w, y + h), fill=coat)


def _weather_in_front(canvas: _Canvas, weather: str | None) -> None:
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
