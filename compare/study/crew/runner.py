"""The runner of a study: hands units to whoever does the work, writes down what became of each, and goes on where it
was stopped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from compare.study.crew.worker import Worker
from compare.study.design import Plan, Unit
from compare.study.judges import looks_at_runs
from compare.study.store import JOURNAL_FILE, Journal, Outcome

#: So often all that wait are tried in vain before the study ends without them.
MOST_PUT_OFF = 3
#: Longer than this nobody waits for a quota: the study ends, and goes on when it is called again.
LONGEST_WAIT_S = 900.0


@dataclass(frozen=True)
class StudyProgress:
    """Where a study is: units that are `done` (or there already), `failed` and to do in all, and about how many seconds
    are left, None while nobody knows. `last` is what was just finished."""

    done: int
    failed: int
    total: int
    seconds_left: float | None
    last: Outcome | None = None


OnProgress = Callable[[StudyProgress], None]


class Crew(Protocol):
    """Whoever does the work. `outcomes` yields one for each unit, in any order, and takes units only as fast as they
    are done."""

    def outcomes(self, units: Iterator[Unit]) -> Iterator[Outcome]: ...


class Alone:
    """A crew of one worker in this process. Units that a quota put off are tried again when the others are done;
    meanwhile those of the same arm wait with them."""

    def __init__(self, worker: Worker, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._worker, self._sleep = worker, sleep

    def outcomes(self, units: Iterator[Unit]) -> Iterator[Outcome]:
        waiting = Waiting()
        for unit in units:
            if not waiting.puts_off(unit):
                outcome = self._worker.work(unit)
                if not waiting.takes(unit, outcome):
                    yield outcome
        while waiting.units:
            pause = waiting.pause_s()
            if pause > LONGEST_WAIT_S or waiting.rounds >= MOST_PUT_OFF:
                yield from waiting.given_up()
                return
            self._sleep(pause)
            for unit in waiting.next_round():
                if not waiting.puts_off(unit):
                    outcome = self._worker.work(unit)
                    if not waiting.takes(unit, outcome):
                        yield outcome


class Waiting:
    """The units that wait for a quota, by arm: while one of an arm waits, the others need not ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}
        self._told: dict[str, Outcome] = {}
        self.units: deque[Unit] = deque()
        self.rounds = 0

    def puts_off(self, unit: Unit) -> bool:
        """Whether the unit has to wait because its arm does."""
        if self._until.get(unit.arm, 0.0) <= self._clock():
            return False
        self.units.append(unit)
        return True

    def takes(self, unit: Unit, outcome: Outcome) -> bool:
        """Whether the unit has to wait because of what it was told."""
        if outcome.status != "waiting":
            self.rounds = 0  # it goes on
            return False
        self._until[unit.arm] = self._clock() + (outcome.wait_s or 0.0)
        self._told[unit.arm] = outcome
        self.units.append(unit)
        return True

    def pause_s(self) -> float:
        """How long until the first arm may go on."""
        return max(0.0, min(self._until[unit.arm] for unit in self.units) - self._clock())

    def next_round(self) -> tuple[Unit, ...]:
        """All that wait, which may be tried once more."""
        self.rounds += 1
        units = tuple(self.units)
        self.units.clear()
        return units

    def given_up(self) -> Iterator[Outcome]:
        """What became of those for which nobody waits any longer."""
        for unit in self.next_round():
            told = self._told[unit.arm]
            yield told.model_copy(update={"unit": unit.name, "concept": unit.concept, "model": unit.model})


def carry_out(
    plan: Plan,
    folder: Path,
    crew: Crew,
    *,
    retry: bool = False,
    on_progress: OnProgress = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Outcome]:
    """Has the crew do every unit that is not done yet, and returns the outcome of each by the unit's name.

    An outcome is in the journal before the next one is looked at, so whoever stops this loses nothing. Units that
    failed before are left alone unless `retry`; those that wait for a quota are tried again. Raises `OSError` where
    the journal cannot be written.
    """
    journal = Journal(folder / JOURNAL_FILE)
    known = journal.read()
    total = len(plan.concepts) * len(plan.models) * len(plan.arms)
    counts = {"done": 0, "failed": 0}
    found: dict[str, Outcome] = {}

    def left() -> Iterator[Unit]:
        for unit in plan.units():
            before = known.get(unit.name)
            if before is None or (before.status == "failed" and retry) or not _measured(before, plan):
                yield unit
            else:
                found[unit.name] = before
                counts[before.status] += 1

    begun, made = clock(), 0
    on_progress(StudyProgress(0, 0, total, None))
    for outcome in crew.outcomes(left()):
        before = known.get(outcome.unit)
        if before is not None and before.status == "failed":
            outcome = outcome.model_copy(update={"tries": before.tries + outcome.tries})
        found[outcome.unit] = outcome
        if outcome.status == "waiting":
            continue
        journal.add(outcome)
        counts[outcome.status] += 1
        made += 1
        open_units = total - counts["done"] - counts["failed"]
        on_progress(
            StudyProgress(counts["done"], counts["failed"], total, (clock() - begun) / made * open_units, outcome)
        )
    return found


def _measured(outcome: Outcome, plan: Plan) -> bool:
    """Whether all judges of the plan have looked, where there is something to look at."""
    wanted = {judge for judge in plan.judges if looks_at_runs(judge)}
    return outcome.scores is None or wanted <= set(outcome.scores.judges)
