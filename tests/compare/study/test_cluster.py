"""Workers through Ray that die: their units are done again, and one that always kills its worker is set aside.
`benchmarks/scale/study.py deaths` does the same with real pictures, whole nodes and drivers."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from mortal_worker import Mortal
from sample_study import sample_plan

from compare.study import StudyError
from compare.study.crew.cluster import RayCrew
from compare.study.crew.runner import carry_out
from compare.study.store import JOURNAL_FILE

slow = pytest.mark.skipif(not os.environ.get("TWINSEED_SLOW_TESTS"), reason="TWINSEED_SLOW_TESTS=1 starts Ray")


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Ray's processes have to find."""
    root = Path(__file__).parents[3]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (root, root / "tests" / "support"))))


@slow
@pytest.mark.usefixtures("importable")
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
    with pytest.raises(StudyError, match="no Ray cluster at"), RayCrew(Mortal(str(tmp_path)), "127.0.0.1:9"):
        pytest.fail("it is there")
