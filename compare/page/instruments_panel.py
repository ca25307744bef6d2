"""A closer look: the instruments to choose from, and a place for what somebody sees in the pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.instruments import INSTRUMENTS, Examination
from compare.page.worker import Work
from compare.report import sentences
from compare.runs.record import Record
from compare.runs.run import Run
from templates import Language

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

MOST_CHARACTERS = 20_000


def show_closer(
    name: str, record: Record, t: dict[str, Any], language: Language, add: Callable[[Work], None], *, busy: bool
) -> None:
    """The choice of instruments and the field for observations; `add` is called with the work that is asked for."""
    c, state = t["closer"], st.session_state
    found = record.findings
    left = [name for name in INSTRUMENTS if found is None or name not in found.results]
    chips = sentences(language)["instruments"]
    st.subheader(c["title"], anchor=False)
    if left:
        st.caption(c["about"])
        st.pills(
            c["title"],
            left,
            selection_mode="multi",
            key=f"closer-{name}-{language}",
            label_visibility="collapsed",
            format_func=lambda name: chips[name]["chip"],
        )
        st.button(
            c["go"],
            key="closer-go",
            icon=":material/search:",
            on_click=_look,
            args=(name, language, add),
            disabled=busy or not state.get(f"closer-{name}-{language}"),
        )
    words = f"observations-{name}"
    state.setdefault(words, record.observations or "")
    # A form takes what is in the field when its button is pressed; without one, the first click only leaves the field.
    with st.form("observations", border=False):
        st.text_area(c["observations"], key=words, placeholder=c["observations_example"], max_chars=MOST_CHARACTERS)
        st.form_submit_button(
            c["save"],
            key="observations-save",
            icon=":material/edit_note:",
            on_click=_observe,
            args=(name, language, add),
            disabled=busy,
        )
    if record.observations:
        st.caption(c["saved"])


def _look(name: str, language: Language, add: Callable[[Work], None]) -> None:
    wanted = tuple(st.session_state[f"closer-{name}-{language}"])

    def work(session: Session, **how: Any) -> Run:
        return session.examine(name, Examination(instruments=wanted), language=language, **how)

    add(work)


def _observe(name: str, language: Language, add: Callable[[Work], None]) -> None:
    words = st.session_state[f"observations-{name}"]

    def work(session: Session, **how: Any) -> Run:
        return session.examine(name, None, observations=words, language=language, **how)

    add(work)
