"""The figure of a scene: the subject, in the pose of its action, with the prop."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image

from generate.training.scenes.canvas import CELL, Canvas
from generate.training.scenes.scene import UNLEARNT, Scene
from generate.training.scenes.sprites import COLOURS

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

# Heads stand in one column, at heights that are multiples of 16 units, all of one size, with the body at the same
# place under them. The latents code pictures by patches of 16 pixels: so a dog's head is the same code wherever an
# action puts it, and the U-Net has to learn it once, not once for each action.
_HEAD_SIZE, _BODY_SIZE, _BODY_BELOW = 56, 38, 40


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
    "riding a rocket": _Pose((64, 32), "🚀", (64, 90), 100, turn=-45),
    "sailing a boat": _Pose((64, 64), "⛵", (64, 66), 118, front=False, body=False),
    "riding a skateboard": _Pose((64, 48), "🛹", (64, 110), 84, turn=-24),
    "playing the guitar": _Pose((64, 48), "🎸", (82, 88), 66),
    "playing the drums": _Pose((64, 48), "🥁", (64, 98), 62),
    "blowing a trumpet": _Pose((64, 48), "🎺", (100, 70), 54),
    "holding a balloon": _Pose((64, 64), "🎈", (106, 32), 56, front=False, string=True),
    "holding an umbrella": _Pose((64, 64), "☂️", (76, 46), 92, turn=-12, front=False),
    "reading a book": _Pose((64, 48), "📖", (64, 98), 62),
    "eating pizza": _Pose((64, 48), "🍕", (96, 90), 52),
    "eating ice cream": _Pose((64, 48), "🍦", (26, 80), 56),
    "kicking a ball": _Pose((64, 48), "⚽", (102, 104), 42),
    "wearing a crown": _Pose((64, 64), "👑", (64, 24), 50),
    "flying a kite": _Pose((64, 64), "🪁", (22, 26), 52, front=False, string=True),
}


#: Who does nothing that was named just stands there.
_STANDING = (64, 48)

#: What several of a kind sit in or ride on together; anything else that they hold is between them.
_CARRIES_ALL = ("riding a bicycle", "driving a car", "riding a rocket", "sailing a boat", "riding a skateboard")

#: Where several of a kind stand, in units from the middle.
_PLACES = {1: (0,), 2: (-32, 32), 3: (-48, 48, 0)}

#: How far from the middle somebody stands who is on one side, in units: in a square picture, and in a wide one.
_ASIDE, _FAR_ASIDE = 32, 48

_BOX, _BOX_BESIDE = 72, 40  # sizes of the box that stands for a subject, and for an action, that was never learnt
_CARDBOARD = (244, 222, 168)


def draw_figure(canvas: Canvas, scene: Scene, random: Random, jitter: float, *, mirrored: bool = False) -> None:
    """`jitter` is how far it strays from its usual place, in units; `mirrored` puts it at the other side than the
    scene says, for a picture that is turned over afterwards."""
    pose = ACTIONS.get(scene.action or "")
    head = _STANDING if pose is None else pose.head
    dx, dy = random.uniform(-jitter, jitter), random.uniform(-jitter, jitter)
    grow = 1 + random.uniform(-jitter, jitter) / 60
    if scene.side is not None:
        reach = _aside(scene.grid)
        dx += -reach if (scene.side == "left") != mirrored else reach
    places = _PLACES[scene.count]
    heads = [(head[0] + dx + place, head[1] + dy) for place in places]
    if pose is None:
        props: list[tuple[float, float]] = []
    elif scene.action == "wearing a crown":
        props = [(x, pose.at[1] + dy) for x, _ in heads]
    elif scene.count == 1 or scene.action in _CARRIES_ALL:
        props = [(pose.at[0] + dx, pose.at[1] + dy)]
    else:  # between them; low enough for the one in the middle to look over it
        props = [(64 + dx, max(pose.at[1], 94) + dy if pose.front else pose.at[1] + dy)]

    def put_props(pose: _Pose) -> None:
        for x, y in props:
            canvas.stamp(pose.prop, x, y, pose.size * grow, turn=pose.turn)

    if pose is not None and not pose.front:
        put_props(pose)
        if pose.string:
            ink = (40, 40, 40) if scene.time != "at night" else (230, 230, 230)
            (x, y), (hand, shoulder) = props[0], heads[0]
            points = canvas.at(x, y + pose.size * 0.45, hand, shoulder + _BODY_BELOW)
            canvas.pen.line(points, fill=ink, width=round(1.5 * canvas.scale))
    for x, y in heads:
        if scene.subject == UNLEARNT:
            _box(canvas, x, y + 8, _BOX * grow, COLOURS[scene.colour] if scene.colour else _CARDBOARD, mirrored)
        else:
            _put_one(canvas, scene, x, y, grow, body=pose is None or pose.body)
    if pose is not None and pose.front:
        put_props(pose)
    if scene.action == UNLEARNT:
        _box(canvas, head[0] + dx + max(places) + 42, 100 + dy, _BOX_BESIDE * grow, _CARDBOARD, mirrored)


def stages_of(picture: Image.Image, scene: Scene) -> list[Image.Image]:
    """The squares of `picture`, of the scene's shape, in which the figure that `scene` asks for stands where it does in
    a square picture: one, or two where the middle is no whole cell and a picture may have been turned over."""
    columns, rows = scene.grid
    cell, top = picture.width / columns, (rows - 8) - (rows - 8) // 3
    further = 0 if scene.side is None else (_aside(scene.grid) - _ASIDE) // CELL
    lefts = {
        left + (-further if scene.side == "left" else further) for left in ((columns - 8) // 2, (columns - 7) // 2)
    }
    return [
        picture.crop((round(cell * left), round(cell * top), round(cell * (left + 8)), round(cell * (top + 8))))
        for left in sorted(lefts)
    ]


def _aside(grid: tuple[int, int]) -> int:
    return _FAR_ASIDE if grid[0] > 11 else _ASIDE


def _put_one(canvas: Canvas, scene: Scene, x: float, y: float, grow: float, *, body: bool) -> None:
    """One of the subject, its head at (x, y)."""
    glyph, coat = SUBJECTS[scene.subject]
    if coat is None:  # a whole animal: larger, and it reaches down to where the body would be
        canvas.stamp(glyph, x, y + 8, _HEAD_SIZE * 1.3 * grow, scene.colour)
        return
    if body:
        _body(canvas, x, y + _BODY_BELOW, _BODY_SIZE * grow, COLOURS[scene.colour] if scene.colour else coat)
    canvas.stamp(glyph, x, y, _HEAD_SIZE * grow, scene.colour)


def _box(canvas: Canvas, x: float, y: float, size: float, side: tuple[int, int, int], mirrored: bool) -> None:
    """A box with a question mark: here is something, and nobody here knows what it looks like."""
    half, edge = size / 2, (92, 64, 40)
    canvas.pen.rounded_rectangle(
        canvas.at(x - half, y - half, x + half, y + half),
        radius=size * 0.1 * canvas.scale,
        fill=side,
        outline=edge,
        width=round(size * 0.05 * canvas.scale),
    )
    canvas.stamp("❓" if side == _CARDBOARD else "❔", x, y, size * 0.66, mirrored=mirrored)


def _body(canvas: Canvas, x: float, y: float, size: float, coat: tuple[int, int, int]) -> None:
    dark = (int(coat[0] * 0.8), int(coat[1] * 0.8), int(coat[2] * 0.8))
    w, h = size * 0.42, size * 0.55
    for side in (-1, 1):
        canvas.pen.ellipse(canvas.at(x + side * w * 0.55 - 6, y + h - 8, x + side * w * 0.55 + 6, y + h + 7), fill=dark)
        canvas.pen.ellipse(canvas.at(x + side * w - 5, y - h * 0.5, x + side * w + 5, y + h * 0.45), fill=dark)
    canvas.pen.ellipse(canvas.at(x - w, y - h, x + w, y + h), fill=coat)
