"""The screen itself: its three parts."""

from __future__ import annotations

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.homework.checking import show_checking
from compare.page.screens.homework.classroom import show_classroom
from compare.page.screens.homework.making import show_making
from compare.page.widgets.forms.localized_state import kept

_PARTS = {"make": show_making, "check": show_checking, "class": show_classroom}


def show_homework(page: PageContext) -> None:
    h, state = page.t["homework"], st.session_state
    st.header(h["title"], anchor=False)
    state.setdefault("homework-part", "make")
    st.segmented_control(
        h["title"],
        list(_PARTS),
        required=True,
        label_visibility="collapsed",
        format_func=lambda part: h["parts"][part],
        **kept("homework-part", page.language),
    )
    with page.shown():
        _PARTS[state["homework-part"]](page)
