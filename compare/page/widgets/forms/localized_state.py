"""Choices that outlive a change of language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def kept(name: str, language: str, then: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """The arguments of a widget whose choices have translated labels: its value is `st.session_state[name]`, in every
    language; `then` is called when somebody changes it.

    Browser and server tell each other choices by their labels, so a widget that is asked in one language and answers
    in another would answer with a label that is no choice any more. Each language has its own widget instead.
    """
    key = f"{name}-{language}"
    st.session_state[key] = st.session_state[name]
    return {"key": key, "on_change": _keep, "args": (name, key, then)}


def _keep(name: str, key: str, then: Callable[[], None]) -> None:
    st.session_state[name] = st.session_state[key]
    then()
