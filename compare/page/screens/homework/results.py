"""The results of a homework: each pair with a place for what is seen in it, and the file to hand in.

While there is anything to type, nothing can be taken home; and while there is something to take home, nothing can be
typed: so the file has all the words that its screen shows.
"""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.homework import BundleError, student_of
from compare.page.context import PageContext
from compare.page.screens.homework.assignment import Ended, HomeworkJob
from compare.page.text import plain
from compare.page.widgets.forms.kept_form import held
from compare.page.widgets.in_browser.thumbnails import thumbnail
from compare.page.widgets.in_browser.viewer import viewer
from compare.page.widgets.marked import marked_html
from compare.page.widgets.observations import MOST_CHARACTERS
from compare.report import sentences
from compare.runs import Run
from compare.runs.record import Record
from compare.view import marked_prompt, unseen_note, verdict_of
from generate.picture import ARMS
from ideation import Clause, TwinseedError, told
from ideation.english import diff

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session


def show_results(page: PageContext, job: HomeworkJob) -> None:
    """Each concept with its pictures and the student's words, and then what is to be done with them."""
    h, state = page.t["homework"], st.session_state
    if job.student is None or not job.table.assignments:  # who writes their name later on has meant the same homework
        with contextlib.suppress(BundleError):  # which is told at the field
            job.student = student_of(state["student-name"], state["student-number"])
    made, undone = job.made, len(job.table.assignments) - sum(one.run is not None for one in job.ended)
    whole = sum(one.reason is None for one in made)
    st.subheader(h["results"].format(made=whole, count=len(made) + undone), anchor=False)
    for one in job.ended:
        if one.reason is not None:
            message, hint = one.reason.told(page.language)
            st.warning(plain(f"{one.concept}: {message} ({hint})"), icon=":material/error:")
    if undone or any(one.reason is not None for one in made):
        st.caption(h["go_on"].format(make=h["make"]))
    words = [_show_one(page, job, one) for one in made]
    if made:
        _show_taking(page, job, words) if job.ready else _show_writing(page, job, made)


def _show_writing(page: PageContext, job: HomeworkJob, made: list[Ended]) -> None:
    h = page.t["homework"]
    st.button(
        h["save"],
        key="homework-save",
        type="primary",
        icon=":material/edit_note:",
        on_click=_save,
        args=(page, job, made),
        disabled=page.busy,
    )
    st.caption(h["save_about"])


def _show_taking(page: PageContext, job: HomeworkJob, words: Sequence[str]) -> None:
    """The file to hand in, and what is in it."""
    h, written = page.t["homework"], sum(map(bool, words))
    missing = len(words) - written
    st.success(h["saved"].format(words=written, pairs=len(words)), icon=":material/check:")
    if missing:
        st.warning(h["words_missing"].format(missing=missing, edit=h["edit"]), icon=":material/edit_off:")
    _show_signature(page, job)
    number = job.student.number if job.student is not None else None
    ending = f"-{number}" if number and re.fullmatch(r"[\w-]{1,40}", number) else ""
    with st.container(horizontal=True):
        st.download_button(
            h["bundle"],
            lambda: job.bundle(page.gallery),
            f"homework{ending}.zip",
            "application/zip",
            key="homework-bundle",
            type="primary",
            icon=":material/folder_zip:",
            help=h["bundle_help"],
            on_click="ignore",
        )
        st.button(h["edit"], key="homework-edit", icon=":material/edit:", on_click=_edit, args=(job,))


def _show_signature(page: PageContext, job: HomeworkJob) -> None:
    h, state = page.t["homework"], st.session_state
    if job.student is None:
        st.warning(h["nobody"], icon=":material/person_off:")
        return
    st.caption(plain(h["signed"].format(student=job.student.line)))
    with contextlib.suppress(BundleError):
        if student_of(state["student-name"], state["student-number"]) != job.student:
            st.warning(plain(h["signed_otherwise"].format(make=h["make"])), icon=":material/person_alert:")


