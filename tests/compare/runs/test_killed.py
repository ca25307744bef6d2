"""Processes that are killed without a word, and two at once: what is on the disk stays, and nothing is done twice."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Twinseed
from forked import Forked
from test_session import pixels

from compare.request import PairOptions, PairRequest
from compare.runs.gallery import Gallery
from compare.runs.record import Record
from compare.runs.run import Run
from compare.session import Session

WORDS = ("--simple", "a dog", "--expanded", "a dog, at night, in the snow", "--size", "64x64", "--seed", "7")
FOUR = ("pair", *WORDS, "--steps", "3", "--images", "4", "--clip", "none")
LOOK = ("pair", *WORDS, "--steps", "2", "--with", "placebo,ladder", "--clip", "none")

pytestmark = [
    pytest.mark.usefixtures("opened_once"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def says(line: str) -> Callable[[Forked], bool]:
    return lambda process: line in process.said()


def said(line: str, err: str) -> list[str]:
    """What the program told of its progress, in order, from the lines that begin so."""
    return re.findall(rf"^{line} (.*) \.\.\.$", err, flags=re.MULTILINE)


def folders(runs: Path) -> list[Path]:
    return sorted(path for path in runs.iterdir() if path.is_dir() and not path.name.startswith("."))


def leftovers(runs: Path) -> list[Path]:
    return [path for path in runs.iterdir() if path.name.startswith(".")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, seedling: object) -> Record:
    """The record of the four pairs, made without interruption."""
    options = PairOptions(simple=WORDS[1], expanded=WORDS[3], size="64x64", seed="7", steps=3, images=4, clip="none")
    request, _ = PairRequest.from_options(options)
    return Session(Gallery(tmp_path_factory.mktemp("whole")), environ={}).run(request).record


def test_killed_when_three_of_four_pairs_are_on_the_disk(runs: Path, whole: Record, twinseed: Twinseed) -> None:
    Forked(*FOUR, "--runs", str(runs)).kill_when(lambda _: len(list(runs.glob("2*/expanded-*.png"))) >= 3)
    (folder,) = folders(runs)
    left = Run.open(folder)
    finished = len(left.record.seeds)
    assert 2 <= finished <= 4, "the record comes right after the pictures"
    assert left.record.seeds == [7, 8, 9, 10][:finished]
    assert list(left.faults()) == []
    assert not left.report.exists()
    before = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    assert [row.name for row in Gallery(runs).runs()] == [folder.name]

    done = twinseed(*FOUR, "--runs", str(runs))
    assert done.code == 0, done.err
    assert Path(done.out.strip()) == folder / "report.html"
    assert said("rendering pair", done.err) == [f"{number} of 4" for number in range(finished + 1, 5)]
    run = Run.open(folder)
    assert list(run.faults()) == []
    assert before.items() <= run.files().items()
    assert pixels(run.record) == pixels(whole)
    assert run.record.certificate.latents_sha256 == whole.certificate.latents_sha256
    assert (run.record.request, run.record.settings, run.record.scores) == (
        whole.request,
        whole.settings,
        whole.scores,
    )
    assert folders(runs) == [folder]
    assert leftovers(runs) == []


def test_killed_before_the_first_pair(runs: Path, whole: Record, twinseed: Twinseed) -> None:
    Forked(*FOUR, "--runs", str(runs)).kill_when(says("rendering pair 1"))
    assert folders(runs) == []
    done = twinseed(*FOUR, "--runs", str(runs))
    assert done.code == 0, done.err
    (folder,) = folders(runs)
    assert pixels(Run.open(folder).record) == pixels(whole)
    assert leftovers(runs) == []


def test_killed_while_it_looks_closer(runs: Path, twinseed: Twinseed) -> None:
    Forked(*LOOK, "--runs", str(runs)).kill_when(says("looking closer: ladder"))
    (folder,) = folders(runs)
    left = Run.open(folder)
    assert left.record.findings is not None
    assert list(left.record.findings.results) == ["placebo"]
    before = left.files()
    assert {name.partition("-")[0] for name in before} == {"simple", "expanded", "placebo"}
    done = twinseed(*LOOK, "--runs", str(runs))
    assert done.code == 0, done.err
    assert folders(runs) == [folder]
    assert said("rendering pair", done.err) == []
    assert said("looking closer:", done.err) == ["scores", "ladder"]
    run = Run.open(folder)
    assert list(run.faults()) == []
    assert before.items() <= run.files().items()
    assert run.record.findings is not None
    assert list(run.record.findings.results) == ["placebo", "ladder"]
    assert run.report.is_file()


def test_two_that_ask_for_the_same_at_once(runs: Path, whole: Record) -> None:
    for process in [Forked(*FOUR, "--runs", str(runs)) for _ in range(2)]:
        told = process.end()
        assert process.code == 0, told
    made = [Run.open(folder) for folder in folders(runs)]
    assert len(made) == 2
    for run in made:
        assert list(run.faults()) == []
        assert pixels(run.record) == pixels(whole)
        assert run.record.complete
        assert run.report.is_file()
    assert {row.name for row in Gallery(runs).runs()} == {run.name for run in made}
    assert leftovers(runs) == []
