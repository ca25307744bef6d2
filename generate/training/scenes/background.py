"""The background of a scene: a plain wall, or the sky and the land of its setting, in its light and weather."""

from __future__ import annotations

from math import ceil, floor
from random import Random

from PIL import Image

from generate.training.scenes.canvas import UNIT, Canvas, shade
from generate.training.scenes.scene import Scene

_HORIZON = 82


def draw_background(canvas: Canvas, scene: Scene, layout: int) -> None:
    """Fills the whole canvas. Stars and weather depend on the layout's number alone, not on the setting."""
    setting, time = scene.setting, scene.time
    if setting is None:
        _plain(canvas, scene, layout)
    elif setting == "in outer space":
        _space(canvas)
    elif setting == "under the sea":
        _sea_bed(canvas)
    else:
        _sky(canvas, time, layout)
        _LAND[setting](canvas)
        if time == "at night":
            _dim_land(canvas, (12, 18, 60), 0.5)
        elif time == "at sunset":
            _dim_land(canvas, (230, 90, 40), 0.28)
        elif time == "at noon":
            _dim_land(canvas, (255, 240, 150), 0.22)
    if scene.weather is not None:
        _WEATHER[scene.weather](canvas, time, Random(layout % 2))


def _sky(canvas: Canvas, time: str | None, layout: int) -> None:
    random = canvas.random
    if time == "at sunset":
        canvas.gradient(shade(random, (150, 70, 140)), shade(random, (255, 150, 50)), 0, UNIT)
        sun, low = _corner(canvas, 24), _HORIZON - 16
        canvas.pen.ellipse(canvas.at(sun - 17, low - 17, sun + 17, low + 17), fill=(255, 226, 110))
    elif time == "at night":
        canvas.gradient(shade(random, (10, 14, 48), 6), shade(random, (36, 46, 100), 6), 0, UNIT)
        stars = Random(layout % 2)
        for _ in range(round(14 * _larger(canvas))):
            x, y = stars.uniform(canvas.left + 2, canvas.right - 2), stars.uniform(canvas.top + 2, 74)
            r = stars.uniform(1.2, 2.2)
            canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), fill=(255, 250, 210))
        canvas.stamp("🌙", _corner(canvas), canvas.top + 16, 28)
    elif time == "at noon":
        # The sky of noon is pale and golden, that of an unnamed hour blue: a sun in a corner alone is soon overlooked.
        canvas.gradient(shade(random, (255, 226, 120), 6), shade(random, (255, 250, 224), 5), 0, UNIT)
        canvas.stamp("☀️", _corner(canvas), canvas.top + 16, 44)
    else:
        canvas.gradient(shade(random, (96, 176, 244)), shade(random, (206, 234, 252)), 0, UNIT)
        for _ in range(round(random.randint(0, 2) * _larger(canvas))):
            x, y = random.uniform(canvas.left + 10, canvas.right - 10), random.uniform(canvas.top + 10, 34)
            canvas.stamp("☁️", x, y, 26)


def _larger(canvas: Canvas) -> float:
    """How many times the stage's area the picture has: so many times as many of what is strewn about."""
    return (canvas.right - canvas.left) * (canvas.bottom - canvas.top) / UNIT**2


def _corner(canvas: Canvas, inset: int = 16) -> float:
    """The middle of something at the left or at the right, so many units from the edge."""
    return canvas.random.choice((canvas.left + inset, canvas.right - inset))


def _rain(canvas: Canvas, _time: str | None, random: Random) -> None:
    canvas.wash((84, 96, 116), 0.45)
    for row in range(floor(canvas.top / 34), ceil(canvas.bottom / 34)):
        for column in range(floor(canvas.left / 24), ceil(canvas.right / 24)):
            x, y = column * 24 + random.uniform(-6, 6) + row * 6, row * 34 + random.uniform(-6, 6)
            canvas.pen.line(canvas.at(x, y, x - 8, y + 22), fill=(190, 226, 255), width=round(2.4 * canvas.scale))


