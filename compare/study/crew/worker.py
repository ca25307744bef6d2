"""The worker of a study: does one unit at a time with a session that stays open, and can be sent to another process."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from compare.runs import Gallery
from compare.study.design import Unit
from compare.study.judges import Judge, Shown, looks_at_runs, open_judge
from compare.study.scores import UnitScores, scores_of
from compare.study.store import Complaint, Outcome, RunStore
from ideation import ExpanderError, TwinseedError, choose_expander
from ideation.expanders.errors import QuotaExceeded

if TYPE_CHECKING:
    from compare.session import ExpanderChoice, Session

#: So long a quota is waited for where the server does not say how long.
USUAL_WAIT_S = 60.0

logger = logging.getLogger(__name__)


class Worker(Protocol):
    """Does units. Whatever goes wrong with one is its outcome; only Ctrl-C ends the worker."""

    def work(self, unit: Unit) -> Outcome: ...
    def close(self) -> None: ...


class SessionWorker:
    """Renders and measures units; their runs go to the store. `work` is a folder of its own for what is unfinished: a
    unit that was cut off goes on from there. `threads` are torch's on the CPU, None as many as it takes: with another
    number pixels differ in their last digits. Keys come from `environ`; `choose` finds expanders."""

    def __init__(
        self,
        store: RunStore,
        work: Path,
        *,
        judges: Sequence[str] = (),
        threads: int | None = None,
        environ: Mapping[str, str] = os.environ,
        choose: ExpanderChoice | None = None,
    ) -> None:
        self.store, self.folder, self._environ = store, work, environ
        self._threads = threads
        self.judges = tuple(name for name in judges if looks_at_runs(name))
        self._choose = choose or choose_expander
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._session: Session | None = None
        self._judges: dict[str, Judge] = {}

    def work(self, unit: Unit) -> Outcome:
        """What becomes of the unit. What is there already is not made again."""
        begun = time.monotonic()
        stage: Literal["expand", "render", "score"] = "render"
        told: dict[str, Any] = {}
        rendered = False
        try:
            scores = self.store.scores(unit.name)
            if scores is None or not set(self.judges) <= set(scores.judges):
                if not self.store.has_run(unit.name):
                    self._render(unit)
                    rendered = True
                stage = "score"
                scores = self._measure(unit)
                self.store.keep_scores(unit.name, scores)
            told = {"status": "done", "scores": scores}
        except QuotaExceeded as error:
            told = {"status": "waiting", "wait_s": error.retry_after_s or USUAL_WAIT_S}
        except Exception as error:  # one unit that cannot be made must not end a study of thousands
            if not isinstance(error, TwinseedError | OSError):
                logger.warning("the unit %s failed in a way that nobody foresaw", unit.name, exc_info=True)
            told = {"status": "failed", "complaint": complaint_of(error, stage)}
        return Outcome(
            unit=unit.name,
            concept=unit.concept,
            arm=unit.arm,
            model=unit.model,
            at=datetime.now(UTC),
            rendered=rendered,
            worker=self.name,
            seconds=round(time.monotonic() - begun, 3),
            **told,
        )

    def close(self) -> None:
        """Lets go of the models."""
        if self._session is not None:
            self._session.close()
        self._judges.clear()

    def _render(self, unit: Unit) -> None:
        from compare.session import Session, SessionStopped

        if self._session is None:
            if self._threads is not None:
                import torch

                torch.set_num_threads(self._threads)
            self._session = Session(Gallery(self.folder), environ=self._environ, choose=self._choose)
        run = self._session.gallery.finished(unit.request.digest)  # whoever made it was killed before it was taken in
        if run is None:
            try:
                run = self._session.run(unit.request)
            except SessionStopped as stopped:
                raise stopped.reason from stopped
        self.store.keep(unit.name, run)

    def _measure(self, unit: Unit) -> UnitScores:
        with self.store.run(unit.name, self.folder) as run:
            judged = {}
            for name in self.judges:
                if name not in self._judges:
                    allowed = unit.request.allow_pickle
                    self._judges[name] = open_judge(name, self._environ, allow_pickle=allowed)
                judged[name] = self._judges[name].judge(Shown(run, unit.include))
            return scores_of(run, judged)


def done_before(unit: Unit, scores: UnitScores, at: datetime) -> Outcome:
    """The outcome of a unit of which the scores alone are left."""
    return Outcome(
        unit=unit.name, concept=unit.concept, arm=unit.arm, model=unit.model, status="done", at=at, scores=scores
    )


def complaint_of(error: BaseException, stage: Literal["expand", "render", "score"]) -> Complaint:
    """The error as a study keeps it. No value of the environment is in it: errors of ours have none."""
    if isinstance(error, TwinseedError):
        of = "expand" if isinstance(error, ExpanderError) else stage
        return Complaint(kind=type(error).__name__, message=str(error.message), hint=str(error.hint), stage=of)
    return Complaint(kind=type(error).__name__, message=str(error)[:500], stage=stage)
