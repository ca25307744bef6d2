"""Making a homework: name and table in, pairs and words, one file out."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.homework.bundle import student_of
from compare.homework.plan import visible_faults
from compare.homework.table import Table, read_table
from compare.page.context import PageContext
from compare.page.screens.homework.assignment import Ended, HomeworkJob
from compare.page.screens.homework.uploads import on_disk
from compare.page.text import plain
from compare.page.typed_key import chosen_for, typed_key
from compare.page.widgets.kept_form import begin_form
from compare.page.widgets.own_key import show_own_key
from compare.page.widgets.progress import show_notices, show_progress
from compare.page.widgets.thumbnails import thumbnail
from compare.page.worker import Ticket
from compare.report import sentences
from compare.request import PairOptions
from compare.runs import Run
from ideation import Clause, TwinseedError

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

_FIRST = {"student-name": "", "student-number": "", "homework-table": "", "homework-images": 1}
#: Rows that are shown of a table before it is made.
MOST_SHOWN = 30
_WORDS = 20_000
_MAX_IMAGES = 4


def show_making(page: PageContext) -> None:
    h = page.t["homework"]
    begin_form(page.visitor, "homework", _FIRST)
    st.caption(h["about"])
    left, right = st.columns(2)
    with left:
        st.text_input(h["name"], key="student-name", max_chars=80, autocomplete="name")
        with page.shown():
            student_of(st.session_state["student-name"], None)
    with right:
        st.text_input(h["number"], key="student-number", max_chars=80)
        with page.shown():
            student_of(None, st.session_state["student-number"])
    st.text_area(h["table"], key="homework-table", height=150, placeholder=h["table_example"], help=h["table_help"])
    upload = st.file_uploader(h["file"], ["csv", "xlsx", "txt", "tsv"], key="homework-file")
    counts = range(1, _MAX_IMAGES + 1)
    label = page.t["settings"]["images"]
    st.segmented_control(label, counts, key="homework-images", required=True, help=h["images_help"])
    key = typed_key()
    usual = PairOptions(
        images=st.session_state["homework-images"],
        language=page.language,
        expander=chosen_for("auto") if key is not None else "auto",
    )
    with st.container(width="content"):
        show_own_key(page)
    table: Table | None = None
    with page.shown():
        table = _table(upload, usual)
        if table is not None:
            _show_table(table, page)
            table = replace(table, faults=(*table.faults, *visible_faults(table.assignments[:MOST_SHOWN], chosen_for)))
            table.require()
    st.button(
        h["make"],
        key="make-homework",
        type="primary",
        icon=":material/playlist_play:",
        on_click=_make,
        args=(page, table),
        disabled=page.busy or table is None or bool(table.faults),
    )
    show_notices(page)
    show_progress(page)
    job: HomeworkJob | None = page.visitor.homework
    if job is not None and not page.busy:
        _show_results(page, job)


def _table(upload: Any, usual: PairOptions) -> Table | None:
    """The table that was uploaded, else the one that was typed or pasted. Raises `TableError`."""
    if upload is not None:
        with on_disk([upload]) as (file,):
            return read_table(file, usual)
    typed: str = st.session_state["homework-table"]
    if not typed.strip():
        return None
    with TemporaryDirectory(prefix="twinseed-") as folder:  # cells that were copied in a spreadsheet have tabs between
        file = Path(folder, "table.tsv" if "\t" in typed else "table.txt")
        file.write_text(typed, encoding="utf-8")
        return read_table(file, usual)


def _show_table(table: Table, page: PageContext) -> None:
    """What was understood of it, so that a slip is seen before an hour of rendering."""
    h = page.t["homework"]
    st.caption(h["read"].format(count=len(table.assignments)))
    cells = [
        (
            one.options.concept or one.options.simple or h["drawn"],
            h["any_seed"] if one.options.seed is None else str(one.options.seed),
            one.observations or "",
        )
        for one in table.assignments[:MOST_SHOWN]
    ]
    rows = "".join(
        f'<tr><th scope="row">{number}</th>{"".join(f"<td>{html.escape(cell)}</td>" for cell in row)}</tr>'
        for number, row in enumerate(cells, start=1)
    )
    heads = ("#", page.t["concept"], page.t["settings"]["seed"], page.t["observations"]["label"])
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    st.html(
        f'<div class="tw-scroll" tabindex="0"><table class="tw-table tw-settings"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    for note in table.notes:
        st.caption(plain(note.told(page.language)))


def _make(page: PageContext, table: Table) -> None:
    state = st.session_state
    with page.telling():
        student = student_of(state["student-name"], state["student-number"])
        ticket = Ticket(page.t["homework"]["title"])
        job, before = HomeworkJob(table, student, page.language), page.visitor.homework
        if before is not None and before.student != student:
            for key in [key for key in state if str(key).startswith("words-")]:
                del state[key]  # they are those of whoever sat here before
        page.visitor.homework = job
        page.add(job.work(ticket, page.put_on_shelf), ticket.label, ticket)


def _show_results(page: PageContext, job: HomeworkJob) -> None:
    """Each concept with its pictures and a place for what is seen in them, and the file to hand in."""
    h = page.t["homework"]
    failed = [one for one in job.ended if one.reason is not None]
    made = [one for one in job.ended if one.run is not None]
    st.subheader(h["results"].format(made=len(made), count=len(job.table.assignments)), anchor=False)
    for one in failed:
        if one.reason is not None:
            message, hint = one.reason.told(page.language)
            st.warning(plain(f"{one.concept}: {message} ({hint})"), icon=":material/error:")
    if not made:
        return
    with st.form("homework-words", border=False):
        for one in made:
            _show_one(page, job, one)
        st.form_submit_button(
            h["save"], icon=":material/edit_note:", on_click=_save, args=(page, job, made), disabled=page.busy
        )
    number = job.student.number if job.student is not None else None
    ending = f"-{number}" if number and re.fullmatch(r"[\w-]{1,40}", number) else ""
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


def _show_one(page: PageContext, job: HomeworkJob, one: Ended) -> None:
    name = one.run or ""

    def told(fault: Clause) -> str:
        return str(fault.told(page.language))

    try:
        run = page.open(name)
        written = job.words(run)
    except TwinseedError as problem:
        page.error(problem)
        return
    arms = sentences(page.language)["report"]["short_arm"]
    pictures, words = st.columns([1, 2], gap="medium")
    shown = "".join(
        f'<img alt="{html.escape(arms[picture.arm])}" src="{small.address}">'
        if (small := thumbnail(run.folder / picture.file, told)).address
        else f"<p>{html.escape(small.fault)}</p>"
        for picture in run.record.pair(run.record.seeds[0])
    )
    pictures.html(f'<div class="tw-pair">{shown}</div>')
    key = f"words-{name}"
    if key not in st.session_state:
        st.session_state[key] = written
    if run.record.observations and not written:
        words.caption(page.t["homework"]["others_words"])
    words.text_area(one.concept, key=key, placeholder=page.t["observations"]["example"], max_chars=_WORDS, height=100)


def _save(page: PageContext, job: HomeworkJob, made: list[Ended]) -> None:
    """Puts all words that are new into their reports."""
    state, language = st.session_state, page.language
    words = {one.run: state[f"words-{one.run}"] for one in made if f"words-{one.run}" in state and one.run is not None}

    def work(session: Session, **how: Any) -> Run | None:
        run = None
        for name, said in words.items():
            there = session.gallery.open(name)
            if job.words(there) != said.strip():
                job.keep_words(there, said)
                run = session.examine(name, None, observations=said, language=language, **how)
        return run

    page.add(work, page.t["homework"]["title"])
