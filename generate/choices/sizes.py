"""Aspect ratios: from "16:9" or "portrait" to a size that the model is good at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import gcd, isclose, lcm, log, sqrt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from generate.choices.store import (
    BUILT_IN,
    MAX_NAME_CHARACTERS,
    YAML_READERS,
    ChoiceFileError,
    ChoiceKind,
    Entry,
    clean_text,
    validated,
)
from generate.settings import MAX_SIDE, SettingsError
from ideation import Clause

#: What people say instead of a ratio, in both languages.
NAMED_RATIOS = {
    "square": "1:1",
    "landscape": "3:2",
    "portrait": "2:3",
    "wide": "16:9",
    "tall": "9:16",
    "正方形": "1:1",
    "橫向": "3:2",
    "直向": "2:3",
    "寬螢幕": "16:9",
    "手機": "9:16",
}

#: A listed size stands in for a ratio that it misses by no more than this, as 1344 x 768 does for 16:9 (by 1.6 %).
TOLERANCE = 0.04
#: The longest picture, as long side to short side.
MAX_RATIO = 4

_RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?)\s*[:：/∶]\s*([0-9]{1,5}(?:\.[0-9]{1,4})?)")
_HINT = Clause("give a ratio such as 16:9, or one of {names}", names=", ".join(list(NAMED_RATIOS)[:5]))


@dataclass(frozen=True)
class ListedSize:
    """A size in pixels and the ratio that it is for."""

    ratio: str
    width: int
    height: int


@dataclass(frozen=True)
class ModelFamily:
    """The sizes of the models that were trained on `native` x `native` pixels; others are multiples of `multiple`."""

    name: str
    native: int
    multiple: int
    sizes: tuple[ListedSize, ...]
    source: str = BUILT_IN


@dataclass(frozen=True)
class FoundSize:
    """A size in pixels for a ratio. `note` says what is not as asked, and is empty where all of it is."""

    width: int
    height: int
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


_Side = Annotated[int, Field(ge=8, le=MAX_SIDE, multiple_of=8)]


class _Size(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    ratio: str
    width: _Side
    height: _Side


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    native: _Side
    multiple: Annotated[int, Field(ge=8, le=128, multiple_of=8)] = 8
    sizes: Annotated[list[_Size], Field(max_length=200)]


def all_families() -> dict[str, ModelFamily]:
    """The built-in families of models and a person's own, by name."""
    return dict(_KIND.read().known)


def aspect_ratio_problems() -> tuple[ChoiceFileError, ...]:
    """What is wrong with a person's own files; nothing of it stands in the way of other sizes."""
    return tuple(problem.error for problem in _KIND.read().problems)


def match_aspect_ratio(text: str, model: str | int | tuple[int, int], *, unit: int = 8) -> FoundSize:
    """The size for a ratio ("16:9", "2.39:1") or a name of one ("portrait"), and a note where it is not quite that.

    `model` is a family's name (seedling, sd1, sd2, sdxl) or the native size in pixels: 256, 512, 768, 1024, or another,
    also as (width, height). A size that is listed for the ratio comes first, then the nearest listed size within
    `TOLERANCE`, then one that is computed at the native area. `unit` is what both sides must be multiples of. Raises
    `SettingsError`.
    """
    ratio = _parsed(text)
    known = _KIND.read()
    if isinstance(model, str):
        native = (known.find(model).native,) * 2
    else:
        native = (model, model) if isinstance(model, int) else model
    families = [family for family in known.known.values() if (family.native,) * 2 == native]
    families.sort(key=lambda family: family.source == BUILT_IN)  # a person's own sizes come first
    sizes = [size for family in families for size in family.sizes if size.width % unit == size.height % unit == 0]
    asked = NAMED_RATIOS.get(text.strip().casefold(), text.strip())
    for size in sizes:
        if isclose(_parsed(size.ratio), ratio, rel_tol=1e-9):
            return FoundSize(size.width, size.height)
    off, nearest_size = min(
        ((abs(log(size.width / size.height / ratio)), size) for size in sizes),
        key=lambda pair: pair[0],
        default=(float("inf"), None),
    )
    if nearest_size is not None and off <= TOLERANCE:
        width, height = nearest_size.width, nearest_size.height
        note = Clause("{size} is the listed size nearest to {ratio}", size=f"{width}x{height}", ratio=asked)
        return FoundSize(width, height, note)
    multiple = lcm(unit, *(family.multiple for family in families))
    width, height = _computed(native[0] * native[1], ratio, multiple)
    if (width, height) == native:
        return FoundSize(width, height)
    return FoundSize(
        width,
        height,
        Clause(
            "no size is listed for {ratio} at {native}; {size} has about that area and ratio",
            ratio=asked,
            native=f"{native[0]}x{native[1]}",
            size=f"{width}x{height}",
        ),
    )


def _parsed(text: str) -> float:
    """Width by height."""
    told = NAMED_RATIOS.get(text.strip().casefold(), text.strip())
    match = _RATIO.fullmatch(told)
    if match is None:
        if re.fullmatch(r"[0-9]+\s*[x×*]\s*[0-9]+", told, re.IGNORECASE):
            raise SettingsError(
                "{told!r} is a size, not an aspect ratio",
                hint="give it with --size, or a ratio such as 16:9",
                told=told,
            )
        raise SettingsError("unknown aspect ratio {text!r}", hint="{advice}", text=text, advice=_HINT)
    width, height = float(match[1]), float(match[2])
    if not (width and height) or max(width / height, height / width) > MAX_RATIO:
        raise SettingsError(
            "the aspect ratio is {told}",
            hint="from 1:{max_ratio} to {max_ratio}:1 can be rendered",
            told=told,
            max_ratio=MAX_RATIO,
        )
    return width / height


def _computed(area: int, ratio: float, multiple: int) -> tuple[int, int]:
    """Of the sizes around the exact one, the nearest: in logarithms, and the ratio counts twice as much as the area."""
    exact = sqrt(area * ratio), sqrt(area / ratio)
    around = [{max(1, int(side // multiple)) * multiple, (int(side // multiple) + 1) * multiple} for side in exact]
    return min(
        ((width, height) for width in sorted(around[0]) for height in sorted(around[1])),
        key=lambda size: 2 * abs(log(size[0] / size[1] / ratio)) + abs(log(size[0] * size[1] / area)),
    )


def _make(entry: Entry, source: str) -> ModelFamily:
    given = validated(
        _Entry,
        entry,
        hint='write {name: mine, native: 512, sizes: [{ratio: "5:4", width: 640, height: 512}]}, ratios in quotes',
    )
    for size in given.sizes:
        try:
            off = abs(log(size.width / size.height / _parsed(size.ratio)))
        except SettingsError as error:
            raise entry.error(error.message, hint=error.hint) from error
        if off > TOLERANCE:
            common = gcd(size.width, size.height)
            raise entry.error(
                "{width}x{height} is not {ratio}",
                hint="it is {width_2}:{height_2}: mend the size or the ratio",
                width=size.width,
                height=size.height,
                ratio=size.ratio,
                width_2=size.width // common,
                height_2=size.height // common,
            )
    return ModelFamily(
        clean_text(entry, "name", given.name, limit=MAX_NAME_CHARACTERS, needed=True),
        given.native,
        given.multiple,
        tuple(ListedSize(size.ratio, size.width, size.height) for size in given.sizes),
        source,
    )


_KIND = ChoiceKind("model family", "aspect_ratios", _make, YAML_READERS)
