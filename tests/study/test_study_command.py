"""`twinseed study` from end to end: two concepts, one seed, two steps."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Twinseed

from compare.study import read_plan
from compare.study.store import RunStore


def test_a_tiny_study(twinseed: Twinseed, tmp_path: Path) -> None:
    out = tmp_path / "study"
    words = ("study", "--concepts", "2", "--seeds", "1", "--steps", "2", "--out", str(out), "--json")
    done = twinseed(*words, "--seed", "7")
    assert done.code == 0, done.err
    analysis = json.loads(done.out)
    assert analysis["funnel"][-1] == {"name": "analysed", "units": 2, "lost": {}}
    assert "too few" in analysis["sentences"][0]
    plan = read_plan(out)
    assert not (out / "work").exists()
    units = [unit.name for unit in plan.units()]
    assert all(RunStore(str(out / "runs")).scores(unit) is not None for unit in units)

    # The seed is the plan's when it is not said again; what is there is not rendered again; the analysis is the same.
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*.png")}
    assert json.loads(twinseed(*words).out) == analysis
    (out / "journal.jsonl").unlink()  # the runs have their scores as well
    assert json.loads(twinseed("study", "--from", str(out), "--json").out) == analysis
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*.png")} == before

    other = twinseed(*words, "--seed", "8")
    assert (other.code, "planned in another way" in other.err) == (1, True)
    assert twinseed("study", "--from", str(tmp_path)).code == 1
    assert twinseed("study", "--arms", "simple", "--out", str(tmp_path / "none")).code == 1
    assert not (tmp_path / "none").exists()
