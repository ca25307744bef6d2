"""The page's script, which Streamlit runs from top to bottom after every click."""

from __future__ import annotations

import base64
import html
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from compare.page.form import (
    begin_form,
    draw_concept,
    show_settings,
    show_translation,
    unknown_words,
    unseen_translation,
    work_of_form,
)
from compare.page.gallery import show_history
from compare.page.instruments_panel import show_closer
from compare.page.localized_state import kept
from compare.page.result import show_run
from compare.page.text import plain
from compare.page.worker import Ticket, Work, the_worker
from compare.report import sentences
from compare.runs.gallery import Gallery, usual_folder
from ideation import TwinseedError
from templates import LANGUAGES, Language

FOLDER = Path(__file__).parent
POLL_S = 0.5

logger = logging.getLogger(__name__)


def main() -> None:
    st.set_page_config("Twinseed", str(FOLDER / "static" / "icon.svg"), layout="wide")
    st.html(FOLDER / "static" / "page.css")
    state = st.session_state
    state.setdefault("lang", _first_language())
    state.setdefault("view", "pair")
    begin_form()
    gallery = Gallery(usual_folder())
    t = _header()
    with st.sidebar, _shown():
        show_settings(t, state.lang)
    _ask(t, gallery)
    _answer(t, gallery)


def _first_language() -> Language:
    """The language in the address, else the browser's if we have it, else English."""
    asked = st.query_params.get("lang")
    for language in LANGUAGES:
        if asked == language:
            return language
    return "zh-TW" if (st.context.locale or "").lower().startswith("zh") else "en"


def _header() -> dict[str, Any]:
    """The name of the house and the switch of languages; returns the page's sentences in the one that is chosen."""
    language: Language = st.session_state.lang
    t: dict[str, Any] = sentences(language)["page"]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(f'<p class="tw-brand">{t["brand"]}<span>{html.escape(t["motto"])}</span></p>', width="content")
        st.segmented_control(
            t["language"],
            LANGUAGES,
            key="lang",
            required=True,
            label_visibility="collapsed",
            on_change=_remember_language,
            format_func=lambda name: {"en": "English", "zh-TW": "繁體中文"}[name],
        )
    return t


def _remember_language() -> None:
    """Puts the language into the address by its code: by itself, Streamlit would put its name there."""
    st.query_params["lang"] = st.session_state.lang


