"""The student's words: what somebody sees in the pictures, kept with the run and told in its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.page.context import PageContext
from compare.page.widgets.forms.kept_form import held
from compare.runs.record import Record
from compare.runs.run import Run

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

MOST_CHARACTERS = 20_000


def show_observations(page: PageContext, name: str, record: Record) -> None:
    """A field for what somebody sees in the run `name`, with the words that are there."""
    o, words = page.t["observations"], f"observations-{name}"
    st.session_state.setdefault(words, record.observations or "")
    # A form takes what is in the field when its button is pressed; without one, the first click only leaves the field.
    with st.form("observations", border=False):
        st.text_area(o["label"], **held(words), placeholder=o["example"], max_chars=MOST_CHARACTERS)
        st.form_submit_button(
            o["save"],
            key="observations-save",
            icon=":material/edit_note:",
            on_click=_observe,
            args=(page, name, record.concept.text),
            disabled=page.busy,
        )
    if record.observations:
        st.caption(o["saved"])


def _observe(page: PageContext, name: str, label: str) -> None:
    words, language = st.session_state[f"observations-{name}"], page.language

    def work(session: Session, **how: Any) -> Run:
        return session.examine(name, None, observations=words, language=language, **how)

    page.add(work, label)
