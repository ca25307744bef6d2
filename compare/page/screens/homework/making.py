"""Making a homework: name and table in, pairs, and what comes of them."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from compare.homework.bundle import student_of
from compare.homework.plan import visible_faults
from compare.homework.table import Table, read_table
from compare.page.context import PageContext
from compare.page.screens.homework.assignment import TAKEN, Ended, HomeworkJob
from compare.page.screens.homework.results import show_results
from compare.page.screens.homework.uploads import on_disk
from compare.page.text import plain
from compare.page.typed_key import chosen_for, typed_key
from compare.page.widgets.forms.kept_form import begin_form, held
from compare.page.widgets.forms.own_key import show_own_key
from compare.page.widgets.progress import show_notices, show_progress
from compare.page.widgets.run_titles import run_titles
from compare.page.worker import Ticket
from compare.request import PairOptions
from compare.runs import Wanted
from ideation import TwinseedError

_FIRST = {"student-name": "", "student-number": "", "homework-table": "", "homework-images": 1, TAKEN: []}
#: Rows that are shown of a table before it is made.
MOST_SHOWN = 30
_MAX_IMAGES = 4
#: Pairs to choose from that were there before; older ones are taken from the gallery.
MOST_LISTED = 200


def show_making(page: PageContext) -> None:
    h = page.t["homework"]
    begin_form(page.visitor, "homework", _FIRST)
    st.caption(h["about"])
    left, right = st.columns(2)
    with left:
        st.text_input(h["name"], **held("student-name"), max_chars=80, autocomplete="name")
        with page.shown():
            student_of(st.session_state["student-name"], None)
    with right:
        st.text_input(h["number"], **held("student-number"), max_chars=80)
        with page.shown():
            student_of(None, st.session_state["student-number"])
    st.text_area(h["table"], **held("homework-table"), height=150, placeholder=h["table_example"], help=h["table_help"])
    st.file_uploader(h["file"], ["csv", "xlsx", "txt", "tsv"], key="homework-file")
    with st.container():
        _show_nothing_in_it(page)
    _show_taken(page)
    counts = range(1, _MAX_IMAGES + 1)
    label = page.t["settings"]["images"]
    st.segmented_control(label, counts, **held("homework-images", "default"), required=True, help=h["images_help"])
    with st.container(width="content"):
        show_own_key(page)
    expander = chosen_for("auto")
    names = page.t["settings"]["expanders"]
    st.caption(h["expanded_by"]["offline" if expander == "offline" else "other"].format(name=names[expander]))
    # Never grey for what is typed: whoever presses it is still in the field, and the server has not heard of it yet.
    # What was understood stands below, so that nothing moves when the field is left.
    st.button(
        h["make"],
        key="make-homework",
        type="primary",
        icon=":material/playlist_play:",
        on_click=_make,
        args=(page,),
        disabled=page.busy,
    )
    job = _with_taken(page)
    with page.shown():
        table = _table(page)
        if table is not None and (job is None or job.table.assignments != table.assignments):
            _show_table(table, page)
        if table is not None:
            _checked(table)
    show_notices(page)
    show_progress(page)
    if job is not None and not page.busy and (job.table.assignments or job.taken):
        show_results(page, job)


def _show_nothing_in_it(page: PageContext) -> None:
    """After somebody asked for pictures of no concept, until there is one."""
    state = st.session_state
    if state["homework-table"].strip() or state.get("homework-file") is not None:
        state["homework-asked-in-vain"] = False
    if state.get("homework-asked-in-vain"):
        page.error(TwinseedError("there is no concept in it", hint="write one on each line"))


def _show_taken(page: PageContext) -> None:
    """The pairs that were there before and are to be handed in, by their concepts."""
    h, state = page.t["homework"], st.session_state
    there = run_titles(page.gallery.listing(MOST_LISTED, wanted=Wanted(shelf=page.shelf)).rows)
    if not there and not state[TAKEN]:
        return
    st.multiselect(
        h["taken"],
        list(dict.fromkeys([*there, *state[TAKEN]])),
        format_func=lambda name: there.get(name, name),
        **held(TAKEN, "default"),
        placeholder=h["taken_none"],
        help=h["taken_help"].format(gallery=page.t["gallery"]["title"], take=page.t["gallery"]["to_homework"]),
    )


def _with_taken(page: PageContext) -> HomeworkJob | None:
    """The homework of this browser, with the pairs that were chosen; None where there is nothing in it."""
    state = st.session_state
    job: HomeworkJob | None = page.visitor.homework
    taken = []
    for name in state[TAKEN]:
        with page.shown():  # one that is gone is told of, and left out
            taken.append(Ended(page.open(name).record.concept.text, name, there=True))
    if job is None and taken:
        job = page.visitor.homework = HomeworkJob(Table("", ()), None, page.language)
    if job is not None and not page.busy:
        job.take(tuple(taken))
    return job


def _table(page: PageContext) -> Table | None:
    """The table that was uploaded, else the one that was typed or pasted; None where there is neither. Raises
    `TableError`."""
    state = st.session_state
    usual = PairOptions(
        images=state["homework-images"],
        language=page.language,
        expander="auto" if typed_key() is None else chosen_for("auto"),
    )
    if (upload := state.get("homework-file")) is not None:
        with on_disk([upload]) as (file,):
            return read_table(file, usual)
    typed: str = state["homework-table"]
    if not typed.strip():
        return None
    with TemporaryDirectory(prefix="twinseed-") as folder:  # cells that were copied in a spreadsheet have tabs between
        file = Path(folder, "table.tsv" if "\t" in typed else "table.txt")
        file.write_text(typed, encoding="utf-8")
        return read_table(file, usual)


def _checked(table: Table) -> Table:
    """The table, if nothing is seen to be wrong with it. Raises `TableError`."""
    seen = visible_faults(table.assignments[:MOST_SHOWN], chosen_for)
    table = replace(table, faults=(*table.faults, *seen))
    table.require()
    return table


def _show_table(table: Table, page: PageContext) -> None:
    """What was understood of it, so that a slip is seen before an hour of rendering."""
    h = page.t["homework"]
    st.caption(h["read"].format(count=len(table.assignments)))
    shown = table.assignments[:MOST_SHOWN]
    columns = {"#": [str(number) for number in range(1, len(shown) + 1)]}
    columns[page.t["concept"]] = [one.options.concept or one.options.simple or h["drawn"] for one in shown]
    if any(one.options.seed is not None for one in shown):
        columns[page.t["settings"]["seed"]] = [
            h["any_seed"] if one.options.seed is None else str(one.options.seed) for one in shown
        ]
    if any(one.observations for one in shown):
        columns[page.t["observations"]["label"]] = [one.observations or "" for one in shown]
    rows = "".join(
        f'<tr><th scope="row">{number}</th>{"".join(f"<td>{html.escape(cell)}</td>" for cell in row)}</tr>'
        for number, *row in zip(*columns.values(), strict=True)
    )
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    st.html(
        f'<div class="tw-scroll" tabindex="0"><table class="tw-table tw-settings"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    if len(table.assignments) > len(shown):
        st.caption(h["more_rows"].format(count=len(table.assignments) - len(shown)))
    if any(one.options.seed is None for one in table.assignments):
        st.caption(h["seeds_about"])
    for note in table.notes:
        st.caption(plain(note.told(page.language)))


def _make(page: PageContext) -> None:
    state, h = st.session_state, page.t["homework"]
    try:
        student, table = student_of(state["student-name"], state["student-number"]), _table(page)
        table = None if table is None else _checked(table)
    except TwinseedError:
        page.forget_problem()
        return  # the screen tells it, in its place
    if table is None:
        page.forget_problem()
        state["homework-asked-in-vain"] = True
        return
    ticket = Ticket(h["title"])
    job, before = HomeworkJob(table, student, page.language), page.visitor.homework
    if before is not None and before.student in (None, student):
        job.drafts = before.drafts
    else:
        for key in [key for key in state if str(key).startswith("words-")]:
            del state[key]  # they are those of whoever sat here before
    page.visitor.homework = job
    page.add(job.work(ticket, page.put_on_shelf), ticket.label, ticket)
