"""The target: the family of models that a prompt is written for, which need not be on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ideation.errors import TwinseedError, nearest
from templates import own_yaml

_FILE = Path(__file__).parent / "targets.yaml"

#: How a prompt is written: phrases with commas between them, or whole sentences.
Manner = Literal["phrases", "sentences"]


class UnknownTarget(TwinseedError):
    """A name that is no family that prompts can be written for, and no model here."""


@dataclass(frozen=True)
class PromptTarget:
    """What a family reads: `reads` names its text encoder, which takes `limit` tokens; with `clip` they are CLIP's.

    `words` is the most that a prompt should have. Where `negative` is false, a negative prompt is not read.
    """

    family: str
    name: str
    reads: str
    clip: bool
    limit: int
    manner: Manner
    words: int
    negative: bool
    also: tuple[str, ...] = ()

    @property
    def least_words(self) -> int:
        """The fewest words that a prompt should have: those that read sentences want a paragraph of them."""
        return 80 if self.manner == "sentences" else 0


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    reads: str
    limit: int
    manner: Manner
    words: int
    negative: bool
    clip: bool = False
    also: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def known_targets() -> dict[str, PromptTarget]:
    """The families by name.

    >>> known_targets()["flux"].reads, known_targets()["sdxl"].limit
    ('T5', 77)
    """
    content = own_yaml(_FILE)
    return {
        family: PromptTarget(family, **_Entry.model_validate(entry).model_dump()) for family, entry in content.items()
    }


def find_target(name: str) -> PromptTarget:
    """The family with that name, one of its other names, or the model on the hub that is called after it.

    Raises `UnknownTarget`.

    >>> find_target("SD 1.5").family, find_target("black-forest-labs/FLUX.1-dev").family, find_target("z_image").family
    ('sd1', 'flux', 'z-image')
    """
    names = _names()
    plain = _plain(name.rstrip("/").rpartition("/")[2])
    if plain in names:
        return names[plain]
    if "/" in name:
        longest_first = sorted((known for known in names if len(known) > 2), key=len, reverse=True)
        found = next((known for known in longest_first if plain.startswith(known)), None)
        if found is not None:
            return names[found]
    raise UnknownTarget(
        "there is neither a family of models nor a model here that is called {name!r}",
        hint="{nearest}; a model folder or a file goes by its path",
        name=name,
        nearest=nearest(name, list(known_targets())),
    )


def target_of_family(family: str) -> PromptTarget | None:
    """What is known of a family by its name elsewhere in the program; None where nothing is.

    >>> target_of_family("sdxl").name, target_of_family("nobody's")
    ('Stable Diffusion XL', None)
    """
    return _names().get(_plain(family))


@lru_cache(maxsize=1)
def _names() -> dict[str, PromptTarget]:
    return {
        _plain(name): target
        for family, target in known_targets().items()
        for name in (family, target.name, *target.also)
    }


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
