"""The ballot: two pictures without a name, and three answers, by click, by key or by swiping."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_STATIC = Path(__file__).parents[2] / "static" / "pieces"

_mount = st.components.v2.component(
    "twinseed_ballot",
    html=(
        '<div class="ballot"><button type="button" class="left"><img></button>'
        '<button type="button" class="right"><img></button></div><div class="answers"></div><p class="keys"></p>'
    ),
    css=(_STATIC / "ballot.css").read_text(encoding="utf-8"),
    js=(_STATIC / "ballot.js").read_text(encoding="utf-8"),
)


def ballot(left: bytes, right: bytes, b: dict[str, Any], *, number: int, on_choice: Callable[[Any], None]) -> None:
    """Shows two PNG files; `on_choice` is called with "left", "tie" or "right". `b` are the blind test's sentences."""
    key = "ballot"
    _mount(
        key=key,
        data={
            "number": number,
            "left": f"data:image/png;base64,{base64.b64encode(left).decode()}",
            "right": f"data:image/png;base64,{base64.b64encode(right).decode()}",
            "labels": {name: b[name] for name in ("left", "tie", "right", "keys")},
        },
        on_choice_change=lambda: on_choice(st.session_state[key]["choice"]),
    )
