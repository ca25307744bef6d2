"""`twinseed verify`: every way in which a run is not what its record says has its line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Twinseed
from sample_run import OLD_RUN, drawing, full_record, sample_findings, write_sample
from test_examine import cut, paint, swap, unlink_7

from compare.runs.gallery import Gallery
from compare.runs.run import Run
from compare.view import render_report
from generate.files import encode_png
from generate.picture import ARMS


def says(path: tuple[Any, ...], value: Any) -> Callable[[Run], None]:
    """The record with something else in it."""

    def harm(run: Run) -> None:
        content = part = json.loads((run.folder / "record.json").read_text(encoding="utf-8"))
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        (run.folder / "record.json").write_text(json.dumps(content), encoding="utf-8")

    return harm


def without_marks(run: Run) -> None:
    """Both pictures saved anew by a program that keeps pixels alone, and the record made to fit."""
    for at, arm in enumerate(ARMS):
        put(run, at, encode_png(drawing(arm, 7, (32, 32)), {}))


def no_picture(run: Run) -> None:
    put(run, 0, b"\x89PNG\r\n\x1a\n and nothing else")


def put(run: Run, at: int, content: bytes) -> None:
    """Other bytes in the place of a picture, and their hash in the record."""
    (run.folder / run.record.renders[at].file).write_bytes(content)
    says(("renders", at, "sha256"), hashlib.sha256(content).hexdigest())(run)


def without_a_rung(run: Run) -> None:
    (run.folder / "ladder-1.png").write_bytes(b"")
    (run.folder / "ladder-2.png").unlink()


@pytest.mark.parametrize(
    ("harm", "faults"),
    [
        (swap, ["simple-7.png is not the one", "expanded-7.png is not the one", "simple-7.png is of another side"]),
        (cut, ["expanded-7.png is not the one that the record names"]),
        (paint, ["simple-7.png is not the one that the record names", "simple-7.png does not say whose twin it is"]),
        (unlink_7, ["simple-7.png is missing"]),
        (without_a_rung, ["ladder-1.png cannot be read: it is cut off", "ladder-2.png is missing"]),
        (no_picture, ["simple-7.png cannot be read", "simple-7.png"]),
        (without_marks, ["simple-7.png does not say whose twin", "expanded-7.png does not say whose twin"]),
        (
            says(("renders", 1, "pixels_sha256"), "0" * 64),
            ["hash of the pixels of expanded-7.png", "of another partner"],
        ),
        (says(("renders", 0, "width"), 10**12), ["the record's size of simple-7.png is not that of the file"]),
        (says(("settings", "num_inference_steps"), 21), ["simple-7.png is of another pair", "expanded-7.png is of"]),
        (says(("prompts", "expanded"), "a cat"), ["simple-7.png is of another pair", "expanded-7.png is of another"]),
        (says(("certificate", "model_digest"), "cd" * 32), ["another pair", "another model", "another pair"]),
        (
            says(("certificate", "differs"), ["prompt", "guidance"]),
            ["more than the prompt differs between the pictures: guidance"],
        ),
        (says(("certificate", "same_seed"), False), ["the two pictures of a seed did not begin with the same noise"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_fault_has_a_line(
    harm: Callable[[Run], None], faults: list[str], twinseed: Twinseed, tmp_path: Path
) -> None:
    findings, drawn = sample_findings(phrases=())  # the sample's are cut in another way than a prompt's
    record, files = full_record(findings=findings, files=drawn)
    run = Gallery(tmp_path).write(record, files, render_report(record, files))
    assert twinseed("verify", str(run.folder), "--no-render").code == 0
    harm(run)
    done = twinseed("verify", run.name, "--no-render", "--runs", str(tmp_path), "--json")
    found = json.loads(done.out)
    assert (done.code, found["name"], found["holds"], found["rendered"]) == (1, run.name, False, 0)
    assert done.err == ""
    assert {one["run"] for one in found["findings"]} == {run.name}
    told = [one["message"] for one in found["findings"] if one["severity"] == "fault"]
    assert len(set(told)) == len(told)
    rest = iter(told)
    assert all(any(fault in line for line in rest) for fault in faults), told
    shown = twinseed("verify", str(run.folder), "--no-render")
    lines = [line for line in shown.out.splitlines() if not line.startswith("note: ")]
    assert lines == [*(f"{run.name}: {line}" for line in told), f"not everything holds; faults: {len(told)}"]
    assert (shown.code, shown.err) == (1, "")
    # A certificate that speaks against its run is told in the report; whatever else does not hold is not reported on.
    fair = any(claim in told[0] for claim in ("more than the prompt differs", "did not begin with the same"))
    run.report.unlink()
    done = twinseed("report", str(run.folder))
    assert (done.code, run.report.exists()) == ((0, True) if fair else (1, False))
    assert fair or told[0] in done.err


def test_a_run_that_holds(twinseed: Twinseed, tmp_path: Path) -> None:
    for folder in (write_sample(Gallery(tmp_path), images=2).folder, OLD_RUN):
        done = twinseed("verify", str(folder), "--no-render")
        assert (done.code, done.err) == (0, "")
        *notes, last = done.out.splitlines()
        assert last == "everything holds that can be seen without rendering; nothing was rendered again"
        assert notes == ([f"note: {folder.name}: there is no report"] if folder == OLD_RUN else [])
        done = twinseed("verify", str(folder), "--no-render", "--json")
        found = json.loads(done.out)
        assert (done.code, found["name"], found["holds"], found["pictures"]) == (0, folder.name, True, [])


def test_what_is_no_run(twinseed: Twinseed, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, message in (("nowhere", "there is no run 'nowhere'"), ("empty", "there is no record at")):
        done = twinseed("verify", name, "--runs", str(tmp_path))
        assert (done.code, done.out) == (1, "")
        assert message in done.err
        assert "hint: " in done.err
