"""The viewer: both pictures of a seed with a line between them, side by side, flickering, or as their difference; zoom
and place are the same for both."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import streamlit as st

_HTML = """
<div class="viewer">
  <div class="bar"><div class="modes" role="radiogroup"></div><div class="zoom" role="group"></div></div>
  <div class="stage">
    <div class="half"><img class="simple" draggable="false"></div>
    <div class="half over"><img class="expanded" draggable="false"></div>
    <span class="tag left" aria-hidden="true"></span><span class="tag right" aria-hidden="true"></span>
    <input type="range" min="0" max="100" step="1" value="50">
    <span class="line" aria-hidden="true"></span>
  </div>
</div>
"""
_FOLDER = Path(__file__).parents[2] / "static" / "pieces"

_mount = st.components.v2.component(
    "twinseed_viewer",
    html=_HTML,
    css=(_FOLDER / "viewer.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "viewer.js").read_text(encoding="utf-8"),
)


def viewer(
    simple: bytes,
    expanded: bytes,
    alts: tuple[str, str],
    report: dict[str, Any],
    v: dict[str, Any],
    seed: int,
    *,
    key: str,
) -> None:
    """Shows the PNG files `simple` and `expanded` in one place. `report` and `v` are the report's sentences and the
    viewer's own, in the language of the page.

    Everything about it stays in the browser: nothing has to be computed anew when the line moves.
    """
    _mount(
        key=key,
        data={
            "simple": _address(simple),
            "expanded": _address(expanded),
            "alts": list(alts),
            "tags": [report["short_arm"]["simple"], report["short_arm"]["expanded"]],
            "label": report["overlay"]["label"].format(seed=seed),
            "position": report["overlay"]["position"],
            "modes": {mode: v[mode] for mode in ("slide", "side", "flicker", "difference")},
            "modesLabel": v["modes"],
            "zoomIn": v["zoom_in"],
            "zoomOut": v["zoom_out"],
            "zoomReset": v["zoom_reset"],
        },
    )


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
