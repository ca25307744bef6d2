"""The progress: how far this browser's job is, on whatever screen it looks at, and what became of it."""

from __future__ import annotations

import base64
import html
import logging
import math

import streamlit as st

from compare.page.context import PageContext
from compare.page.text import plain
from compare.page.widgets.in_browser.scroll import scroll_here
from compare.page.worker import Ticket, the_worker
from compare.report import sentences
from ideation import TwinseedError

POLL_S = 0.5
#: Where the bar stands above that share of the window, there is room for the pictures below it.
_HIGH_ENOUGH = 0.5

logger = logging.getLogger(__name__)


def take_finished_job(page: PageContext) -> str | None:
    """Takes over what a job that is done has left: what went wrong is kept to be shown, its run is returned by name.

    Whoever was away hears of it: a job goes on when its tab is closed.
    """
    ticket = page.visitor.job
    if ticket is None or not ticket.done:
        return None
    state = st.session_state
    run, problem = ticket.result()
    state.just_made = None if run is None else (run.name, ticket.asked)
    page.visitor.seen, state.stopped = True, None
    if ticket.stop.is_set() and problem is not None:
        state.problem, state.stopped = None, "stopped" if run is None else "stopped_kept"
    else:
        state.problem = problem
        if problem is not None and not isinstance(problem, TwinseedError):
            logger.error("a job failed", exc_info=problem)
        if problem is not None and run is not None:
            state.stopped = "kept"
        if problem is None and state.get("waited_for") is not ticket:
            st.toast(plain(page.t["finished"].format(label=ticket.label)), icon=":material/check:")
    return None if run is None else run.name


def show_notices(page: PageContext) -> None:
    """What went wrong last, until something else is done."""
    state = st.session_state
    problem: BaseException | None = state.get("problem")
    if isinstance(problem, TwinseedError):
        page.error(problem)
    elif problem is not None:
        st.error(page.t["broken"])
        if st.get_option("client.showErrorDetails") == "full":
            st.exception(problem)
    if state.get("stopped"):
        st.info(page.t[state.stopped])


def show_progress(page: PageContext) -> None:
    """The job under way, looked at several times a second; nothing where there is none."""
    ticket = page.visitor.job
    if ticket is not None:
        st.session_state.waited_for = ticket
        scroll_here(f"job {ticket.asked}", within=_HIGH_ENOUGH)
        st.fragment(_progress, run_every=POLL_S)(ticket, page)


def _progress(ticket: Ticket, page: PageContext) -> None:
    if ticket.done:
        st.rerun()
    t = page.t
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="progress"):
        st.progress(min(ticket.share, 1.0), plain(_told(ticket, page)))
        st.button(t["stop"], key="stop", on_click=ticket.cancel, disabled=ticket.stop.is_set())
    if ticket.previews:
        # Inside the page, not as files of the server's: there are several a second, and nobody comes back to them.
        shown = "".join(
            f'<figure><img alt="{html.escape(t["progress"]["preview"][arm])}" '
            f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            f"<figcaption>{html.escape(sentences(page.language)['report']['short_arm'][arm])}</figcaption></figure>"
            for arm, png in zip(("simple", "expanded"), ticket.previews, strict=False)  # arms in turn begin one by one
        )
        st.html(f'<div class="tw-preview">{shown}</div>')


def _told(ticket: Ticket, page: PageContext) -> str:
    """How far the job is, in words, with the time that is left once that can be told."""
    p, progress, ahead = page.t["progress"], ticket.progress, the_worker().ahead_of(ticket)
    if ticket.stop.is_set():
        return str(p["stopping"])
    if ahead:
        return str(p["waiting"].format(ahead=ahead))
    if progress is None:
        text = p["start"].format(seconds=round(ticket.seconds_spent))
    elif progress.stage == "open":
        text = p["open"].format(detail=progress.detail, seconds=round(ticket.seconds_spent))
    elif progress.stage == "look":
        chip = sentences(page.language)["instruments"].get(progress.detail, {}).get("chip")
        text = p["look"].format(detail=chip or page.t["lab"]["scores"])
    elif progress.until is not None:
        text = p["wait"].format(detail=progress.detail, time=f"{progress.until.astimezone():%H:%M:%S}")
    elif progress.step is None:
        text = p[progress.stage].format(detail=progress.detail)
    else:
        step = progress.step
        text = p["render" if step.pairs == 1 else "render_many"].format(
            pair=step.pair, pairs=step.pairs, step=step.number, steps=step.steps
        )
    number, count = ticket.row
    if count > 1:
        text = f"{p['row'].format(number=number, count=count)} · {text}"
    left = ticket.seconds_left
    if not left:
        return str(text)
    # In steps of ten seconds, and beyond ninety of them in minutes: it is an estimate.
    unit, count = ("seconds", 10 * math.ceil(left / 10)) if left <= 90 else ("minutes", math.ceil(left / 60))
    return f"{text} · {p['left'][unit].format(count=count)}"
