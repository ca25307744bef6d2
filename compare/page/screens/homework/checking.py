"""Checking a bundle: whether what was handed in is what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.homework import Bundle, open_bundle
from compare.homework.verification import Again, Verification, verify_bundle
from compare.page.context import PageContext
from compare.page.screens.homework.uploads import MOST_MEGABYTES, on_disk
from compare.page.text import plain
from compare.page.widgets.progress import show_notices, show_progress
from compare.runs import Record, Run
from ideation import Clause

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session


@dataclass(frozen=True)
class Verdict:
    """What is shown of a verification: whether anything is wrong, what was looked at ("" where that says no more), what
    is in the file."""

    name: str
    holds: bool
    summary: str
    contains: str
    #: By the pairs that they are of, "" for those of the whole file.
    faults: dict[str, list[str]]
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
            page.visitor.verdict = _verified(upload, page, None)
    show_notices(page)
    show_progress(page)
    verdict: Verdict | None = page.visitor.verdict
    if verdict is not None and not page.busy:
        _show(verdict, h)


def _work(page: PageContext, upload: Any) -> Callable[..., object]:
    visitor = page.visitor

    def work(session: Session, *, on_progress: Callable[..., None]) -> None:
        visitor.verdict = None
        again = Again(lambda: session, on_progress=on_progress)
        visitor.verdict = _verified(upload, page, again)

    return work


def _verified(upload: Any, page: PageContext, again: Again | None) -> Verdict:
    h, language = page.t["homework"], page.language
    with on_disk([upload]) as (file,), open_bundle(file) as bundle:
        verified = Verification(upload.name, again is not None)
        for one in verify_bundle(bundle, again):
            verified.add(one)
        records = {one.run: run.record for one, run in bundle.runs() if isinstance(run, Run)}
        content = bundle.content
    titles = _titles(records, h)

    def told(run: str | None, words: Clause) -> str:
        said = words.told(language)
        return said if run is None else h["about_run"].format(run=titles.get(run, run), what=said)

    notes = [told(one.run, one.words) for one in verified.findings if not one.is_fault]
    notes += [told(one.run, one.words) for one in verified.pictures if one.outcome != "identical"]
    faults: dict[str, list[str]] = {}
    for one in verified.faults:
        faults.setdefault("" if one.run is None else titles.get(one.run, one.run), []).append(one.words.told(language))
    summary = verified.summary.told(language) if again is not None else ""
    return Verdict(
        upload.name,
        verified.holds,
        h["seen"].format(again=h["check_again"]) if verified.holds and again is None else summary,
        _contents(content, records, h),
        faults,
        tuple(notes),
    )


def _contents(content: Bundle, records: Mapping[str, Record], h: dict[str, Any]) -> str:
    """What is in the file, and whose it is: whoever hands it in sees what they have forgotten."""
    words = sum(bool(record.observations) for record in records.values())
    told = [h["contains"].format(pairs=len(content.runs), words=words)]
    told += [h["contains_failed"].format(failed=len(content.failed))] if content.failed else []
    told += [h["unsigned"] if content.student is None else h["signed"].format(student=content.student.line)]
    return " · ".join(told)


def _titles(records: Mapping[str, Record], h: dict[str, Any]) -> dict[str, str]:
    """What the runs are called here: by their concepts, by their seeds where several have the same one, and by a number
    where that is the same too."""
    often = Counter(record.concept.text for record in records.values())
    titles, seen = {}, Counter[str]()
    for name, record in records.items():
        title = record.concept.text
        if often[title] > 1:
            title = h["with_seed"].format(concept=title, seed=record.settings.seed)
        seen[title] += 1
        titles[name] = title if seen[title] == 1 else f"{title} ({seen[title]})"
    return titles


def _show(verdict: Verdict, h: dict[str, Any]) -> None:
    if verdict.holds:
        box, icon, said = st.success, ":material/verified:", h["holds"]
    else:
        box, icon, said = st.error, ":material/error:", h["faults"].format(count=sum(map(len, verdict.faults.values())))
    told = [
        f"**{plain(h['about_file'].format(name=verdict.name, said=said))}**",
        *([plain(verdict.summary)] if verdict.summary else []),
    ]
    box("\n\n".join(told), icon=icon)
    st.caption(plain(verdict.contains))
    for title, faults in verdict.faults.items():
        lines = [f"**{plain(title)}**\n"] if title else []
        st.markdown("\n".join([*lines, *(f"- {plain(fault)}" for fault in faults)]))
    if verdict.notes:
        with st.expander(h["notes"].format(count=len(verdict.notes)), key="check-notes"):
            for note in verdict.notes:
                st.markdown(f"- {plain(note)}")
