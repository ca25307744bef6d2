"""Killed while pictures and runs are written: each file is whole, or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from compare.runs.folder import PARTIAL
from compare.runs.gallery import Gallery

REPOSITORY = Path(__file__).parents[3]


# The modules take a second to load, a picture is written in milliseconds: one process loads, copies of it are killed.
KILLER = """
import os, random, signal, sys, time
sys.path[:0] = sys.argv[1:3]
root = sys.argv[3]
{setup}
rng, began, kills = random.Random(7), time.monotonic(), 0
def is_over():
    # Until some were killed in the middle of their work, however busy the machine; or something is wrong.
    caught = sum(name.startswith(".partial-") for name in os.listdir(root))
    return kills >= 20 and caught >= 3 or time.monotonic() - began > 60
while not is_over():
    child = os.fork()
    if child == 0:
        number = 0
        while True:
            number += 1
            {work}
    time.sleep(rng.uniform(0, {longest}))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kills += 1
print(kills)
"""
PICTURES = (
    """
from pathlib import Path
from PIL import Image
from compare.runs.folder import write_whole
from generate.files import encode_png
content = encode_png(Image.effect_noise((32, 32), 80).convert("RGB"), {"parameters": "x" * 900_000})
write_whole(Path(root) / "0.png", content)
""",
    'write_whole(Path(root) / f"{number % 5}.png", content)',
    0.05,
)
RUNS = (
    """
from pathlib import Path
from compare.view import render_report
from compare.runs.gallery import Gallery
from sample_run import sample_record
gallery = Gallery(Path(root))
record, files = sample_record(size=(64, 64))
report = render_report(record, files)
gallery.write(record, files, report)
""",
    "gallery.write(record, files, report)",
    0.1,
)


def kill_at_random(what: tuple[str, str, float], root: Path) -> int:
    """How many processes were killed while they did `what` in `root`."""
    script = KILLER.format(setup=what[0], work=what[1], longest=what[2])
    done = subprocess.run(
        [sys.executable, "-c", script, str(REPOSITORY), str(REPOSITORY / "tests" / "support"), str(root)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout)


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork and SIGKILL")


@needs_fork
def test_killed_while_writing_pictures(tmp_path: Path) -> None:
    kills = kill_at_random(PICTURES, tmp_path)
    whole, partial = [], []
    for path in tmp_path.iterdir():
        (partial if path.name.startswith(PARTIAL) else whole).append(path)
    assert kills >= 20
    assert {path.name for path in whole} <= {f"{number}.png" for number in range(5)}
    assert whole
    for path in whole:
        with Image.open(path) as image:
            image.load()
            assert image.text["parameters"].startswith("xxx")  # type: ignore[attr-defined]
    assert len(partial) >= 3, "some were killed in the middle"


@needs_fork
def test_killed_while_writing_runs(tmp_path: Path) -> None:
    kills = kill_at_random(RUNS, tmp_path)
    assert kills >= 20
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders
    assert [*tmp_path.glob(".*-*"), *tmp_path.glob(".trash/*")], "some were killed in the middle"
    gallery = Gallery(tmp_path)
    assert {row.name for row in gallery.runs(10_000)} == folders
    assert gallery.rebuild() == len(folders)
    for name in folders:
        run = gallery.open(name)
        assert list(run.faults()) == []
        if run.report.exists():  # it comes last
            assert run.report.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert list(tmp_path.glob(".*-*")) == [], "making the index anew puts right what they left"
