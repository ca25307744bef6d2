"""Drawings: small SVG files of the house, with words in the reader's language and the colours of the page."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from string import Template

import streamlit as st

_STATIC = Path(__file__).parents[2] / "static"

_mount = st.components.v2.component(
    "twinseed_drawing",
    html='<div class="drawing"></div>',
    css=(_STATIC / "pieces" / "drawing.css").read_text(encoding="utf-8"),
    js=(_STATIC / "pieces" / "drawing.js").read_text(encoding="utf-8"),
)


def drawing(file: str, words: Mapping[str, str]) -> None:
    """Shows the drawing `file` of the static folder with `words` in their places; `alt` says it for who cannot see."""
    template = Template((_STATIC / file).read_text(encoding="utf-8"))
    svg = template.substitute({name: html.escape(word) for name, word in words.items()})
    _mount(key=f"drawing-{file}", data={"svg": svg})
