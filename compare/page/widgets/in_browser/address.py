"""The address of a screen: it names the run that is shown, so that it can be sent and reloaded."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component(
    "twinseed_address",
    html="<span hidden></span>",
    js=(Path(__file__).parents[2] / "static" / "pieces" / "address.js").read_text(encoding="utf-8"),
)


def name_in_address(screen: str, run: str) -> None:
    """Puts the run into the address of the screen, where none is named.

    Not with `st.query_params`: what is written there becomes one more address of the browser's history, so that
    whoever goes back to the one before it is brought forward again and never gets any further.
    """
    _mount(key=f"address-{screen}", data={"screen": screen, "run": run})
