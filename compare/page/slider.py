"""The slider: one picture over the other, with a line between them that the mouse, a finger or the arrow keys move."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import streamlit as st

_HTML = """
<div class="stage">
  <img class="simple" alt=""><img class="expanded" alt="">
  <span class="tag left" aria-hidden="true"></span><span class="tag right" aria-hidden="true"></span>
  <input type="range" min="0" max="100" step="1" value="50">
  <span class="line" aria-hidden="true"></span>
</div>
"""
_FOLDER = Path(__file__).parent / "static"

_mount = st.components.v2.component(
    "twinseed_slider",
    html=_HTML,
    css=(_FOLDER / "slider.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "slider.js").read_text(encoding="utf-8"),
)


def slider(simple: bytes, expanded: bytes, sentences: dict[str, Any], seed: int, *, key: str) -> None:
    """Lays the PNG file `expanded` over `simple`. `sentences` is the report's table, in the language of the page.

    The position of the line stays in the browser: nothing has to be computed anew when it moves.
    """
    _mount(
        key=key,
        data={
            "simple": _address(simple),
            "expanded": _address(expanded),
            "tags": [sentences["short_arm"]["simple"], sentences["short_arm"]["expanded"]],
            "label": sentences["overlay"]["label"].format(seed=seed),
            "position": sentences["overlay"]["position"],
        },
    )


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