def _snow(canvas: Canvas, time: str | None, random: Random) -> None:
    ground = (244, 248, 255) if time != "at night" else (150, 162, 204)
    canvas.gradient(ground, ground, 96, UNIT)
    for row in range(floor(canvas.top / 26), ceil(canvas.bottom / 26)):
        for column in range(floor(canvas.left / 24), ceil(canvas.right / 24)):
            x, y = column * 24 + random.uniform(-8, 8), row * 26 + random.uniform(-8, 8)
            r = random.uniform(2.8, 4.6)
            canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), fill=(255, 255, 255))


def _fog(canvas: Canvas, time: str | None, random: Random) -> None:
    canvas.wash((222, 226, 230) if time != "at night" else (120, 128, 150), 0.5)
    tall = canvas.image.height
    for middle in range(106, round(canvas.top), -36):
        y = middle - canvas.top + random.uniform(-6, 6)
        height = random.uniform(12, 16)
        rows = [round(205 * max(0.0, 1 - abs(row / canvas.scale - y) / height)) for row in range(tall)]
        band = Image.new("L", (1, tall))
        band.putdata(rows)
        white = Image.new("RGB", canvas.image.size, (238, 241, 244))
        canvas.image.paste(white, (0, 0), band.resize(canvas.image.size))


def _dim_land(canvas: Canvas, colour: tuple[int, int, int], strength: float) -> None:
    top = round((_HORIZON - canvas.top) * canvas.scale)
    land = canvas.image.crop((0, top, *canvas.image.size))
    canvas.image.paste(Image.blend(land, Image.new("RGB", land.size, colour), strength), (0, top))


def _plain(canvas: Canvas, scene: Scene, layout: int) -> None:
    time = scene.time
    if time is not None or scene.weather is not None:  # out of doors: on a pale wall nobody sees the snow
        _sky(canvas, time, layout)
        canvas.gradient(shade(canvas.random, (150, 140, 130)), shade(canvas.random, (130, 120, 112)), 108, UNIT)
        if time == "at night":
            _dim_land(canvas, (12, 18, 60), 0.5)
        return
    tone = canvas.random.choice(((246, 240, 226), (224, 236, 244), (236, 244, 228), (246, 228, 228), (238, 232, 246)))
    wall = shade(canvas.random, tone, 8)
    canvas.gradient(wall, wall, 0, UNIT)
    ground = (wall[0] - 26, wall[1] - 26, wall[2] - 26)
    canvas.gradient(ground, ground, 108, UNIT)


def _space(canvas: Canvas) -> None:
    random = canvas.random
    canvas.gradient(shade(random, (24, 8, 44), 6), shade(random, (8, 6, 26), 5), 0, UNIT)
    for _ in range(round(44 * _larger(canvas))):
        x, y = random.uniform(canvas.left, canvas.right), random.uniform(canvas.top, canvas.bottom)
        r = random.uniform(0.5, 1.6)
        canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), fill=(255, 255, 255))
    canvas.stamp("🪐", _corner(canvas, 20), canvas.top + random.uniform(18, 30), 40)
    x, low = _corner(canvas), canvas.bottom - 12
    canvas.pen.ellipse(canvas.at(x - 18, low - 18, x + 18, low + 18), fill=shade(random, (170, 90, 60), 30))


def _sea_bed(canvas: Canvas) -> None:
    random = canvas.random
    canvas.gradient(shade(random, (40, 160, 200), 10), shade(random, (6, 60, 120), 8), 0, UNIT)
    canvas.gradient(shade(random, (214, 190, 130), 8), shade(random, (190, 160, 104), 8), 112, UNIT)
    for tile in canvas.tiles():
        canvas.stamp("🪸", tile + random.choice((16, 112)), 106, 34)
    canvas.stamp("🐠", _corner(canvas), canvas.top + random.uniform(20, 46), 26)
    for _ in range(round(9 * _larger(canvas))):
        x, y = random.uniform(canvas.left + 4, canvas.right - 4), random.uniform(canvas.top + 4, 90)
        r = random.uniform(1.5, 3.5)
        canvas.pen.ellipse(canvas.at(x - r, y - r, x + r, y + r), outline=(220, 245, 255), width=round(canvas.scale))


