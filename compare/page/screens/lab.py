"""The lab: what can be found out about a run by rendering more of it, one question at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.instruments import INSTRUMENTS, Examination
from compare.page.context import PageContext
from compare.page.text import plain
from compare.page.widgets.in_browser.address import name_in_address
from compare.page.widgets.in_browser.scroll import scroll_here
from compare.page.widgets.in_browser.viewer import viewer
from compare.page.widgets.progress import show_notices, show_progress
from compare.page.widgets.run_titles import run_titles
from compare.page.widgets.sections import OPEN, show_sections
from compare.report import sentences
from compare.runs import Wanted
from compare.runs.record import Record
from compare.runs.run import Run
from ideation import TwinseedError

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

#: Runs to choose from; whoever looks for an older one comes here from the gallery.
MOST_RUNS = 50


def show_lab(page: PageContext) -> None:
    t = page.t["lab"]
    st.header(t["title"], anchor=False)
    st.caption(t["about"])
    name = _chosen_run(page)
    if name is None:
        st.info(t["no_runs"], icon=":material/info:")
        return
    with page.shown():
        run = page.open(name)
        record = run.record
        pictures, questions = st.columns([2, 3], gap="large")
        with pictures:
            _show_run(page, run)
        with questions:
            _show_instruments(page, name, record)
        show_notices(page)
        show_progress(page)
        _show_results(page, name, record)


def _chosen_run(page: PageContext) -> str | None:
    """The run in the address, else the newest; another can be chosen."""
    rows = page.gallery.listing(MOST_RUNS, wanted=Wanted(shelf=page.shelf)).rows
    asked = st.query_params.get("run")
    names = run_titles(rows)
    if asked is not None:
        names.setdefault(asked, asked)
    if not names:
        return None
    if asked is None:
        asked = next(iter(names))
        name_in_address("lab", asked)
    st.session_state["lab-run"] = asked
    chosen: str = st.selectbox(
        page.t["lab"]["run"], list(names), format_func=names.__getitem__, key="lab-run", on_change=_choose
    )
    return chosen


def _choose() -> None:
    st.query_params["run"] = st.session_state["lab-run"]


def _show_run(page: PageContext, run: Run) -> None:
    """Its first pair, small: what is looked into."""
    record, pictures = run.record, run.files()
    report = sentences(page.language)["report"]
    seed = record.seeds[0]
    both = record.pair(seed)
    alts = [
        report["alt"].format(arm=report["short_arm"][one.arm], seed=seed, prompt=getattr(record.prompts, one.arm))
        for one in both
    ]
    viewer(
        pictures[both[0].file],
        pictures[both[1].file],
        (alts[0], alts[1]),
        report,
        page.t["viewer"],
        seed,
        key=f"lab-viewer-{run.name}",
    )


def _show_instruments(page: PageContext, name: str, record: Record) -> None:
    """Each question that has not been asked yet, with the time that its answer will take."""
    t, chips = page.t["lab"], sentences(page.language)["instruments"]
    found = record.findings
    left = [one for one in INSTRUMENTS if found is None or one not in found.results]
    if not left:
        st.caption(t["all_asked"])
        return
    key = f"lab-{name}"
    st.subheader(t["ask"], anchor=False)
    with st.container(key="questions", gap="xsmall"):
        for one in left:
            seconds = _seconds(one, record)
            time = t["no_time"] if not seconds else _duration(seconds, t)
            st.checkbox(f"{plain(chips[one]['chip'])} :small[:gray[{plain(time)}]]", key=f"{key}-{one}")
    wanted = tuple(one for one in left if st.session_state.get(f"{key}-{one}"))
    st.button(
        t["go"] if not wanted else t["go_for"].format(time=_duration(sum(_seconds(one, record) for one in wanted), t)),
        key="lab-go",
        type="primary",
        icon=":material/search:",
        on_click=_look,
        args=(page, name, record.concept.text, wanted),
        disabled=page.busy or not wanted,
    )


def _seconds(instrument: str, record: Record) -> float:
    """About how long it will take, by what the run's own steps took; loading a model comes on top."""
    one, settings = INSTRUMENTS[instrument], record.settings
    spent = sum(render.seconds for render in record.renders)
    try:
        steps = one.steps(one.options(), record.prompts, settings)
    except TwinseedError:  # it has nothing to look at here, and says so when it is asked
        return 0.0
    return steps * spent / (len(record.seeds) * settings.num_inference_steps)


def _duration(seconds: float, t: dict[str, Any]) -> str:
    unit, count = ("seconds", max(1, math.ceil(seconds))) if seconds <= 90 else ("minutes", math.ceil(seconds / 60))
    return str(t["time"][unit].format(count=count))


def _look(page: PageContext, name: str, label: str, wanted: tuple[str, ...]) -> None:
    language = page.language

    def work(session: Session, **how: Any) -> Run:
        return session.examine(name, Examination(instruments=wanted), language=language, **how)

    st.session_state.lab_asked = (name, wanted)
    page.add(work, label)


def _show_results(page: PageContext, name: str, record: Record) -> None:
    """What was asked last, open and scrolled to; then all that was found before."""
    findings = record.findings
    asked_of, asked = st.session_state.get("lab_asked", ("", ()))
    new = tuple(one for one in asked if asked_of == name and findings is not None and one in findings.results)
    if new and not page.busy:
        scroll_here(f"{name} {' '.join(new)}")
    show_sections(page.gallery, name, record, page.language, new, opened=True)
    show_sections(
        page.gallery, name, record, page.language, tuple(one for one in (*OPEN, *INSTRUMENTS) if one not in new)
    )
