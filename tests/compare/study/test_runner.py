"""Going through the units of a study: each once, whatever fails, waits or is killed on the way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sample_study import NOW, sample_plan, sample_scores

from compare.study import Alone, Outcome, StudyError, StudyProgress, Unit
from compare.study.crew.runner import carry_out
from compare.study.store import JOURNAL_FILE, Complaint, Journal, alone_in


class PaperWorker:
    """A worker that makes nothing up but scores; `say` decides what becomes of a unit the n-th time."""

    def __init__(self, say: Callable[[Unit, int], str | float] = lambda unit, times: "done") -> None:
        self.asked: Counter[str] = Counter()
        self._say = say

    def work(self, unit: Unit) -> Outcome:
        self.asked[unit.name] += 1
        said = self._say(unit, self.asked[unit.name])
        outcome = Outcome(unit=unit.name, concept=unit.concept, arm=unit.arm, model=unit.model, status="failed", at=NOW)
        if said == "done":
            scores = sample_scores(unit, np.random.default_rng(1), 0.01)
            return outcome.model_copy(update={"status": "done", "scores": scores})
        if isinstance(said, float):
            return outcome.model_copy(update={"status": "waiting", "wait_s": said})
        complaint = Complaint(kind="RenderError", message=said, stage="render")
        return outcome.model_copy(update={"complaint": complaint})

    def close(self) -> None:
        """Nothing is open."""


def test_every_unit_once_and_called_again_none(tmp_path: Path) -> None:
    plan, worker, seen = sample_plan(4), PaperWorker(), list[StudyProgress]()
    found = carry_out(plan, tmp_path, Alone(worker), on_progress=seen.append)
    assert set(found) == {unit.name for unit in plan.units()} == set(worker.asked)
    assert [now.done for now in seen] == [0, 1, 2, 3, 4]
    assert seen[-1].seconds_left == 0
    assert carry_out(plan, tmp_path, Alone(worker)) == found
    assert set(worker.asked.values()) == {1}


def test_whoever_is_killed_goes_on_behind_the_last_whole_line(tmp_path: Path) -> None:
    plan, worker = sample_plan(4), PaperWorker()

    def stopped(now: StudyProgress) -> None:
        if now.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, tmp_path, Alone(worker), on_progress=stopped)
    journal = tmp_path / JOURNAL_FILE
    journal.write_bytes(journal.read_bytes()[:-40])  # as if in the middle of the second line
    assert len(carry_out(plan, tmp_path, Alone(worker))) == 4
    assert sorted(worker.asked.values()) == [1, 1, 1, 2]
    assert len(Journal(journal).read()) == 4
    assert len(carry_out(plan, tmp_path, Alone(worker))) == 4


def test_what_failed_is_listed_and_tried_again_on_request(tmp_path: Path) -> None:
    plan = sample_plan(4)
    worker = PaperWorker(lambda unit, times: "no memory" if unit.concept == 1 and times == 1 else "done")
    for retry, failed, asked in ((False, 1, 1), (False, 1, 1), (True, 0, 2)):
        found = carry_out(plan, tmp_path, Alone(worker), retry=retry)
        assert sum(one.status == "failed" for one in found.values()) == failed
        assert max(worker.asked.values()) == asked
    (tried,) = (one for one in found.values() if one.concept == 1)
    assert tried.tries == 2


def test_a_quota_holds_up_its_own_arm_alone(tmp_path: Path) -> None:
    plan, slept = sample_plan(3, arms="simple,offline,gemini"), list[float]()
    told, order = list[str](), list[str]()

    def say(unit: Unit, _: int) -> str | float:
        if unit.arm == "gemini" and not told:
            told.append(unit.name)
            return 0.05
        return "done"

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(seconds)

    found = carry_out(
        plan,
        tmp_path,
        Alone(PaperWorker(say), sleep=sleep),
        on_progress=lambda now: order.append(now.last.arm) if now.last is not None else None,
    )
    assert {one.status for one in found.values()} == {"done"}
    assert order[0] == "offline"
    assert order[-1] == "gemini"
    assert sum(slept) <= 0.05


def test_a_quota_that_lasts_too_long_is_left_for_another_time(tmp_path: Path) -> None:
    plan = sample_plan(3, arms="simple,offline,gemini")
    worker = PaperWorker(lambda unit, _: 86_400.0 if unit.arm == "gemini" else "done")
    found = carry_out(plan, tmp_path, Alone(worker, sleep=lambda _: pytest.fail("nobody waits a day")))
    assert Counter(one.status for one in found.values()) == {"done": 3, "waiting": 3}
    assert sum(count for name, count in worker.asked.items() if "gemini" in name) == 1
    assert len(Journal(tmp_path / JOURNAL_FILE).read()) == 3


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).write_text('{"unit": 7}\n')
    with pytest.raises(StudyError, match="line 1 of"):
        carry_out(sample_plan(2), tmp_path, Alone(PaperWorker()))


def test_two_drivers_are_not_at_work_at_once(tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(StudyError, match="another program"), alone_in(tmp_path, 0.01):
        pytest.fail("both are")
