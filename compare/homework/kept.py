"""What is kept of homework beside the runs, and belongs to a student: seeds, and whose words are in which report.

Students of one class may share a computer and its folder of runs. They are told apart by marks, hashes of name and
number, so that the file says nobody's name.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from compare.homework.bundle import Student
from compare.runs.folder import Busy, locked, put_away, write_whole
from ideation import Clause, TwinseedError, read_plain_file
from ideation.files import Seed, Sha256, StrictModel

KEPT_FILE = "homework-seeds.json"
#: The mark of whoever does not say who they are.
NOBODY = ""
_MAX_FILE = 16_000_000
_PATIENCE_S = 10.0


class KeptError(TwinseedError):
    """What must be kept beside the runs cannot be kept."""


class Kept(StrictModel):
    """`seeds` by what they belong to; of words in a report, by the hash of run and words, who gave them and when, by
    their marks."""

    version: Literal[1] = 1
    seeds: dict[Sha256, Seed] = Field(default_factory=dict)
    words: dict[Sha256, dict[str, AwareDatetime]] = Field(default_factory=dict)


@dataclass
class Keeping:
    """What is kept, while nobody else is at it; what is set in `content` is written at the end. `notes` are for the
    user."""

    content: Kept
    notes: tuple[Clause, ...] = ()


@contextmanager
def keeping(root: Path) -> Iterator[Keeping]:
    """What is kept in `root`, the folder of the runs, which must be there. Raises `KeptError`."""
    file = root / KEPT_FILE
    try:
        with locked(root, KEPT_FILE, _PATIENCE_S):
            now = _read(file)
            before = now.content
            yield now
            if now.content != before:
                write_whole(file, (now.content.model_dump_json(indent=2) + "\n").encode())
    except Busy as busy:
        raise KeptError(
            "another program is at work on {file}", hint="wait until it is done, and try again", file=file
        ) from busy
    except OSError as error:
        raise KeptError(
            "the seeds cannot be kept in {file}: {reason}",
            hint="choose a folder you may write to, with --runs FOLDER or TWINSEED_RUNS, or name the seeds",
            file=file,
            reason=error.strerror,
        ) from error


def marks_of(student: Student | None) -> tuple[str, ...]:
    """Under which marks something of this student may be kept: that of all they say of themselves first, then those of
    less, as they may have said less when they began, and of nothing at last."""
    if student is None:
        return (NOBODY,)
    said = [(student.name, student.number), (None, student.number), (student.name, None)]
    return (*dict.fromkeys(_mark(*one) for one in said if any(one)), NOBODY)


def _mark(name: str | None, number: str | None) -> str:
    words = (" ".join(unicodedata.normalize("NFKC", one or "").casefold().split()) for one in (name, number))
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _read(file: Path) -> Keeping:
    """What is kept so far. A file that cannot be read is put into the trash. Raises `OSError`."""
    try:
        return Keeping(Kept.model_validate_json(read_plain_file(file, _MAX_FILE)))
    except FileNotFoundError:
        return Keeping(Kept())
    except ValidationError:
        aside = put_away(file, file.name)
        note = Clause(
            "{file} could not be read and lies in {aside} now: concepts without a seed get new ones",
            file=file,
            aside=aside,
        )
        return Keeping(Kept(), (note,))