def _beach(canvas: Canvas) -> None:
    random = canvas.random
    canvas.gradient(shade(random, (30, 120, 190)), shade(random, (70, 180, 210)), _HORIZON - 14, 100)
    canvas.gradient(shade(random, (244, 220, 150), 8), shade(random, (230, 200, 130), 8), 98, UNIT)
    for tile in canvas.tiles():
        x = random.choice((14, 114))
        canvas.stamp("🌴", tile + x, 76, 60)
        canvas.stamp("🐚", tile + UNIT - x, 116, 14)


def _forest(canvas: Canvas) -> None:
    random = canvas.random
    canvas.gradient(shade(random, (60, 120, 56)), shade(random, (40, 90, 40)), _HORIZON + 8, UNIT)
    for tile in canvas.tiles():
        for x in (6, 30, 98, 122, 50, 78):
            canvas.stamp("🌲", tile + x + random.uniform(-4, 4), random.uniform(62, 70), random.choice((58, 64, 72)))


def _city(canvas: Canvas) -> None:
    random = canvas.random
    x = canvas.left - random.uniform(0, 8)
    while x < canvas.right:
        width, height = random.uniform(18, 28), random.uniform(34, 78) - canvas.top * 0.6
        wall = shade(random, random.choice(((120, 128, 146), (164, 122, 104), (100, 112, 128))), 12)
        canvas.pen.rectangle(canvas.at(x, 100 - height, x + width - 2, 104), fill=wall)
        for row in range(int(height // 11) - 1):
            for column in (0.2, 0.6):
                left, top = x + width * column, 106 - height + row * 11
                canvas.pen.rectangle(canvas.at(left, top, left + 4.5, top + 5.5), fill=(255, 236, 150))
        x += width
    canvas.gradient(shade(random, (92, 94, 100), 8), shade(random, (76, 78, 84), 8), 103, UNIT)
    for left in range(4 + 32 * floor(canvas.left / 32), canvas.right, 32):
        canvas.pen.rectangle(canvas.at(left, 115, left + 16, 118), fill=(244, 238, 214))


def _mountains(canvas: Canvas) -> None:
    random = canvas.random
    for tile in canvas.tiles():
        for centre, height in ((16, 62), (112, 66), (64, 50)):
            x, top = tile + centre + random.uniform(-6, 6), 100 - height + random.uniform(-5, 5)
            rock = shade(random, (112, 116, 136), 10)
            canvas.pen.polygon(canvas.at(x - 44, 104, x, top, x + 44, 104), fill=rock)
            canvas.pen.polygon(
                canvas.at(x - 15, top + 22, x, top, x + 15, top + 22, x + 5, top + 17, x - 4, top + 23),
                fill=(250, 252, 255),
            )
    canvas.gradient(shade(random, (108, 148, 88), 8), shade(random, (88, 126, 74), 8), 102, UNIT)


def _desert(canvas: Canvas) -> None:
    random = canvas.random
    for tile in canvas.tiles():
        for place, y, r in ((20, 128, 60), (110, 132, 66)):
            dune, sand = tile + place + random.uniform(-8, 8), shade(random, (234, 168, 88), 8)
            canvas.pen.ellipse(canvas.at(dune - r, y - r * 0.8, dune + r, y + r), fill=sand)
    canvas.gradient(shade(random, (240, 184, 100), 8), shade(random, (222, 156, 76), 8), 104, UNIT)
    for tile in canvas.tiles():
        x = random.choice((16, 112))
        canvas.stamp("🌵", tile + x, 82, 52)
        canvas.stamp("🌵", tile + UNIT - x, 98, 24)


def _meadow(canvas: Canvas) -> None:
    random = canvas.random
    canvas.gradient(shade(random, (140, 206, 84), 8), shade(random, (96, 176, 60), 8), _HORIZON, UNIT)
    for tile in canvas.tiles():
        for x in (10, 30, 98, 118):
            y = random.uniform(96, 118)
            canvas.stamp(random.choice(("🌷", "🌼")), tile + x + random.uniform(-5, 5), y, 20)


_LAND = {
    "on a beach": _beach,
    "in a forest": _forest,
    "in a city": _city,
    "in the mountains": _mountains,
    "in a desert": _desert,
    "in a meadow": _meadow,
}

_WEATHER = {"in the rain": _rain, "in the snow": _snow, "in the fog": _fog}