def _ask(t: dict[str, Any], gallery: Gallery) -> None:
    """The concept and the two buttons."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom", key="ask"):
        st.text_input(t["concept"], key="concept", placeholder=t["concept_example"])
        st.button(t["draw"], key="draw", icon=":material/casino:", on_click=_draw)
        st.button(
            t["generate"],
            key="generate",
            type="primary",
            shortcut="Mod+Enter",
            on_click=_generate,
            args=(gallery,),
            disabled=state.get("ticket") is not None,
        )
    show_translation(t)
    words = unknown_words()
    if words:
        st.caption(t["unknown"].format(model="Seedling", words=plain(", ".join(words))))


def _answer(t: dict[str, Any], gallery: Gallery) -> None:
    """The job under way, what went wrong, and the run that is looked at; or the earlier ones."""
    state = st.session_state
    ticket: Ticket | None = state.get("ticket")
    if ticket is not None and ticket.done:
        _take(ticket)
    _notices(t)
    with _shown():
        there = gallery.listing(limit=1)
        if there.rows or there.left_out:
            st.segmented_control(
                t["views"]["label"],
                ["pair", "runs"],
                required=True,
                label_visibility="collapsed",
                format_func=lambda view: t["views"][view],
                **kept("view", state.lang),
            )
            if state.view == "runs":
                show_history(gallery, _choose, t, state.lang)
                return
        if ticket is not None:
            st.fragment(_progress, run_every=POLL_S)(ticket, t)
        elif "run" in st.query_params:
            name = st.query_params["run"]
            record = show_run(gallery, name, t, state.lang)
            show_closer(name, record, t, state.lang, lambda work: _add(work, gallery), busy=ticket is not None)
        else:
            st.header(t["welcome"]["title"], anchor=False)
            st.html(f'<p class="tw-welcome">{html.escape(t["welcome"]["about"])}</p>')


def _progress(ticket: Ticket, t: dict[str, Any]) -> None:
    """How far the job is. Asked several times a second while it is under way."""
    if ticket.done:
        st.rerun()
    p, progress, ahead = t["progress"], ticket.progress, the_worker().ahead_of(ticket)
    if ticket.stop.is_set():
        text = p["stopping"]
    elif ahead:
        text = p["waiting"].format(ahead=ahead)
    elif progress is None:
        text = p["start"]
    elif progress.stage == "look":
        chip = sentences(st.session_state.lang)["instruments"].get(progress.detail, {}).get("chip")
        text = p["look"].format(detail=chip or t["closer"]["scores"])
    elif progress.until is not None:
        text = p["wait"].format(detail=progress.detail, time=f"{progress.until.astimezone():%H:%M:%S}")
    elif progress.step is None:
        text = p[progress.stage].format(detail=progress.detail)
    else:
        step = progress.step
        text = p["render" if step.pairs == 1 else "render_many"].format(
            pair=step.pair, pairs=step.pairs, step=step.number, steps=step.steps
        )
    left = ticket.seconds_left
    if left is not None and not ticket.stop.is_set():
        # In steps of ten seconds, and beyond ninety of them in minutes: it is an estimate.
        unit, count = ("seconds", 10 * math.ceil(left / 10)) if left <= 90 else ("minutes", math.ceil(left / 60))
        text = f"{text} · {p['left'][unit].format(count=count)}"
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="progress"):
        st.progress(min(ticket.part, 1.0), plain(text))
        st.button(t["stop"], key="stop", on_click=ticket.cancel, disabled=ticket.stop.is_set())
    if ticket.previews:
        # Inside the page, not as files of the server's: there are several a second, and nobody comes back to them.
        shown = "".join(
            f'<img alt="{html.escape(p["preview"][arm])}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            for arm, png in zip(("simple", "expanded"), ticket.previews, strict=True)
        )
        st.html(f'<div class="tw-preview">{shown}</div>')


def _take(ticket: Ticket) -> None:
    """Takes over what a job that is done has left: its run, and what went wrong."""
    state = st.session_state
    run, problem = ticket.result()
    state.ticket = None
    state.stopped = None
    if run is not None:
        st.query_params["run"] = run.name
    if ticket.stop.is_set() and problem is not None:
        state.stopped = "stopped" if run is None else "stopped_kept"
    else:
        state.problem = problem
        if problem is not None and not isinstance(problem, TwinseedError):
            logger.error("a job failed", exc_info=problem)
        if problem is not None and run is not None:
            state.stopped = "kept"
    st.rerun()  # the button Generate, above, is to be had again


def _notices(t: dict[str, Any]) -> None:
    state = st.session_state
    problem: BaseException | None = state.get("problem")
    if isinstance(problem, TwinseedError):
        _error(problem)
    elif problem is not None:
        st.error(t["broken"])
        if st.get_option("client.showErrorDetails") == "full":
            st.exception(problem)
    if state.get("stopped"):
        st.info(t[state.stopped])


def _generate(gallery: Gallery) -> None:
    if unseen_translation():
        return  # it is shown now, for correction; pressed again, it is drawn
    try:
        _add(work_of_form(st.session_state.lang), gallery)
    except TwinseedError as problem:
        st.session_state.problem, st.session_state.stopped = problem, None


def _add(work: Work, gallery: Gallery) -> None:
    state = st.session_state
    state.problem = state.stopped = None
    state.ticket, state.view = the_worker().add(work, gallery), "pair"


def _draw() -> None:
    st.session_state.problem = st.session_state.stopped = None
    try:
        draw_concept(st.session_state.lang)
    except TwinseedError as problem:
        st.session_state.problem = problem


def _choose(name: str) -> None:
    st.session_state.problem = st.session_state.stopped = None
    st.query_params["run"] = name
    st.session_state.view = "pair"


@contextmanager
def _shown() -> Iterator[None]:
    """Shows a problem that the user can mend, in its place; anything else is Streamlit's to show."""
    try:
        yield
    except TwinseedError as problem:
        _error(problem)


def _error(problem: TwinseedError) -> None:
    st.error("\n\n".join(map(plain, problem.told(st.session_state.lang))), icon=":material/error:")


main()
