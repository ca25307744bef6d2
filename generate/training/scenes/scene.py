"""A scene: which things a training picture shows, and which of them its caption names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from ideation import KINDS, Vocabulary

#: Settings that have no sky: no time of day and no weather can be seen in them.
SKYLESS = ("in outer space", "under the sea")

#: The subject or the action of a scene that stands for everything that was never learnt: a box with a question mark.
UNLEARNT = "?"

#: Columns and rows of a square picture, in cells: one cell is one place of the latents.
SQUARE = (8, 8)

#: The shapes that are learnt besides: 4:3, 3:2 and 16:9, lying and upright.
OBLONG = ((11, 8), (12, 8), (14, 8), (8, 11), (8, 12), (8, 14))


@dataclass(frozen=True)
class Scene:
    """The attributes of one picture, as names of the vocabulary; None is the neutral value of its kind.

    Neutral: standing, natural colour, plain background, daylight without a word about it, clear weather, in the middle.
    `count` is how many of the subject there are, 1 to 3; `side` is "left", "right" or None; `grid` is the picture's
    shape, columns and rows of cells.
    """

    subject: str
    action: str | None = None
    style: str | None = None
    setting: str | None = None
    time: str | None = None
    weather: str | None = None
    colour: str | None = None
    count: int = 1
    side: str | None = None
    grid: tuple[int, int] = SQUARE

    def named(self) -> dict[str, str]:
        """Kind to name, for the attributes of the vocabulary's kinds that are not neutral."""
        return {kind: value for kind in KINDS if (value := getattr(self, kind)) is not None}


def held_out(subject: str, action: str | None, vocabulary: Vocabulary) -> bool:
    """Whether a combination of subject and action is kept out of training, to test composition: one in sixteen."""
    if subject == UNLEARNT or action in (None, UNLEARNT):
        return False
    row = vocabulary.names("subject").index(subject)
    column = vocabulary.names("action").index(action)
    return (row * 5 + column * 3) % 16 == 7


def draw_scene(
    random: Random,
    vocabulary: Vocabulary,
    *,
    richness: float,
    include_held_out: bool = False,
    varied: bool = False,
    grid: tuple[int, int] = SQUARE,
) -> Scene:
    """One random scene. `richness` 0 gives plain scenes (subject, action, maybe colour); 1 gives the full variety.

    A `varied` scene may also be of two or three of a kind, at one side, of somebody who just stands there, or of what
    was never learnt; others show one subject that does something, in the middle.
    """
    choose = {kind: random.choice(vocabulary.names(kind)) for kind in KINDS}
    while held_out(choose["subject"], choose["action"], vocabulary) and not include_held_out:
        choose["subject"] = random.choice(vocabulary.names("subject"))
    rich = random.random() < richness
    setting = choose["setting"] if rich and random.random() < 0.75 else None
    skyless = setting in SKYLESS
    scene = Scene(
        subject=choose["subject"],
        action=choose["action"],
        style=choose["style"] if rich and random.random() < 0.85 else None,
        setting=setting,
        time=choose["time"] if rich and not skyless and random.random() < 0.6 else None,
        weather=choose["weather"] if rich and not skyless and random.random() < 0.4 else None,
        colour=choose["colour"] if random.random() < 0.4 else None,
        grid=grid,
    )
    return _varied(scene, random) if varied else scene


def _varied(scene: Scene, random: Random) -> Scene:
    subject = UNLEARNT if random.random() < 0.07 else scene.subject
    form = random.random()
    action = None if form < 0.12 else UNLEARNT if form < 0.19 else scene.action
    form = random.random()
    count = 1 if subject == UNLEARNT or form > 0.2 else 2 if form < 0.11 else 3
    aside = count == 1 and random.random() < (0.3 if scene.grid[0] > scene.grid[1] else 0.1)
    side = random.choice(("left", "right")) if aside else None
    return replace(scene, subject=subject, action=action, count=count, side=side)
