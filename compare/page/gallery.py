"""The history: the newest runs of the gallery, each a pair of small pictures to choose it by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from compare.page.text import plain
from compare.runs.gallery import Gallery
from compare.runs.run import picture_fault
from ideation import Clause
from templates import Language

MOST_RUNS = 24
MOST_LEFT_OUT = 12
COLUMNS = 3


def show_history(gallery: Gallery, choose: Callable[[str], None], t: dict[str, Any], language: Language) -> None:
    """The newest runs, newest first; `choose` is called with the name of the one that is pressed. Whatever of a run
    cannot be shown is named in its place, and folders that hold none are named below."""
    query = st.text_input(
        t["runs"]["search"],
        key="query",
        label_visibility="collapsed",
        placeholder=t["runs"]["search"],
        icon=":material/search:",
    )
    listing = gallery.listing(limit=MOST_RUNS, query=query or "")
    rows = listing.rows
    if not rows:
        st.caption(t["runs"]["none"])
    for start in range(0, len(rows), COLUMNS):
        for column, row in zip(st.columns(COLUMNS, gap="medium"), rows[start : start + COLUMNS], strict=False):
            with column.container(key=f"card-{row.name}", gap="xsmall"):
                halves = st.columns(2, gap=None, wrap=False)
                for half, file in zip(halves, (row.simple_file, row.expanded_file), strict=True):
                    _show_picture(half, gallery.root / row.name / file, language)
                st.button(
                    plain(row.concept if len(row.concept) <= 70 else f"{row.concept[:69]}…"),
                    key=f"run-{row.name}",
                    type="tertiary",
                    wrap=True,
                    help=plain(t["runs"]["open"].format(name=row.name)),
                    on_click=choose,
                    args=(row.name,),
                )
                seeds = [] if row.images == 1 else [t["runs"]["images"].format(images=row.images)]
                st.caption(plain(" · ".join([f"{row.created[:10]} {row.created[11:16]} UTC", row.model, *seeds])))
    if listing.left_out:
        told = [
            f"{one.name}: {message} ({hint})"
            for one in listing.left_out[:MOST_LEFT_OUT]
            for message, hint in [one.problem.told(language)]
        ]
        more = len(listing.left_out) - len(told)
        told += [t["runs"]["more_left_out"].format(count=more)] if more else []
        st.warning("\n\n".join(map(plain, [t["runs"]["left_out"], *told])), icon=":material/info:")


def _show_picture(half: DeltaGenerator, path: Path, language: Language) -> None:
    """A small picture; or why there is none."""
    try:
        found = path.stat()
        fault = _fault(path, found.st_mtime_ns, found.st_size)
    except OSError:
        fault = picture_fault(path)
    if fault is None:
        half.image(str(path), width="stretch", alt="")
    else:
        half.caption(plain(fault.told(language)))


@st.cache_data(max_entries=1000, show_spinner=False)  # type: ignore[untyped-decorator]
def _fault(path: Path, changed: int, size: int) -> Clause | None:  # noqa: ARG001
    """Kept while nobody writes the file again: opening many pictures takes a moment."""
    return picture_fault(path)
