"""Forms that are found again: after a change of screens, of which Streamlit forgets what is not shown, and after a
reload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

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


def held(name: str, as_: Literal["value", "default"] = "value") -> dict[str, Any]:
    """The arguments of a widget that holds `st.session_state[name]`; choices call their first value `default`.

    The value goes along as the widget's first one with every run of the script. What is only put into the state goes
    with the first run alone, and a browser that has not drawn the widget by the second one, as somebody has clicked on
    something else while the page was loading, would answer with an empty field.
    """
    return {"key": name, as_: st.session_state[name]}


def held_number(name: str, least: float, most: float) -> dict[str, Any]:
    """The same of a number that has to be there: a field that has a first value cannot be emptied."""
    value = st.session_state[name]
    return {"key": name, "value": value if value is not None and least <= value <= most else None}
