"""The filters: which runs are wanted."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from compare.page.context import PageContext
from compare.page.widgets.forms.localized_state import kept
from compare.report import sentences
from compare.runs import Wanted

CHOICES = ("style", "expander", "model", "verdict", "tag")


def wanted_runs(page: PageContext) -> Wanted:
    """What the widgets ask for now."""
    state = st.session_state
    for name in CHOICES:
        state.setdefault(f"only-{name}", "")
    return Wanted(
        query=state.get("query") or "",
        star=bool(state.get("only-star")),
        shelf=page.shelf,
        **{name: state[f"only-{name}"] or None for name in CHOICES},
    )


def show_filters(page: PageContext, choices: Mapping[str, tuple[str, ...]]) -> None:
    """The search, the star, and behind a button what else runs can be chosen by, of what there is."""
    g, state = page.t["gallery"], st.session_state
    with st.container(horizontal=True, vertical_alignment="center", key="filters"):
        st.text_input(
            g["search"],
            key="query",
            label_visibility="collapsed",
            placeholder=g["search"],
            icon=":material/search:",
            live=True,
            on_change=first_page,
        )
        st.toggle(g["only_star"], key="only-star", on_change=first_page)
        there = [name for name in CHOICES if choices.get(name) or state[f"only-{name}"]]
        count = sum(bool(state[f"only-{name}"]) for name in CHOICES)
        label = g["filters"] if not count else g["filters_set"].format(count=count)
        with st.popover(label, icon=":material/filter_list:", disabled=not there, key="filter-box"):
            for name in there:
                values = dict.fromkeys(["", *choices.get(name, ()), state[f"only-{name}"]])
                st.selectbox(
                    g["by"][name],
                    list(values),
                    format_func=lambda value, name=name: _told(name, value, page),
                    **kept(f"only-{name}", page.language, first_page),
                )


def first_page() -> None:
    st.session_state.searches = st.session_state.get("searches", 0) + 1


def _told(name: str, value: str, page: PageContext) -> str:
    if not value:
        return str(page.t["gallery"]["any"])
    said = sentences(page.language)
    if name == "expander":
        return str(said["report"]["prompts"]["expanders"].get(value, value))
    if name == "verdict":
        return str(said["homework"]["kinds"].get(value, value))
    return value
