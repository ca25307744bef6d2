"""The marks: what somebody has put on a run since it was made. They say nothing of how it was made, so they stand in a
file of their own beside its record."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from compare.runs.folder import write_whole
from generate.picture import Arm
from ideation.files import Seed, StrictModel, read_plain_file

MARKS_FILE = "marks.json"
MOST_TAGS = 20
MAX_TAG_CHARACTERS = 40
_MAX_BYTES = 1_000_000

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TAG_CHARACTERS)]


class Vote(StrictModel):
    """Which picture of a pair somebody liked better who did not know which was which; `left` is the arm that was shown
    on the left, `choice` None a tie."""

    seed: Seed
    left: Arm
    choice: Arm | None
    cast: AwareDatetime


class Marks(StrictModel):
    """The whole of `marks.json`. `shelf` names the browser that made the run, where each has a shelf of its own."""

    version: Literal[1] = 1
    star: bool = False
    tags: Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)] = ()
    shelf: str | None = None
    votes: tuple[Vote, ...] = ()


def read_marks(folder: Path) -> Marks:
    """The marks of the run in a folder: none where there is no such file, or one that cannot be read. A record must be
    whole; a lost star takes nothing from a run."""
    try:
        return Marks.model_validate_json(read_plain_file(folder / MARKS_FILE, _MAX_BYTES))
    except (OSError, ValueError, ValidationError):
        return Marks()


def write_marks(folder: Path, marks: Marks) -> None:
    """Writes the marks whole or not at all. Raises `OSError`."""
    content = json.dumps(marks.model_dump(mode="json"), ensure_ascii=False, indent=1)
    write_whole(folder / MARKS_FILE, f"{content}\n".encode())


def marks_changed(folder: str) -> str:
    """What becomes another when they are written again; empty where there are none."""
    try:
        found = os.stat(f"{folder}{os.sep}{MARKS_FILE}", follow_symlinks=False)
    except OSError:
        return ""
    return f" {found.st_mtime_ns} {found.st_size}"
