"""Scrolling: what has just been made comes into view where it was asked for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component(
    "twinseed_scroll",
    html="<span class='here'></span>",
    js=(Path(__file__).parents[2] / "static" / "pieces" / "scroll.js").read_text(encoding="utf-8"),
)


def scroll_here(what: str, *, within: float = 0.0) -> None:
    """Brings this place into view, once for each `what`, but where it is `within` that share of the window already."""
    _mount(key=f"scroll-{what}", data={"what": what, "within": within})