def _show_one(page: PageContext, job: HomeworkJob, one: Ended) -> str:
    """One pair; the words of the student that are in its report are returned."""
    h, name = page.t["homework"], one.run or ""
    report = sentences(page.language)["report"]
    with st.container(border=True, key=f"homework-pair-{name}"):
        st.markdown(f"**{plain(one.concept)}**")
        try:
            run = page.open(name)
            written = job.words(run)
        except TwinseedError as problem:
            page.error(problem)
            return ""
        record = run.record
        pictures, about = st.columns([2, 3], gap="medium")
        with pictures:
            _show_pictures(page, run, report)
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                if st.button(h["enlarge"], key=f"enlarge-{name}", icon=":material/zoom_in:", type="tertiary"):
                    st.dialog(one.concept[:80], width="medium")(_enlarge)(page, run, report)
                st.page_link(
                    page.screens["pair"],
                    label=h["open"],
                    icon=":material/open_in_new:",
                    query_params={"run": name, "lang": page.language},
                )
        with about:
            _show_prompts(record, report, page)
        if job.ready:
            said = f'<blockquote class="tw-words" dir="auto">{html.escape(written)}</blockquote>'
            st.html(said) if written else st.caption(h["no_words"])
            return written
        if record.observations and not written:
            st.caption(h["others_words"])
        st.session_state.setdefault(f"words-{name}", job.drafts.get(name, written))
        _show_field(page, job, name)
    return written


def _show_field(page: PageContext, job: HomeworkJob, name: str) -> None:
    o, key = page.t["observations"], f"words-{name}"

    def keep() -> None:
        job.drafts[name] = st.session_state[key]

    st.text_area(
        o["label"], **held(key), placeholder=o["example"], max_chars=MOST_CHARACTERS, height=100, on_change=keep
    )


def _show_pictures(page: PageContext, run: Run, report: dict[str, Any]) -> None:
    def said(fault: Clause) -> str:
        return str(fault.told(page.language))

    shown = ""
    for picture in run.record.pair(run.record.seeds[0]):
        arm, small = html.escape(report["short_arm"][picture.arm]), thumbnail(run.folder / picture.file, said)
        inside = f'<img alt="{arm}" src="{small.address}">' if small.address else f"<p>{html.escape(small.fault)}</p>"
        shown += f"<figure>{inside}<figcaption>{arm}</figcaption></figure>"
    st.html(f'<div class="tw-preview">{shown}</div>')


def _enlarge(page: PageContext, run: Run, report: dict[str, Any]) -> None:
    """All pictures of the run in their full size, to be compared."""
    with page.shown():
        files = run.files()
        for seed in run.record.seeds:
            simple, expanded = run.record.pair(seed)
            arms = (report["short_arm"]["simple"], report["short_arm"]["expanded"])
            if len(run.record.seeds) > 1:
                st.html(f'<p class="tw-seed">{html.escape(page.t["result"]["seed"].format(seed=seed))}</p>')
            key = f"enlarged-{run.name}-{seed}"
            viewer(files[simple.file], files[expanded.file], arms, report, page.t["viewer"], seed, key=key)


def _show_prompts(record: Record, report: dict[str, Any], page: PageContext) -> None:
    """Both prompts with the words that were added, the verdict on them, and what the model could not have known."""
    prompts = record.prompts
    pieces = diff(prompts.simple, prompts.expanded)
    for arm in ARMS:
        stretches = marked_prompt(pieces, arm, prompts.tokens.dropped_of(arm))
        marked = marked_html(stretches, report, language=page.language)
        st.html(f'<p class="tw-arm">{html.escape(report["arm"][arm])}</p>{marked}')
    if verdict := verdict_of(record, page.language):
        st.html(f'<p class="tw-arm">{html.escape(report["verdict"]["title"])}</p>')
        st.markdown(plain(verdict))
    unseen = unseen_note(prompts, report)
    for note in [*([unseen] if unseen else []), *(told(warning, page.language) for warning in prompts.warnings)]:
        st.caption(plain(note))


def _edit(job: HomeworkJob) -> None:
    job.ready = False


def _save(page: PageContext, job: HomeworkJob, made: list[Ended]) -> None:
    """Puts all words that are new into their reports; then there is something to hand in."""
    state, language = st.session_state, page.language
    job.drafts |= {one.run: state[key] for one in made if one.run and (key := f"words-{one.run}") in state}
    words = dict(job.drafts)

    def work(session: Session, **how: Any) -> Run | None:
        run = None
        for name, said in words.items():
            there = session.gallery.open(name)
            if job.words(there) != said.strip():
                job.keep_words(there, said)
                run = session.examine(name, None, observations=said, language=language, **how)
        job.drafts, job.ready = {}, True
        return run

    page.add(work, page.t["homework"]["title"])
