"""The table of schedulers in the docs: its rows are ours, and it is written from what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.rendering import convergence
from generate.models import OpenModel
from generate.schedulers.table import SCHEDULERS


def test_the_table_in_the_documentation_has_our_rows() -> None:
    document = (Path(__file__).parents[3] / "docs" / "rendering" / "schedulers.md").read_text(encoding="utf-8")
    rows = convergence.read_table(document)
    assert list(rows) == list(SCHEDULERS)
    for name, row in rows.items():
        choice = SCHEDULERS[name]
        _, evaluations, ours, *_, measured = row.strip("| ").split(" | ")
        assert (evaluations, ours) == (choice.evaluations, "settles" if choice.converges else "wanders")
        assert measured.startswith("**") == (measured.strip("*") != ours), "disagreement is in bold"


@pytest.mark.parametrize(
    ("name", "last", "row"),
    [
        ("Euler", 0.001, "| Euler | N | settles | 0.1000 | 0.0010 | 0.050 | settles |"),
        ("Euler", 0.02, "| Euler | N | settles | 0.1000 | 0.0200 | 0.050 | **wanders** |"),
        ("Heun", None, "| Heun | 2N-1 | settles | 0.1000 | – | 0.050 | **wanders** |"),
        ("DPM2 a", 0.02, "| DPM2 a | 2N-1 | wanders | 0.1000 | 0.0200 | 0.050 | wanders |"),
    ],
)
def test_a_row_says_whether_the_measurement_agrees(name: str, last: float | None, row: str) -> None:
    assert convergence.Course(SCHEDULERS[name], (0.1, last), 0.05).row == row


def test_a_course_is_measured(seedling: OpenModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convergence, "STEPS", (1, 2, 3))
    course = convergence.follow(SCHEDULERS["Euler"], seedling, "a red dog", [1, 2], 1.0)
    assert all(one is not None and 0 < one < 1 for one in course.distances)
    assert len(course.distances) == 2
    assert 0 < course.seeds < 1
    monkeypatch.setattr(convergence, "STEPS", (1, 2, 60))
    assert convergence.follow(SCHEDULERS["LCM"], seedling, "a red dog", [1, 2], 1.0).distances[1] is None


def test_the_table_is_written_between_its_markers() -> None:
    empty = f"# Title\n\n{convergence.BEGIN}\n{convergence.END}\n\nMore.\n"
    one = {"Euler": "| Euler | N |", "UniPC": "| UniPC | N |"}
    written = convergence.write_table(empty, "Model `m`.", one)
    assert convergence.read_table(written) == {"UniPC": "| UniPC | N |", "Euler": "| Euler | N |"}
    assert list(convergence.read_table(written)) == ["UniPC", "Euler"], "in the order of our own table"
    assert written.startswith("# Title\n\n<!--")
    assert written.endswith("-->\n\nMore.\n")
    assert convergence.write_table(written, "Model `m`.", one) == written
    with pytest.raises(ValueError, match="no <!-- convergence: begin -->"):
        convergence.read_table("# Title\n")
