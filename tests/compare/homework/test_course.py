"""The homework sheet does what it says: its commands are run in order, with its own table and its own words."""

from __future__ import annotations

import glob
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import Twinseed
from sample_class import ballot_of

from compare.homework.classroom import pooled, read_class

SHEETS = Path(__file__).parents[3] / "docs" / "classroom"
#: What makes a command cheap; all else is as the sheet has it.
QUICK = {
    "pair": ("--steps", "1", "--size", "64x64", "--clip", "none"),
    "homework": ("--steps", "1", "--size", "64x64", "--clip", "none"),
}
#: Four seeds of each concept would show nothing that one does not.
FEWER_SEEDS = (",4\n", ",1\n")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.usefixtures("opened_once")
@pytest.mark.parametrize("name", ["course.md", "course.zh-TW.md"])
def test_every_command_of_the_sheet_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twinseed: Twinseed
) -> None:
    page = (SHEETS / name).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (table,) = blocks(page, "csv")
    _, seen = blocks(page, "text")
    Path("homework.csv").write_text(table.replace(*FEWER_SEEDS), encoding="utf-8")
    Path("seen.txt").write_text(seen, encoding="utf-8")
    commands = [line for block in blocks(page, "sh") for line in block.splitlines()]
    done = []
    for words in map(shlex.split, commands):
        if words[0] != "twinseed":
            continue  # the installation
        if "class" in words and not Path("hand-ins").is_dir():
            Path("hand-ins").mkdir()
            shutil.copy("homework-B11201001.zip", "hand-ins")
        if "--ballots" in words:
            collect_ballots(Path("class-without-names"))
            words = [*words[: words.index("--ballots") + 1], *expanded(words[words.index("--ballots") + 1 :])]
        ended = twinseed(*words[1:], *QUICK.get(words[1], ()))
        assert ended.code == 0, (words, ended.err)
        done.append(words[1])
    assert done == [
        *("doctor", "list", "ideas", "pair", "homework", "homework", "verify"),
        *("class", "class", "class", "class"),
    ]
    room = read_class(Path("class"))
    (hand_in,) = room.hand_ins
    assert [bool(pair.observations) for pair in hand_in.pairs] == [True] * 3
    assert (hand_in.verified, hand_in.number) == (True, "B11201001")
    people = pooled(read_class(Path("class-without-names"))).people
    assert people is not None
    assert people.judgements == 6


def collect_ballots(folder: Path) -> None:
    """A file and a code, as two people would hand them in."""
    room = read_class(folder)
    Path("ballots").mkdir()
    file, _ = ballot_of(room, "1" * 16, lambda key, pair: "expanded")
    _, code = ballot_of(room, "2" * 16, lambda key, pair: "tie")
    Path("ballots/ballot-11111111.json").write_text(json.dumps(file))
    Path("ballots/codes.txt").write_text(f"mine: {code}\n")


def expanded(words: list[str]) -> list[str]:
    """As a shell hands them over."""
    return [name for word in words for name in (sorted(glob.glob(word)) or [word])]


def test_both_sheets_are_the_same_sheet() -> None:
    english, chinese = ((SHEETS / name).read_text(encoding="utf-8") for name in ("course.md", "course.zh-TW.md"))
    assert shape_of(english) == shape_of(chinese)


def shape_of(page: str) -> list[str]:
    """Headings, rows of tables and blocks in their order, and each command up to its first word in quotation marks."""
    lines = re.findall(r"^(?:#+ |```\w*|\||twinseed .*|make .*)", page, flags=re.MULTILINE)
    return [line.replace(" --language zh-TW", "").split('"')[0] for line in lines]
