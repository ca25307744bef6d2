"""The worker: one thread that does one job at a time, for everybody who has the page open."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from io import BytesIO
from threading import Event, Lock
from typing import TYPE_CHECKING

from PIL import Image

from compare.runs.gallery import Gallery
from compare.runs.run import Run
from ideation import TwinseedError

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Progress, Session


#: What a ticket is for: it gets the session, and `on_progress` by name, and returns the run that came of it, if any.
Work = Callable[..., object]

#: Seconds between two previews: each takes a moment of the rendering's own thread.
PREVIEW_EVERY_S = 0.7
_PREVIEW_SIDE = 320
#: Before this much of a stage is done, nothing is said of the time that is left.
LEAST_PART, LEAST_SECONDS = 0.02, 2.0
#: How far a job is when a stage ends, 0 to 1. Of closer looks there may be several: each takes half of what is left.
_ENDS = {"next": 0.0, "open": 0.08, "expand": 0.12, "wait": 0.12, "render": 0.85, "look": 0.97, "write": 1.0}
#: Half of the share for loading is gone after so many seconds: nobody can tell how long a disk takes.
_LOADING_S = 8.0


class Ticket:
    """One job in the queue, to be looked at from other threads. `label` says what it is for. `progress` is None until
    the model's libraries are loaded; `previews` are PNG files of the simple and the expanded picture as they are at
    that step."""

    def __init__(self, label: str = "") -> None:
        self.label = label
        #: When it was asked for, in seconds since 1970.
        self.asked = time.time()
        self.progress: Progress | None = None
        #: How far the stage is, 0 to 1, and the second of the monotonic clock when it was begun.
        self.part, self.since = 0.0, time.monotonic()
        self.previews: tuple[bytes, ...] = ()
        self._share = (0.0, _ENDS["open"])  # of the whole job, where the stage begins and where it ends
        #: Which of how many pairs it is at, where it makes several, one after the other.
        self.row = (1, 1)
        self._begun_at: float | None = None
        self.stop = Event()
        self.future: Future[object] = Future()

    @property
    def done(self) -> bool:
        return self.future.done()

    def hear(self, progress: Progress) -> None:
        """Takes down how far the job is."""
        before, step = self.progress, progress.step
        if before is None or (before.stage, before.detail) != (progress.stage, progress.detail):
            begins, ends = self._share_of_row, _ENDS[progress.stage]
            self._share = begins, max(begins, (begins + ends) / 2 if progress.stage == "look" else ends)
            self.since = time.monotonic()
        self.part = 0.0 if step is None else ((step.pair - 1) * step.steps + step.number) / (step.pairs * step.steps)
        self.progress = progress

    def begin_row(self, number: int, count: int) -> None:
        """The next of several pairs, from 1; what is told of a stage is told of this one."""
        self.row, self._share, self.part, self.since = (number, count), (0.0, _ENDS["open"]), 0.0, time.monotonic()
        self.progress, self.previews = None, ()

    def begin(self) -> None:
        self._begun_at = self.since = time.monotonic()

    @property
    def begun(self) -> bool:
        return self._begun_at is not None

    @property
    def share(self) -> float:
        """How far the whole job is, 0 to 1: a bar that is drawn by this never runs backward."""
        number, count = self.row
        return (number - 1 + self._share_of_row) / count

    @property
    def _share_of_row(self) -> float:
        begins, ends = self._share
        loading = self.progress is None or self.progress.stage == "open"
        spent = self.seconds_spent
        return begins + (ends - begins) * (spent / (spent + _LOADING_S) if loading else min(self.part, 1.0))

    @property
    def seconds_spent(self) -> float:
        """How long the stage has taken so far."""
        return time.monotonic() - self.since if self.begun else 0.0

    @property
    def seconds_left(self) -> float | None:
        """About how long the stage will take to its end, once there is something to tell that from."""
        spent = time.monotonic() - self.since
        return spent * (1 - self.part) / self.part if self.part >= LEAST_PART and spent >= LEAST_SECONDS else None

    def cancel(self) -> None:
        """Takes the job out of the queue, or has it stop at its next step. What was finished by then is kept."""
        self.stop.set()
        self.future.cancel()

    def result(self) -> tuple[Run | None, BaseException | None]:
        """Of a job that is done: its run, if one was written, and what ended it early, if anything did."""
        if self.future.cancelled():
            return None, TwinseedError("stopped before it began", hint="press Generate to try again")
        problem = self.future.exception()
        if problem is None:
            made = self.future.result()
            return (made if isinstance(made, Run) else None), None
        from compare.session import SessionStopped

        return (problem.run, problem.reason) if isinstance(problem, SessionStopped) else (None, problem)


class Worker:
    """Does jobs in the order in which they come. The model of the last job stays open for the next one."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="twinseed")
        self._lock = Lock()
        self._tickets: list[Ticket] = []
        self._session: Session | None = None

    def add(self, work: Work, gallery: Gallery, ticket: Ticket | None = None) -> Ticket:
        """Puts work in the queue, under that ticket or a new one. It is done in the worker's thread, where torch may be
        imported."""
        ticket = ticket or Ticket()
        with self._lock:
            self._tickets = [other for other in self._tickets if not other.done] + [ticket]
            ticket.future = self._thread.submit(self._do, ticket, work, gallery)
        return ticket

    def ahead_of(self, ticket: Ticket) -> int:
        """How many jobs have to end before this one begins."""
        with self._lock:
            if ticket.begun or ticket not in self._tickets:
                return 0
            return sum(not other.done for other in self._tickets[: self._tickets.index(ticket)])

    def close(self) -> None:
        """Stops every job at its next step and waits until what was finished is written."""
        with self._lock:
            for ticket in self._tickets:
                ticket.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _do(self, ticket: Ticket, work: Work, gallery: Gallery) -> object:
        ticket.begin()
        from generate.render.batch import RenderCancelled

        looked = 0.0

        def on_progress(progress: Progress) -> None:
            nonlocal looked
            ticket.hear(progress)
            if progress.stage == "render" and progress.step and time.monotonic() - looked > PREVIEW_EVERY_S:
                ticket.previews = tuple(map(_small_png, progress.step.preview()))
                looked = time.monotonic()
            if ticket.stop.is_set() and progress.stage != "write":  # what is finished must still be written
                raise RenderCancelled("stopped, as you asked", hint="press Generate to try again")

        try:
            return work(self._session_of(gallery), on_progress=on_progress)
        except BaseException as problem:
            _let_go(problem)
            raise

    def _session_of(self, gallery: Gallery) -> Session:
        from compare.session import Session

        if self._session is None:
            self._session = Session(gallery)
        self._session.gallery = gallery
        return self._session


def _let_go(problem: BaseException | None) -> None:
    """Lets go of what the functions held that ended with it: it is shown for as long as somebody's page is open, and
    the pictures and tensors of a job that was too large are needed by the next one."""
    while problem is not None:
        traceback.clear_frames(problem.__traceback__)
        problem = problem.__cause__ or problem.__context__


def _small_png(image: Image.Image) -> bytes:
    file = BytesIO()
    image.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


@lru_cache(maxsize=1)
def the_worker() -> Worker:
    """The one of this server. Not in Streamlit's cache: that is cleared from the page's menu, with a job under way."""
    return Worker()
