"""The batch: all rows of a table done one after the other, what is there already left alone.

One concept that fails does not end it. Whatever stops it, killed or not, the same call goes on where it was: finished
runs are found by the digest of what was asked for, unfinished ones are gone on with.
"""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from compare.homework.bundle import Bundle, FailedConcept, Student, write_bundle
from compare.homework.plan import Task
from compare.homework.words import authors_of, with_own_words
from compare.request import PairRequest
from compare.runs import CannotWrite, Run, text_without_folders
from compare.session import Progress, Session, SessionStopped
from generate.render.batch import RenderCancelled
from ideation import Clause, TwinseedError
from ideation.expanders.errors import MissingKey, QuotaExceeded, RefusedKey, UnknownLLMModel
from templates import Language

#: How long is waited where a server that wants no more requests does not say until when; each time twice as long.
FIRST_WAIT_S = 30.0
#: Whoever says that it takes longer means another day.
LONGEST_WAIT_S = 3600.0
#: So often in a row is one concept tried again.
MAX_WAITS = 6

_NOT_YOURS = (
    "{place}: somebody else wrote the words that are kept with these pictures: they are left out; "
    "observations of your own are handed in"
)
_KEPT = "{place}: the words on it are those kept with the run since {date}; new observations replace them"
_KEPT_OF_UNKNOWN = (
    "{place}: the words on it were given outside of a homework, and are handed in; new observations replace them"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """A row with the run that answers it, `there` if that was finished before."""

    task: Task
    run: Run
    there: bool


@dataclass(frozen=True)
class Failed:
    """A row that could not be done, or not all of it; `run` is what of it is finished."""

    task: Task
    reason: TwinseedError
    run: Run | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a table so far, in the order of its rows."""

    done: tuple[Done, ...] = ()
    failed: tuple[Failed, ...] = ()

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs there are, those of which something is missing too."""
        return tuple(one.run for one in self._in_order if one.run is not None)

    @property
    def _in_order(self) -> list[Done | Failed]:
        return sorted((*self.done, *self.failed), key=lambda one: one.task.assignment.line)

    def hand_in(
        self,
        path: Path,
        *,
        student: Student | None,
        language: Language,
        pdf: bool = False,
        now: datetime | None = None,
        more: Sequence[Run] = (),
    ) -> HandedIn:
        """Writes the bundle of all runs and of `more`, with the concepts that failed; of a run that somebody else has
        written about, without their words. Raises as `write_bundle` and `authors_of` do."""
        failed = [
            FailedConcept(
                concept=one.task.request.concept.text,
                reason=text_without_folders(one.reason.message),
                command=text_without_folders(shlex.join(one.task.command)),
                line=one.task.line,
            )
            for one in self.failed
        ]
        created = (now or datetime.now(UTC)).replace(microsecond=0)
        runs, notes = self._with_own_words(student)
        names = {run.name for run in runs}
        runs = (*runs, *with_own_words([run for run in more if run.name not in names], student))
        bundle = write_bundle(path, runs, student=student, language=language, created=created, failed=failed, pdf=pdf)
        return HandedIn(bundle, notes)

    def _with_own_words(self, student: Student | None) -> tuple[tuple[Run, ...], tuple[Clause, ...]]:
        """The runs, without the words of others, and notes on words that were not given for this table."""
        ended = [(one.task, one.run) for one in self._in_order if one.run is not None]
        found = [(task, run.record.observations) for task, run in ended if run.record.observations]
        runs, notes = {task.request.digest: run for task, run in ended}, []
        if not found:
            return tuple(runs.values()), ()
        root = ended[0][1].folder.parent
        authors = authors_of(root, [(task.request.digest, words) for task, words in found], student)
        for (task, words), author in zip(found, authors, strict=True):
            if author.kind == "other":
                run = runs[task.request.digest]
                record = run.record.model_copy(update={"observations": None})
                runs[task.request.digest] = replace(run, record=record)
                notes.append(Clause(_NOT_YOURS, place=task.place))
            elif words.strip() == (task.assignment.observations or "").strip():
                continue
            elif author.since is not None:
                notes.append(Clause(_KEPT, place=task.place, date=f"{author.since:%Y-%m-%d}"))
            else:
                notes.append(Clause(_KEPT_OF_UNKNOWN, place=task.place))
        return tuple(runs.values()), tuple(notes)


@dataclass(frozen=True)
class HandedIn:
    """The bundle that was written, and notes on it for the user."""

    bundle: Bundle
    notes: tuple[Clause, ...]


class BatchStopped(Exception):
    """A batch that ended early, for `reason`; what was finished by then is in `outcome`."""

    def __init__(self, outcome: Outcome, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.outcome, self.reason = outcome, reason


@dataclass(frozen=True)
class BatchProgress:
    """Row `number` of `count`, from 1, is at work on `concept`.

    `pair` says how far that row is, or until when a server wants no more requests; `seconds_left` how long all the rest
    may take, once something was rendered; `ended` what has just come of the row.
    """

    number: int
    count: int
    concept: str
    pair: Progress | None = None
    seconds_left: float | None = None
    ended: Done | Failed | None = None


OnBatchProgress = Callable[[BatchProgress], None]


@dataclass
class Batch:
    """The tasks of a plan, to be done in `session`. `sleep` waits so many seconds."""

    session: Session
    tasks: Sequence[Task]
    sleep: Callable[[float], None] = time.sleep
    _pace: _Pace = field(init=False)
    #: Whoever is not to be asked any more, by expander and model, and why.
    _ended: dict[tuple[str, str | None], TwinseedError] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._pace = _Pace(self.tasks)

    def run(self, on_progress: OnBatchProgress) -> Outcome:
        """Does all tasks. Raises `BatchStopped` where somebody wants it to end, or nothing more can be written."""
        outcome = Outcome()
        for number, task in enumerate(self.tasks, start=1):
            now = BatchProgress(number, len(self.tasks), task.request.concept.text)
            try:
                on_progress(replace(now, seconds_left=self._pace.left))
                ended = self._do(task, now, on_progress)
                outcome = (
                    replace(outcome, done=(*outcome.done, ended))
                    if isinstance(ended, Done)
                    else replace(outcome, failed=(*outcome.failed, ended))
                )
                self._pace.end(task)
                on_progress(replace(now, seconds_left=self._pace.left, ended=ended))
            except (KeyboardInterrupt, RenderCancelled, CannotWrite) as reason:
                raise BatchStopped(outcome, reason) from reason
        return outcome

    def _do(self, task: Task, now: BatchProgress, on_progress: OnBatchProgress) -> Done | Failed:
        """One task; what goes wrong with it alone is its own affair."""
        made: Run | None = None
        for waits in range(MAX_WAITS + 1):
            try:
                there = self.session.gallery.finished(task.request.digest)
                if there is not None:
                    return Done(task, self._reworded(there, task), there=True)
                if (ended := self._ended_expander(task)) is not None:
                    return Failed(task, ended)
                return Done(task, self._run(task, now, on_progress), there=False)
            except SessionStopped as stopped:
                made, reason = stopped.run, stopped.reason
            except Exception as error:  # noqa: BLE001 - the other concepts can do nothing for it
                reason = error
            if isinstance(reason, RenderCancelled | CannotWrite) or not isinstance(reason, Exception):
                raise reason
            told = _told(task, reason)
            wait_s = _wait_s(told, waits)
            if wait_s is None:
                if made is None:  # it was asked for prompts, and not what it sees
                    self._end_expander(task, told)
                return Failed(task, told, made)
            self._wait(wait_s, told, now, on_progress)
        raise AssertionError("the last wait is none")

    def _run(self, task: Task, now: BatchProgress, on_progress: OnBatchProgress) -> Run:
        def on_pair(progress: Progress) -> None:
            self._pace.hear(task, progress)
            on_progress(replace(now, pair=progress, seconds_left=self._pace.left))

        return self.session.run(task.request, observations=task.assignment.observations, on_progress=on_pair)

    def _reworded(self, run: Run, task: Task) -> Run:
        """The run that is there, with the words and in the language that are asked for now."""
        words = task.assignment.observations
        if words in (None, run.record.observations) and task.request.language == run.record.request.language:
            return run
        return self.session.examine(run.name, None, observations=words, language=task.request.language)

    def _ended_expander(self, task: Task) -> TwinseedError | None:
        """What its expander said last, if there is no use in asking it once more and it would be asked."""
        if not _asks(task.request) or self.session.gallery.unfinished(task.request.digest) is not None:
            return None
        return self._ended.get((task.request.expander, task.request.llm_model))

    def _end_expander(self, task: Task, reason: TwinseedError) -> None:
        if isinstance(reason, QuotaExceeded | RefusedKey | MissingKey | UnknownLLMModel) and _asks(task.request):
            self._ended[task.request.expander, task.request.llm_model] = reason

    def _wait(self, seconds: float, reason: TwinseedError, now: BatchProgress, on_progress: OnBatchProgress) -> None:
        """Waits, and lets whoever watches know each second, and end it."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        waiting = Progress("wait", reason.message, until=until)
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            on_progress(replace(now, pair=waiting, seconds_left=self._pace.left))
            self.sleep(min(left, 1.0))


def _asks(request: PairRequest) -> bool:
    """Whether somebody has to write prompts for it."""
    return request.simple is None or request.expanded is None


def _told(task: Task, reason: Exception) -> TwinseedError:
    """An error for people; what a library raised is a fault of ours, whose trace goes to the log."""
    if isinstance(reason, TwinseedError):
        return reason
    logger.error("what went wrong with %s", task.place, exc_info=reason)
    return TwinseedError(
        "the program failed: {error!r}", hint="this is a fault of the program: please report it", error=reason
    )


def _wait_s(reason: TwinseedError, waits: int) -> float | None:
    """How long to wait before the same is tried once more; None where that is of no use."""
    if not isinstance(reason, QuotaExceeded) or reason.spent or waits == MAX_WAITS:
        return None
    seconds = reason.retry_after_s if reason.retry_after_s is not None else FIRST_WAIT_S * 2**waits
    return None if seconds > LONGEST_WAIT_S else seconds


class _Pace:
    """How much is rendered, and how long that took: by that, how long the rest will take."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._left = {task.request.digest: _weight(task.request) for task in tasks}
        self._rendered = 0.0
        self._seconds = 0.0
        self._last: float | None = None

    def hear(self, task: Task, progress: Progress) -> None:
        """Counts the steps of rendering and the time that goes by, but for the opening of models."""
        now = time.monotonic()
        if self._last is not None:
            self._seconds += now - self._last
        self._last = None if progress.stage == "open" else now
        step = progress.step
        if step is not None and progress.stage == "render":
            whole, all_steps = _weight(task.request), step.pairs * step.steps
            self._rendered += whole / all_steps
            self._left[task.request.digest] = whole * (1 - ((step.pair - 1) * step.steps + step.number) / all_steps)

    def end(self, task: Task) -> None:
        """Nothing is left of a task, whatever came of it."""
        self._last = None
        self._left[task.request.digest] = 0.0

    @property
    def left(self) -> float | None:
        """Seconds; None before anything was rendered."""
        if not self._rendered:
            return None
        return sum(self._left.values()) * self._seconds / self._rendered


def _weight(request: PairRequest) -> float:
    """How long a request takes beside others: its steps, over all its seeds and pixels."""
    settings = request.settings
    pixels = (settings.width or 0) * (settings.height or 0) or 512 * 512
    return float(settings.images * settings.num_inference_steps * pixels)
