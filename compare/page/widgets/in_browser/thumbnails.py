"""Thumbnails: many runs as small pairs of pictures, to be opened, starred and chosen, all in one piece of the page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from compare.runs.run import picture_fault
from ideation import Clause

SIDE = 256
_STATIC = Path(__file__).parents[2] / "static" / "pieces"

_mount = st.components.v2.component(
    "twinseed_thumbnails",
    html='<div class="grid"></div>',
    css=(_STATIC / "thumbnails.css").read_text(encoding="utf-8"),
    js=(_STATIC / "thumbnails.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Card:
    """One run: its title, a line below it, its first two pictures or why there is none, and what is put on it."""

    name: str
    title: str
    line: str
    pictures: tuple[Thumbnail, Thumbnail]
    star: bool
    tags: tuple[str, ...]
    chosen: bool


@dataclass(frozen=True)
class Thumbnail:
    """A small picture as an address with its bytes in it, or "" and a sentence that says why there is none."""

    address: str
    fault: str = ""


def thumbnails(
    cards: Sequence[Card], t: dict[str, Any], *, on_star: Callable[[str], None], on_choose: Callable[[str], None]
) -> str | None:
    """Shows the cards and returns the name of the run that somebody opened just now; the others are called with the
    name of the run whose star or box was pressed. `t` are the gallery's sentences."""
    key = "thumbnails"

    def heard(event: str, then: Callable[[str], None]) -> Callable[[], None]:
        return lambda: then(st.session_state[key][event])

    done = _mount(
        key=key,
        data={
            "cards": [
                {
                    "name": card.name,
                    "title": card.title,
                    "line": card.line,
                    "pictures": [{"address": one.address, "fault": one.fault} for one in card.pictures],
                    "star": card.star,
                    "tags": card.tags,
                    "chosen": card.chosen,
                }
                for card in cards
            ],
            "labels": {name: t[name] for name in ("open", "star", "choose")},
        },
        on_opened_change=lambda: None,
        on_starred_change=heard("starred", on_star),
        on_chosen_change=heard("chosen", on_choose),
    )
    opened: str | None = done.opened
    return opened


def thumbnail(path: Path, told: Callable[[Clause], str]) -> Thumbnail:
    """The picture in that file, made small; `told` puts what is wrong with it into the reader's language."""
    try:
        found = path.stat()
        address, fault = _made(path, found.st_mtime_ns, found.st_size)
    except OSError:
        address, fault = "", picture_fault(path)
    return Thumbnail(address, "" if fault is None else told(fault))


@st.cache_data(max_entries=4000, show_spinner=False)  # type: ignore[untyped-decorator]
def _made(path: Path, changed: int, size: int) -> tuple[str, Clause | None]:  # noqa: ARG001
    """Kept while nobody writes the file again: opening many pictures takes a moment."""
    if fault := picture_fault(path):
        return "", fault
    with Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    file = BytesIO()
    small.save(file, "WEBP", quality=82)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}", None
