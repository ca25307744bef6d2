"""A homework that is killed without a word, again and again: what is finished stays, and nothing is done twice."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import Twinseed
from forked import Forked

from compare.homework.kept import KEPT_FILE
from compare.runs.gallery import Gallery

QUICK = ("--steps", "1", "--size", "64x64", "--clip", "none", "--expander", "offline")
SUBJECTS = "dog cat bird horse cow pig fish frog".split()
KILLS = 10

pytestmark = [
    pytest.mark.usefixtures("opened_once"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Eight concepts, every second one without a seed."""
    lines = [f"a {subject},{seed if seed % 2 else ''}" for seed, subject in enumerate(SUBJECTS)]
    path = tmp_path / "homework.csv"
    path.write_text("\n".join(["concept,seed", *lines]), encoding="utf-8")
    return path


def pictures(runs: Path) -> dict[str, tuple[int, bytes]]:
    """The pictures of all runs that are there, with the number of the file: one that is written again has another."""
    return {
        f"{path.parent.name}/{path.name}": (path.stat().st_ino, path.read_bytes()) for path in runs.glob("2*/*.png")
    }


def untimed(bundle: Path) -> dict[str, Any]:
    """All that is in a bundle but for times, and for hashes of what has times in it."""

    def without(text: str) -> str:
        text = re.sub(r"\b[0-9]{8}-[0-9]{6}-", "", text)
        text = re.sub(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:]+(Z| UTC)?)?", "(time)", text)
        text = re.sub(r"\"seconds\": [0-9.]+|<td>[0-9.]+</td></tr>", "(seconds)", text)
        return re.sub(r"\b[0-9a-f]{64}\b", "(hash)", text)

    found: dict[str, Any] = {}
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            found[without(name)] = content if name.endswith(".png") else without(content.decode())
    return found


def test_killed_at_ten_random_moments(table: Path, tmp_path: Path, twinseed: Twinseed) -> None:
    whole, runs = tmp_path / "whole", tmp_path / "runs"
    began = time.monotonic()
    done = twinseed("homework", str(table), *QUICK, "--runs", str(whole), "--bundle", str(tmp_path / "whole.zip"))
    took = time.monotonic() - began
    assert done.code == 0, done.err
    runs.mkdir()
    shutil.copy(whole / KEPT_FILE, runs)

    homework = ("homework", str(table), *QUICK, "--runs", str(runs), "--bundle", str(tmp_path / "killed.zip"))
    draw = random.Random(12)
    kept: dict[str, tuple[int, bytes]] = {}
    at_work = 0
    for _ in range(KILLS):
        process = Forked(*homework)
        time.sleep(draw.uniform(0.05, 2 * took / KILLS))
        at_work += process.send(signal.SIGKILL)
        process.end()
        now = pictures(runs)
        assert kept.items() <= now.items(), "a finished picture is gone, or was rendered again"
        for run in runs.glob("2*"):
            assert list(Gallery(runs).open(run.name).faults()) == []
        kept = now
    assert at_work > KILLS // 2, "it was done before it could be killed"

    process = Forked(*homework)
    said = process.end()
    assert process.code == 0, said
    assert kept.items() <= pictures(runs).items()
    assert len(pictures(runs)) == 2 * len(SUBJECTS)
    assert said.count(": was there, ") >= len(kept) // 2 - 1
    assert [path.name for path in runs.iterdir() if path.name.startswith(".") and path.name != ".trash"] == []
    assert untimed(tmp_path / "killed.zip") == untimed(tmp_path / "whole.zip")
    assert (runs / KEPT_FILE).read_bytes() == (whole / KEPT_FILE).read_bytes()


def test_stopped_with_ctrl_c(table: Path, tmp_path: Path) -> None:
    runs, bundle = tmp_path / "runs", tmp_path / "homework.zip"
    homework = ("homework", str(table), *QUICK, "--runs", str(runs), "--bundle", str(bundle))
    process = Forked(*homework)
    while len(pictures(runs)) < 6 and not process.ended():
        time.sleep(0.005)
    assert process.send(signal.SIGINT)
    said = process.end()
    assert process.code == 130, said
    finished = re.search(r"^([0-9]+) of 8 concepts are finished; the same command goes on with the rest$", said, re.M)
    assert finished, said
    assert said.rstrip().endswith("stopped")
    assert int(finished[1]) >= 2
    assert not bundle.exists()
    assert len(json.loads((runs / KEPT_FILE).read_text())["seeds"]) == 4
