"""A scene: which things a training picture shows, and which of them its caption names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

from ideation import KINDS, Vocabulary

#: Settings that have no sky: no time of day and no weather can be seen in them.
SKYLESS = ("in outer space", "under the sea")


@dataclass(frozen=True)
class Scene:
    """The attributes of one picture, as names of the vocabulary; None is the neutral value of its kind.

    Neutral: natural colour, plain background, daylight without a word about it, clear weather.
    """

    subject: str
    action: str
    style: str | None = None
    setting: str | None = None
    time: str | None = None
    weather: str | None = None
    colour: str | None = None

    def named(self) -> dict[str, str]:
        """Kind to name, for the attributes that are not neutral."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}


def held_out(subject: str, action: str, vocabulary: Vocabulary) -> bool:
    """Whether a combination of subject and action is kept out of training, to test composition: one in sixteen."""
    row = vocabulary.names("subject").index(subject)
    column = vocabulary.names("action").index(action)
    return (row * 5 + column * 3) % 16 == 7


def draw_scene(random: Random, vocabulary: Vocabulary, *, richness: float, include_held_out: bool = False) -> Scene:
    """One random scene. `richness` 0 gives plain scenes (subject, action, maybe colour); 1 gives the full variety."""
    choose = {kind: random.choice(vocabulary.names(kind)) for kind in KINDS}
    while held_out(choose["subject"], choose["action"], vocabulary) and not include_held_out:
        choose["subject"] = random.choice(vocabulary.names("subject"))
    rich = random.random() < richness
    setting = choose["setting"] if rich and random.random() < 0.75 else None
    skyless = setting in SKYLESS
    return Scene(
        subject=choose["subject"],
        action=choose["action"],
        style=choose["style"] if rich and random.random() < 0.85 else None,
        setting=setting,
        time=choose["time"] if rich and not skyless and random.random() < 0.6 else None,
        weather=choose["weather"] if rich and not skyless and random.random() < 0.4 else None,
        colour=choose["colour"] if random.random() < 0.4 else None,
    )
