"""The gallery from the shell: what is there, what is put away and had back, and who is at work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Twinseed
from sample_run import write_sample

from compare.runs import Gallery, GalleryError
from compare.runs.folder import LOCK, PARTIAL, locked

HOLD = """
import sys
from pathlib import Path
from compare.runs.folder import locked

with locked(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    gallery = Gallery(tmp_path / "runs")
    for seed in (1, 2):
        write_sample(gallery, seed=seed)
    return gallery.root


def test_the_list(twinseed: Twinseed, runs: Path) -> None:
    for words in ((), ("DOG",), ("dog", "bicycle"), ("list", "dog"), ("list",)):
        done = twinseed("runs", *words, "--runs", str(runs), "--json")
        rows = json.loads(done.out)
        assert (done.code, done.err, len(rows)) == (0, "", 2), words
        assert rows[0].keys() >= {"name", "created", "concept", "simple", "expanded", "model", "seed", "images"}
        assert {Path(row["folder"]).name for row in rows} == {row["name"] for row in rows}
    shown = twinseed("runs", "dog", "--runs", str(runs)).out.splitlines()
    assert shown[0].split() == ["name", "pairs", "model", "concept"]
    assert len(shown) == 3
    none = twinseed("runs", "penguin", "--runs", str(runs))
    assert (none.code, none.out, none.err) == (0, "", f"note: there are no such runs in {runs}\n")
    (runs / "broken").mkdir()
    (runs / "broken" / "record.json").write_text("{")
    assert "note: broken is left out: " in twinseed("runs", "--runs", str(runs)).err


def test_deleted_and_had_back(twinseed: Twinseed, runs: Path) -> None:
    first, second = sorted(row.name for row in Gallery(runs).runs())
    picture = (runs / first / "simple-1.png").read_bytes()
    done = twinseed("runs", "delete", first, str(runs / first), "--runs", str(runs))
    trashed = runs / ".trash" / first
    assert (done.code, done.out) == (0, f"{trashed}\n")
    assert done.err == f"deleted {first}; to have it back, move it to {runs}\n"
    assert [row.name for row in Gallery(runs).runs()] == [second]
    assert (trashed / "simple-1.png").read_bytes() == picture

    shutil.copytree(trashed, runs / first)
    assert {row.name for row in Gallery(runs).runs()} == {first, second}
    assert Gallery(runs).delete(first) == trashed.with_name(f"{first}-2"), "what lies in the trash stays there"
    trashed.rename(runs / first)
    assert Gallery(runs).open(first).files()["simple-1.png"] == picture


@pytest.mark.parametrize("name", ["my run: cats", "貓 '\"$x", "-n", "c" * 230, os.fsdecode(b"caf\xe9"), "broken"])
def test_runs_with_odd_names_and_runs_that_cannot_be_read(name: str, twinseed: Twinseed, runs: Path) -> None:
    shutil.copytree(runs / Gallery(runs).runs()[0].name, runs / name)
    if name == "broken":
        (runs / name / "record.json").write_text("{")
    done = twinseed("runs", "delete", "--runs", str(runs), "--", name)
    assert done.code == 0, done.err
    assert (runs / ".trash" / name / "record.json").is_file()
    assert len(Gallery(runs).runs()) == 2


@pytest.mark.parametrize("name", ["holiday", "..", ".trash", "no such run", "link", "twinseed.db"])
def test_nothing_else_is_deleted(name: str, twinseed: Twinseed, runs: Path) -> None:
    there = Gallery(runs).runs()[0].name
    (runs / "holiday").mkdir()
    (runs / ".trash").mkdir()
    (runs / "link").symlink_to(runs / there)
    done = twinseed("runs", "delete", there, name, "--runs", str(runs))
    assert (done.code, done.out) == (1, "")
    assert "error: there is no run " in done.err
    assert "hint: `twinseed runs` shows" in done.err
    assert (runs / there).is_dir(), "all of them are looked up before the first is moved"


def test_a_run_that_somebody_is_at_work_on(twinseed: Twinseed, runs: Path) -> None:
    name, other = (row.name for row in Gallery(runs).runs())
    command = [sys.executable, "-c", HOLD, str(runs), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        done = twinseed("runs", "delete", name, "--runs", str(runs))
        assert done.code == 1
        assert f"error: another program is at work on the run {name}\nhint: wait" in done.err
        assert twinseed("runs", "delete", other, "--runs", str(runs)).code == 0
        holder.kill()
    assert len(list(runs.glob(f"{LOCK}*"))) == 1, "it was killed"
    assert twinseed("runs", "rebuild", "--runs", str(runs)).out == f"1 run in the index of {runs}\n"
    assert list(runs.glob(f"{LOCK}*")) == []
    assert twinseed("runs", "delete", name, "--runs", str(runs)).code == 0


def test_what_killed_programs_left_is_put_right(runs: Path) -> None:
    name = Gallery(runs).runs()[0].name
    for path in (f"{PARTIAL}a/simple-7.png", f"{PARTIAL}b/{PARTIAL}simple-7.png", f"{PARTIAL}c/simple-7.png"):
        (runs / path).parent.mkdir()
        (runs / path).write_bytes(b"a picture")
    (runs / f"{PARTIAL}probe").touch()
    (runs / name / f"{PARTIAL}report.html").touch()
    with locked(runs, f"{PARTIAL}c"):
        with Gallery(runs).edit(name) as editor:
            editor.amend(editor.run.record, {}, None)
        left = {path.name for path in runs.glob(".*") if not path.name.startswith(LOCK)}
        assert left == {f"{PARTIAL}c", ".trash"}, "somebody is at work on the third"
    assert [path.name for path in (runs / ".trash").glob("*/*")] == ["simple-7.png"]
    assert not list((runs / name).glob(".*"))


def test_two_do_not_write_into_one_run_at_once(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compare.runs.gallery.PATIENCE_S", 0)
    name = Gallery(runs).runs()[0].name
    with (
        Gallery(runs).edit(name),
        pytest.raises(GalleryError, match="another program is at work on the run"),
        Gallery(runs).edit(name),
    ):
        pass


def test_options_before_the_command(twinseed: Twinseed, runs: Path) -> None:
    done = twinseed("runs", "--runs", str(runs), "delete", "dog")
    assert (done.code, done.out) == (1, "")
    assert "hint: name the command first, as in twinseed runs delete" in done.err
