"""Details: the tables that say which setting, light, view and medium fit the words of a concept."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from templates import own_yaml

_FOLDER = Path(__file__).parents[2] / "draw" / "lists"

Family = Literal["lens", "picture", "flat", "object"]
Pace = Literal["moving", "still", "performing"]
Realm = Literal["indoors", "outdoors", "under water", "space"]
Weather = Literal["rain", "snow", "fog", "cloud", "storm"]
Phrases = tuple[str, ...]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scene(_Table):
    """A kind of place: phrases that put the action there, things to be seen there, and the lights that fall there.

    `words` are other names of the place.
    """

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
    weather: Weather | None = None
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
    """How an action moves, where it is done, and what comes with it. With `anywhere`, the topic's home comes first.

    One that is `dry` is done in neither rain nor snow.
    """

    pace: Pace
    scenes: Phrases
    anywhere: bool = False
    weather: Literal["rain"] | None = None
    dry: bool = False
    places: Phrases = ()
    details: Phrases = ()


class Unwanted(_Table):
    """An entry of the negative prompt for these families, unless a word of the prompt begins with one of `unless`."""

    say: str
    family: tuple[Family, ...] = ("lens", "picture", "flat", "object")
    unless: Phrases = ()
    colourless: bool = False


class SubjectKind(_Table):
    """What one sees in a subject of this kind, how it is best shown when nothing moves, and where it is (`realm`) when
    nothing says so. Where no `mood` or no `light` suits, none is added."""

    look: Phrases
    view: Phrases
    realm: Realm | None = None
    mood: bool = True
    light: bool = True


class Verbs(_Table):
    """What is done that is no action of the built-in list: how it moves, and the scenes where it is done."""

    moving: Phrases
    performing: Phrases
    scenes: dict[str, Phrases]


class Paragraphs(_Table):
    """Whole sentences that say how what is there lies in the picture, is lit and looks; `depth` by the realm of the
    scene, "" for any, `texture` by the family of the style, `layout` by the pace of the action."""

    depth: dict[Realm | Literal[""], Phrases]
    fall: Phrases
    texture: dict[Family, Phrases]
    layout: dict[Pace, Phrases]
    whole: Phrases


class SeedlingFit(_Table):
    """`tones` go with a time or weather, "" where there is none; `manners` with how the action moves."""

    weather: dict[str, Phrases]
    unlit: Phrases
    tones: dict[str, Phrases]
    manners: dict[Pace, Phrases]


class Details(_Table):
    """All tables.

    `homes` maps a scene to its topics, `said` a kind of detail to the words that mention it already, `realms` a realm
    to the words that show it, `excludes` what was said to the words that no detail may have then, `absent` a thing
    that is missing to other words for it; after the words of `beside`, "in" and "on" name no place. `subjects` maps a
    kind of subject and a scene ("" for none) to nouns.
    """

    scenes: dict[str, Scene]
    lights: dict[str, Light]
    views: dict[Pace, View]
    moods: dict[Pace | Literal["plain"], Phrases]
    said: dict[str, Phrases]
    realms: dict[Realm, Phrases]
    excludes: dict[str, Phrases]
    absent: dict[str, Phrases]
    beside: Phrases
    kinds: dict[str, SubjectKind]
    subjects: dict[str, dict[str, Phrases]]
    verbs: Verbs
    negatives: tuple[Unwanted, ...]
    paragraphs: Paragraphs
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
    """The tables that come with Twinseed, from six files in `draw/lists`.

    >>> built_in_details().homes_of("octopus")
    ['underwater']
    """
    scenes, fitting, facts, subjects, paragraphs, media = (
        own_yaml(_FOLDER / f"{name}.yaml") for name in ("scenes", "fitting", "facts", "subjects", "paragraphs", "media")
    )
    return Details.model_validate({**scenes, **fitting, **facts, **subjects, **paragraphs, "media": media})


@cache
def phrase_pattern(phrases: Phrases) -> re.Pattern[str]:
    """Matches any of the phrases as whole words, the longest first, with a plural ending or without."""
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, longest_first)) + r")(?:e?s)?(?![\w-])", re.IGNORECASE)
