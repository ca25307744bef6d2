"""Forms that are found again: after a change of screens, of which Streamlit forgets what is not shown, and after a
reload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from compare.page.visitor import Visitor


def put_into_form(visitor: Visitor, form: str, **values: Any) -> None:
    """Puts values into a form of another screen, which finds them there."""
    state, key = st.session_state, f"form-{form}"
    state[key] = visitor.forms[form] = {**(state.get(key) or visitor.forms.get(form, {})), **values}


def begin_form(visitor: Visitor, form: str, first: Mapping[str, Any]) -> None:
    """Gives every widget of a form its value: the one that it has, else what was in it when this browser was last here,
    else its `first` one. Comes before any of them is made, and keeps them all for the next time."""
    state, key = st.session_state, f"form-{form}"
    before = state.get(key) or visitor.forms.get(form, {})
    for name, value in first.items():
        if name not in state:
            state[name] = before.get(name, value)
    state[key] = visitor.forms[form] = {name: state[name] for name in first}
