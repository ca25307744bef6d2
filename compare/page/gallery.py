"""The history: the newest runs of the gallery, each a pair of small pictures to choose it by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from compare.page.text import plain
from compare.runs.gallery import Gallery

MOST_RUNS = 24
COLUMNS = 3


def show_history(gallery: Gallery, choose: Callable[[str], None], t: dict[str, Any]) -> None:
    """The newest runs, newest first; `choose` is called with the name of the one that is pressed."""
    query = st.text_input(
        t["runs"]["search"],
        key="query",
        label_visibility="collapsed",
        placeholder=t["runs"]["search"],
        icon=":material/search:",
    )
    rows = gallery.runs(limit=MOST_RUNS, query=query or "")
    if not rows:
        st.caption(t["runs"]["none"])
    for start in range(0, len(rows), COLUMNS):
        for column, row in zip(st.columns(COLUMNS, gap="medium"), rows[start : start + COLUMNS], strict=False):
            with column.container(key=f"card-{row.name}", gap="xsmall"):
                halves = st.columns(2, gap=None, wrap=False)
                for half, file in zip(halves, (row.simple_file, row.expanded_file), strict=True):
                    path = gallery.folder(row.name) / file
                    if path.is_file() and not path.is_symlink():
                        half.image(str(path), width="stretch", alt="")
                st.button(
                    plain(row.concept if len(row.concept) <= 70 else f"{row.concept[:69]}…"),
                    key=f"run-{row.name}",
                    type="tertiary",
                    wrap=True,
                    help=t["runs"]["open"].format(name=row.name),
                    on_click=choose,
                    args=(row.name,),
                )
                seeds = [] if row.images == 1 else [t["runs"]["images"].format(images=row.images)]
                st.caption(plain(" · ".join([f"{row.created[:10]} {row.created[11:16]} UTC", row.model, *seeds])))
