"""Checking a bundle: whether what was handed in is what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.homework import open_bundle
from compare.homework.verification import Again, Verification, verify_bundle
from compare.page.context import PageContext
from compare.page.screens.homework.uploads import MOST_MEGABYTES, on_disk
from compare.page.text import plain
from compare.page.widgets.progress import show_notices, show_progress
from templates import Language

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session


@dataclass(frozen=True)
class Verdict:
    """What is shown of a verification."""

    name: str
    holds: bool
    summary: str
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def show_checking(page: PageContext) -> None:
    h, state = page.t["homework"], st.session_state
    st.caption(h["check_about"])
    upload = st.file_uploader(h["check_file"], ["zip"], key="check-file", max_upload_size=MOST_MEGABYTES)
    st.toggle(h["check_again"], key="check-again", help=h["check_again_help"])
    pressed = st.button(
        h["check"], key="check", type="primary", icon=":material/verified:", disabled=page.busy or upload is None
    )
    if pressed and upload is not None:
        state.verdict = None
        if state["check-again"]:
            page.add(_work(page, upload), h["parts"]["check"])
            st.rerun()
        with page.telling(), st.spinner(h["checking"]):
            page.visitor.verdict = _verified(upload, page.language, None)
    show_notices(page)
    show_progress(page)
    verdict: Verdict | None = page.visitor.verdict
    if verdict is not None and not page.busy:
        _show(verdict, h)


def _work(page: PageContext, upload: Any) -> Callable[..., object]:
    language, visitor = page.language, page.visitor

    def work(session: Session, *, on_progress: Callable[..., None]) -> None:
        visitor.verdict = None
        again = Again(lambda: session, on_progress=on_progress)
        visitor.verdict = _verified(upload, language, again)

    return work


def _verified(upload: Any, language: Language, again: Again | None) -> Verdict:
    with on_disk([upload]) as (file,), open_bundle(file) as bundle:
        verified = Verification(upload.name, again is not None)
        for one in verify_bundle(bundle, again):
            verified.add(one)
    findings = verified.findings
    rounding = [one for one in verified.pictures if one.outcome != "identical"]
    return Verdict(
        upload.name,
        verified.holds,
        verified.summary.told(language),
        tuple(one.told(language) for one in findings if one.is_fault),
        tuple(one.told(language) for one in findings if not one.is_fault)
        + tuple(f"{one.run}: {one.words.told(language)}" for one in rounding),
    )


def _show(verdict: Verdict, h: dict[str, Any]) -> None:
    box, icon = (st.success, ":material/verified:") if verdict.holds else (st.error, ":material/error:")
    box(plain(f"{verdict.name}: {verdict.summary}"), icon=icon)
    for fault in verdict.faults:
        st.markdown(f"- {plain(fault)}")
    if verdict.notes:
        with st.expander(h["notes"].format(count=len(verdict.notes)), key="check-notes"):
            for note in verdict.notes:
                st.markdown(f"- {plain(note)}")
