"""The homework of one browser: its table, how far it is, and what came of each concept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from compare.homework.bundle import Student
from compare.homework.table import Table
from compare.homework.words import authors_of, keep_words
from compare.page.worker import Ticket
from compare.runs import Gallery, Run
from ideation import TwinseedError
from templates import Language

if TYPE_CHECKING:  # torch comes along with a batch, and the page is up long before it
    from compare.homework.batch import BatchProgress, Outcome
    from compare.session import Session

#: The value of the form that names the pairs which were there before and are to be handed in.
TAKEN = "homework-taken"


@dataclass(frozen=True)
class Ended:
    """What came of one concept: the name of its run, or why there is none, or why it is not whole. `there`: it was
    finished before."""

    concept: str
    run: str | None
    reason: TwinseedError | None = None
    there: bool = False


@dataclass
class HomeworkJob:
    """A table that the worker does, to be looked at from other threads."""

    table: Table
    student: Student | None
    language: Language
    ended: list[Ended] = field(default_factory=list)
    outcome: Outcome | None = None
    #: Pairs that were there before, to be handed in with those of the table.
    taken: tuple[Ended, ...] = ()
    #: What is typed about runs, by their names, and is not in their reports yet.
    drafts: dict[str, str] = field(default_factory=dict)
    #: Whether all that was typed is in the reports.
    ready: bool = False

    @property
    def made(self) -> list[Ended]:
        """Those of which there are pictures: of the table, and then what was taken."""
        of_table = [one for one in self.ended if one.run is not None]
        names = {one.run for one in of_table}
        return [*of_table, *(one for one in self.taken if one.run not in names)]

    def take(self, taken: tuple[Ended, ...]) -> None:
        """Hands these in as well, and no others that were there before."""
        if [one.run for one in taken] != [one.run for one in self.taken]:
            self.taken, self.ready = taken, False

    def work(self, ticket: Ticket, on_run: Callable[[str], None]) -> Callable[..., object]:
        """The table as work for the worker; `on_run` hears the name of each run."""

        def work(session: Session, *, on_progress: Callable[..., None]) -> None:
            from compare.homework.batch import Batch, BatchStopped
            from compare.homework.plan import plan_of
            from compare.session import Progress, SessionStopped

            plan = plan_of(self.table, session.gallery, session.check, self.student)

            def hear(now: BatchProgress) -> None:
                if now.ended is not None:
                    self._end(now, on_run)
                elif now.pair is None:
                    ticket.begin_row(now.number, now.count)
                    on_progress(Progress("next", now.concept))
                else:
                    on_progress(now.pair)

            try:
                self.outcome = Batch(session, plan.tasks).run(hear)
            except BatchStopped as stopped:
                self.outcome = stopped.outcome
                if made := stopped.outcome.runs:
                    raise SessionStopped(made[-1], stopped.reason) from stopped
                raise stopped.reason from stopped

        return work

    def bundle(self, gallery: Gallery) -> bytes:
        """The file to hand in, with the runs as they are now. Raises as `write_bundle` does."""
        from compare.homework.batch import Outcome

        outcome = self.outcome or Outcome()
        more = [gallery.open(one.run) for one in self.taken if one.run is not None]
        if not outcome.runs and not more:
            raise TwinseedError("nothing is finished yet", hint="make the pairs first")
        newest = replace(
            outcome,
            done=tuple(replace(one, run=gallery.open(one.run.name)) for one in outcome.done),
            failed=tuple(
                one if one.run is None else replace(one, run=gallery.open(one.run.name)) for one in outcome.failed
            ),
        )
        with TemporaryDirectory(prefix="twinseed-") as folder:
            file = Path(folder, "homework.zip")
            newest.hand_in(file, student=self.student, language=self.language, now=datetime.now(UTC), more=more)
            return file.read_bytes()

    def words(self, run: Run) -> str:
        """What the student has written about a run; what somebody else wrote is not for them. Raises `KeptError`."""
        words = run.record.observations or ""
        found = [(run.record.request.digest, words)] if words else []
        authors = authors_of(run.folder.parent, found, self.student)
        return "" if any(one.kind == "other" for one in authors) else words

    def keep_words(self, run: Run, words: str) -> None:
        """Notes that the student writes this about a run. Raises `KeptError`."""
        keep_words(run.folder.parent, [(run.record.request.digest, words)], self.student)

    def _end(self, now: BatchProgress, on_run: Callable[[str], None]) -> None:
        one: Any = now.ended
        name = None if one.run is None else str(one.run.name)
        if name is not None:
            on_run(name)
        self.ended.append(Ended(now.concept, name, getattr(one, "reason", None), getattr(one, "there", False)))
