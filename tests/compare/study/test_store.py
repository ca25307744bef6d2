"""Runs of a study in a folder, and where fsspec's other files are: each once, and the same when they are read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_run import write_sample

from compare.runs import Gallery, Run
from compare.study import RunStore
from compare.study.scores import scores_of


@pytest.fixture(params=["folder", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "store")
        return
    yield f"memory://{tmp_path.name}"


def made(folder: Path) -> Run:
    return write_sample(Gallery(folder))


def test_a_run_is_kept_once_and_read_back(address: str, tmp_path: Path) -> None:
    store, run = RunStore(address), made(tmp_path / "work")
    record = run.record
    assert not store.has_run("unit")
    assert store.scores("unit") is None
    store.keep("unit", run)
    assert store.has_run("unit")
    assert store.scores("unit") is None  # not measured yet
    store.keep("unit", made(tmp_path / "work"))  # somebody else was slower
    with RunStore(address).run("unit", tmp_path / "work") as found:
        assert found.record == record
        assert not list(found.damage())
        scores = scores_of(found, {"a judge": {record.seeds[0]: {"intent": (0.2, 0.3)}}})
    store.keep_scores("unit", scores)
    assert RunStore(address).scores("unit") == scores
    first = scores.seeds[0]
    assert store.picture("unit", first.simple).startswith(b"\x89PNG")
    assert first.values["a judge:intent"] == (0.2, 0.3)
    assert scores.judges == ("a judge",)
    assert not list((tmp_path / "work").glob("fetched-*"))
    if Path(address).exists():
        assert [path.name for path in Path(address).iterdir()] == ["unit"]
