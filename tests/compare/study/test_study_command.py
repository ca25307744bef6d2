"""`twinseed study`, and the same in a notebook, from end to end: two concepts, one seed, two steps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Twinseed

from compare.notebook.studies import open_study, study
from compare.runs import Marks, Vote
from compare.runs.marks import write_marks
from compare.study import StudyError, read_plan
from compare.study.store import RunStore


@pytest.mark.usefixtures("opened_once")
def test_a_tiny_study(twinseed: Twinseed, tmp_path: Path) -> None:
    out = tmp_path / "study"
    words = ("study", "--concepts", "2", "--seeds", "1", "--steps", "2", "--size", "64x64", "--out", str(out))
    done = twinseed(*words, "--seed", "7", "--json")
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
    assert json.loads(twinseed(*words, "--json").out) == analysis
    (out / "journal.jsonl").unlink()  # the runs have their scores as well
    assert json.loads(twinseed("study", "--from", str(out), "--json").out) == analysis

    other = twinseed(*words, "--seed", "8")
    assert (other.code, "planned in another way" in other.err) == (1, True)
    assert twinseed("study", "--from", str(tmp_path)).code == 1
    assert twinseed("study", "--arms", "simple", "--out", str(tmp_path / "none")).code == 1
    assert twinseed("study", "--judges", "nobody", "--out", str(tmp_path / "none")).code == 1
    refused = twinseed("study", "--batch", "9" * 5000, "--out", str(tmp_path / "none"))
    assert refused.code == 1
    assert "hint: give a whole number, or auto" in refused.err
    assert not (tmp_path / "none").exists()

    # The same from a notebook, with people as judges afterwards, who may vote at any time.
    result = study(2, seeds=1, steps=2, size="64x64", out=out, judges="votes")
    assert result.sentence == analysis["sentences"][0]
    assert set(result.scores["metric"]) >= {"intent", "gain", "distance"}
    assert "preferred" not in set(result.scores["metric"])
    now = datetime(2026, 11, 26, tzinfo=UTC)
    vote = Vote(seed=next(plan.units()).request.settings.seed, left="simple", choice="expanded", cast=now)
    write_marks(out / "runs" / units[0], Marks(votes=(vote,)))
    scores = open_study(out).scores
    (row,) = scores[scores["metric"] == "preferred"].to_dict("records")
    assert (row["judge"], row["simple"], row["expanded"], row["unit"]) == ("votes", 0.0, 1.0, units[0])
    assert result._repr_html_().startswith('<iframe sandbox="" srcdoc="&lt;!doctype html')
    assert str(result.report("zh-TW")) != str(result.report()) in repr(result)
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*.png")} == before


@pytest.mark.parametrize(
    ("given", "complaint"),
    [({"stepz": 2}, "no setting 'stepz'"), ({"limit": 2}, "without a file"), ({"model": "x"}, "no setting 'model'")],
)
def test_what_a_study_cannot_be_told(given: dict[str, object], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=complaint):
        study(["a dog"], out=tmp_path / "study", **given)  # type: ignore[arg-type]
    assert not (tmp_path / "study").exists()
