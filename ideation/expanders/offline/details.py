"""Details: the tables that say which setting, light, view and medium fit the words of a concept."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

_FOLDER = Path(__file__).parents[2] / "draw" / "lists"

Family = Literal["lens", "picture", "flat", "object"]
Pace = Literal["moving", "still", "performing"]
Phrases = tuple[str, ...]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scene(_Table):
    """A kind of place: phrases that put the action there, things to be seen there, and the lights that fall there."""

    home: str
    places: Phrases
    details: Phrases
    lights: Phrases
    words: Phrases
    seedling: Phrases = ()
    indoor: bool = False


class Light(_Table):
    """A time and weather. `light` is for styles with light and shade, `sign` for flat ones; None fits any time."""

    time: Literal["day", "dusk", "night"] | None = None
    weather: Literal["rain", "snow", "fog"] | None = None
    light: Phrases
    sign: Phrases
    palette: Phrases
    seedling: Phrases = ()
    open_air: bool = False


class View(_Table):
    because: str
    lens: Phrases
    picture: Phrases
    flat: Phrases
    object: Phrases


class Medium(_Table):
    """What one sees of a style's medium. `colours` says whether a palette may be added: own and none may not."""

    family: Family
    medium: Phrases
    colours: Literal["fitting", "own", "none"] = "fitting"
    also: Phrases = ()
    time: Literal["night"] | None = None


class ActionNote(_Table):
    """How an action moves, where it is done, and what comes with it. With `anywhere`, the topic's home comes first."""

    pace: Pace
    scenes: Phrases
    anywhere: bool = False
    weather: Literal["rain"] | None = None
    places: Phrases = ()
    details: Phrases = ()


class Unwanted(_Table):
    """An entry of the negative prompt for these families, unless a word of the prompt begins with one of `unless`."""

    say: str
    family: tuple[Family, ...] = ("lens", "picture", "flat", "object")
    unless: Phrases = ()
    colourless: bool = False


class SeedlingFit(_Table):
    weather: dict[str, Phrases]
    unlit: Phrases
    filler: Phrases


class Details(_Table):
    """All tables. `homes` maps a scene to its topics, `said` a kind of detail to the words that mention it already."""

    scenes: dict[str, Scene]
    lights: dict[str, Light]
    views: dict[Pace, View]
    moods: dict[Pace | Literal["plain"], Phrases]
    said: dict[str, Phrases]
    negatives: tuple[Unwanted, ...]
    seedling: SeedlingFit
    homes: dict[str, Phrases]
    nocturnal: Phrases
    actions: dict[str, ActionNote]
    anywhere: Phrases
    media: dict[str, Medium]

    def homes_of(self, topic: str) -> list[str]:
        """The scenes where this topic of the built-in lists is at home."""
        return [scene for scene, topics in self.homes.items() if topic in topics]


@lru_cache(maxsize=1)
def built_in_details() -> Details:
    """The tables that come with Twinseed, from `scenes.yaml`, `fitting.yaml` and `media.yaml` in `draw/lists`.

    >>> built_in_details().homes_of("octopus")
    ['underwater']
    """
    scenes, fitting, media = (
        yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("scenes", "fitting", "media")
    )
    return Details.model_validate({**scenes, **fitting, "media": media})


@cache
def phrase_pattern(phrases: Phrases) -> re.Pattern[str]:
    """Matches any of the phrases as whole words, the longest first, with a plural ending or without."""
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, longest_first)) + r")(?:e?s)?(?![\w-])", re.IGNORECASE)
