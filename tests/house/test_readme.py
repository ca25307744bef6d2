"""Both READMEs do what they say: their commands are run one after the other as they stand, and are the same in both."""

from __future__ import annotations

import re
import shlex
import webbrowser
from pathlib import Path
from typing import Any

import pytest
from conftest import Twinseed
from PIL import Image

from compare import Gallery
from generate.seedling import SEEDLING_SIZES

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-TW.md")

#: Commands that are not run here, and why. What none of these begins is run.
NOT_RUN = {
    "make demo": "it installs; CI does so with make install, and what it runs then is the first pair here",
    "make test": "it runs these tests",
    "twinseed page": "it serves until it is stopped: tests/compare/page starts it",
    "twinseed pair * --model stable-diffusion-v1-5": "the hub, and a graphics card",
    "twinseed pair * --preset z-image-turbo": "the hub, and a graphics card",
}
#: What makes a command cheap; all else is as it stands.
QUICK = {
    "pair": ("--steps", "1", "--clip", "none"),
    "refine": ("--steps", "2"),
    "sweep": ("--steps", "1,2", "--size", "64x64", "--clip", "none"),
    "homework": ("--steps", "1", "--clip", "none"),
}
#: And these pictures small, where the command does not say how large they are.
SMALL, OF_ANY_SIZE = ("--size", "64x64"), ("pair", "homework")
#: Four seeds would show nothing that one does not, nor a ladder that its own tests do not.
FEWER = {"--images 4": "--images 1", "ladder,attention": "attention"}


def blocks(name: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)


def lines(name: str) -> list[str]:
    """The lines of the shell's blocks. None has a comment: the shell of macOS takes them for arguments where somebody
    types."""
    found = [line for block in blocks(name, "sh") for line in block.splitlines()]
    assert not [line for line in found if "#" in line]
    return found


def reason_not_to_run(line: str) -> str | None:
    for pattern, reason in NOT_RUN.items():
        if re.match(re.escape(pattern).replace(r"\*", ".*"), line):
            return reason
    return None


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has the addresses which were opened in the browser."""
    program, opened = tmp_path / "browser", tmp_path / "opened"
    program.write_text(f'#!/bin/sh\necho "$1" >> "{opened}"\n')
    program.chmod(0o700)
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setenv("BROWSER", str(program))
    return opened


@pytest.mark.usefixtures("opened_once")
def test_every_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twinseed: Twinseed, browser: Path) -> None:
    monkeypatch.chdir(tmp_path)
    done, left_out = [], []
    for line in lines("README.md"):
        if reason_not_to_run(line) is not None:
            left_out.append(line)
            continue
        for many, few in FEWER.items():
            line = line.replace(many, few)
        program, *words = shlex.split(line)
        assert program == "twinseed"
        small = SMALL if words[0] in OF_ANY_SIZE and "--aspect" not in words else ()
        ended = twinseed(*words, *QUICK.get(words[0], ()), *small)
        assert ended.code == 0, (line, ended.err)
        done.append(words[0])
    assert len(left_out) == len(NOT_RUN) - 1, "the page stands in a table; every other reason is of use"
    assert {"ideas", "expand", "pair", "examine", "report", "verify", "refine", "sweep", "homework", "runs"} < {*done}
    assert browser.read_text().endswith("/report.html\n")
    gallery = Gallery(Path("runs"))
    looked_at = [one for one in gallery.runs() if one.concept.startswith("一隻貓")]
    assert len(looked_at) == 2, "the pair, and the same with more steps"
    assert Path("cat.pdf").read_bytes().startswith(b"%PDF")
    assert Path("mei.zip").is_file()


def same_in_both(line: str) -> str:
    """The command without what each language says in its own words."""
    line = line.replace(" --language zh-TW", "").replace(" --language en", "").replace(" LANGUAGE=zh-TW", "")
    return re.sub(r'"[^"]*"', '""', line).replace('"" --style "" ', '"" --style ')


def test_both_readmes_have_the_same_commands() -> None:
    english, chinese = ([same_in_both(line) for line in lines(name)] for name in READMES)
    assert english == chinese
    assert len(english) > 15
    assert blocks("README.md", "python") == blocks("README.zh-TW.md", "python")
    # In the tables of the installation too, and what they link to.
    tables = [
        [
            (re.findall(r"`([^`]*)`", row), re.findall(r"\]\(([^)#]*)", row))
            for row in (ROOT / name).read_text(encoding="utf-8").splitlines()
            if row.startswith("| **")
        ]
        for name in READMES
    ]
    assert tables[0] == tables[1]


def test_the_torch_that_is_named_is_the_one_that_is_pinned() -> None:
    pinned = re.search(r"^torch==([0-9.]+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    assert pinned
    for name in (*READMES, "docs/install.md", "Dockerfile"):
        named = set(re.findall(r"torch==([0-9.]+)", (ROOT / name).read_text(encoding="utf-8")))
        assert named == {pinned[1]}, name


@pytest.mark.usefixtures("opened_once")
def test_the_example_for_scripts_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("README.md", "python")
    shown: list[Image.Image] = []
    monkeypatch.setattr(Image.Image, "show", lambda image: shown.append(image))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 - it is ours
    assert (names["run"].folder / "report.html").is_file()
    assert [image.size for image in shown] == [SEEDLING_SIZES[0]]


def test_the_first_picture_moves_and_is_small() -> None:
    picture = ROOT / "docs" / "pictures" / "pair.webp"
    assert picture.stat().st_size < 400_000
    with Image.open(picture) as moving:
        assert getattr(moving, "n_frames", 1) > 20
