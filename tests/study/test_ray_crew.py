"""Workers through Ray that die: their units are done again, and one that always kills its worker is set aside. With
real pictures, whole nodes and drivers, `benchmarks/scale.py deaths` does the same."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sample_study import NOW, sample_plan

from compare.study import Outcome, StudyError, Unit
from compare.study.ray_crew import RayCrew
from compare.study.runner import carry_out
from compare.study.store import JOURNAL_FILE

slow = pytest.mark.skipif(not os.environ.get("TWINSEED_SLOW_TESTS"), reason="TWINSEED_SLOW_TESTS=1 starts Ray")


@dataclass(frozen=True)
class Mortal:
    """A worker, and whoever hires it: dies on concept 3 always, and on concept 5 the first time."""

    seen: str

    def __call__(self, number: int, writer: Any) -> Mortal:
        return self

    def work(self, unit: Unit) -> Outcome:
        if unit.concept == 3:
            os._exit(1)
        mark = Path(self.seen) / unit.name
        if unit.concept == 5 and not mark.exists():
            mark.touch()
            os._exit(1)
        return Outcome(unit=unit.name, concept=unit.concept, arm=unit.arm, model=unit.model, status="done", at=NOW)

    def close(self) -> None:
        """Nothing is open."""


@slow
@pytest.mark.filterwarnings("ignore::FutureWarning:ray.*", "ignore::ResourceWarning")
def test_the_dead_are_replaced(tmp_path: Path) -> None:
    plan = sample_plan(12)
    with RayCrew(Mortal(str(tmp_path)), "local", workers=2) as crew:
        found = carry_out(plan, tmp_path, crew)
    assert Counter(one.status for one in found.values()) == {"done": 11, "failed": 1}
    (aside,) = (one for one in found.values() if one.status == "failed")
    assert aside.concept == 3
    assert aside.complaint is not None
    assert aside.complaint.kind == "WorkerLost"
    assert aside.tries == 3
    assert (tmp_path / JOURNAL_FILE).read_bytes().count(b"\n") == 12


@slow
def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no Ray cluster at auto"), RayCrew(Mortal(str(tmp_path)), "auto"):
        pytest.fail("it is there")
