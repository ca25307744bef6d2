"""The folder of a study: its plan, the runs of its units, and the journal of what became of each.

    study.json        the plan, written first
    journal.jsonl     a line for each unit that was finished or failed, with its scores
    runs/UNIT/...     the run of a unit; `scores.json` in it is written last and says that it is whole
    work/             what is being made; gone at the end

Runs may also be kept at an address of fsspec's, as in s3://bucket/study, where many machines write.
"""

from __future__ import annotations

import os
import posixpath
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import fsspec
from filelock import FileLock, Timeout
from pydantic import AwareDatetime, ValidationError

from compare.runs import RECORD_FILE, Run
from compare.study.design import StudyError
from compare.study.scores import UnitScores
from ideation.files import Count, StrictModel

JOURNAL_FILE, RUNS, WORK, SCORES_FILE = "journal.jsonl", "runs", "work", "scores.json"


class Complaint(StrictModel):
    """Why a unit failed: the error's class, what it said, and its hint. `stage` is "expand", "render" or "score"."""

    kind: str
    message: str
    hint: str = ""
    stage: Literal["expand", "render", "score"]


class Outcome(StrictModel):
    """What became of a unit. "waiting" is one that a server's quota put off for `wait_s` seconds: no failure, and
    nothing is written of it."""

    unit: str
    concept: Count
    arm: str
    model: str
    status: Literal["done", "failed", "waiting"]
    at: AwareDatetime
    tries: int = 1
    rendered: bool = False
    worker: str = ""
    seconds: float = 0.0
    scores: UnitScores | None = None
    complaint: Complaint | None = None
    wait_s: float | None = None


class RunStore:
    """Where the runs of units are kept, each once: a folder, or an address of fsspec's. Several processes and machines
    may write at a time; of two that made the same unit, the first stays."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._files, self._root = fsspec.core.url_to_fs(address)
        protocols = self._files.protocol if isinstance(self._files.protocol, tuple) else (self._files.protocol,)
        self._here = "file" in protocols

    def scores(self, unit: str) -> UnitScores | None:
        """What was measured of a unit; None where its run is not whole."""
        try:
            return UnitScores.model_validate_json(self._files.cat_file(self._at(unit, SCORES_FILE)))
        except FileNotFoundError:
            return None
        except ValidationError:  # of another version, or cut off: measured again from the run
            return None

    def has_run(self, unit: str) -> bool:
        """Whether the pictures of a unit are there, measured or not."""
        return bool(self._files.exists(self._at(unit, RECORD_FILE)))

    def keep(self, unit: str, run: Run) -> None:
        """Takes the finished run in. What somebody else was quicker with stays."""
        if self.has_run(unit):
            return
        if self._here:
            target = Path(self._at(unit))
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.parent / f".partial-{secrets.token_hex(8)}"
            shutil.move(run.folder, partial)  # beside its place first: from another disk this takes a while
            try:
                os.rename(partial, target)
            except OSError:
                shutil.rmtree(partial)
                if not self.has_run(unit):
                    raise
            return
        files = sorted(path for path in run.folder.iterdir() if path.is_file())
        self._files.makedirs(self._at(unit), exist_ok=True)
        for file in sorted(files, key=lambda path: path.name == RECORD_FILE):  # the record last
            self._files.pipe_file(self._at(unit, file.name), file.read_bytes())

    def keep_scores(self, unit: str, scores: UnitScores) -> None:
        """Writes the scores beside the run: from now on, the unit is done."""
        content = scores.model_dump_json().encode()
        if self._here:
            partial = Path(self._at(unit, f".partial-{secrets.token_hex(8)}"))
            partial.write_bytes(content)
            os.replace(partial, self._at(unit, SCORES_FILE))
        else:
            self._files.pipe_file(self._at(unit, SCORES_FILE), content)

    @contextmanager
    def run(self, unit: str, work: Path) -> Iterator[Run]:
        """The run of a unit, brought to this machine below `work` for as long as the block lasts. Raises
        `RecordError`."""
        if self._here:
            yield Run.open(Path(self._at(unit)))
            return
        folder = work / f"fetched-{secrets.token_hex(8)}"
        folder.mkdir(parents=True)
        try:
            for name in self._files.ls(self._at(unit), detail=False):
                (folder / posixpath.basename(name)).write_bytes(self._files.cat_file(name))
            yield Run.open(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def picture(self, unit: str, file: str) -> bytes:
        """The bytes of a picture. Raises `OSError`."""
        content: bytes = self._files.cat_file(self._at(unit, file))
        return content

    def local(self, unit: str, file: str) -> Path | None:
        """Where a picture lies on this machine; None where it does not."""
        return Path(self._at(unit, file)) if self._here else None

    def _at(self, *parts: str) -> str:
        return posixpath.join(self._root, *parts)


class Journal:
    """What became of each unit, a line each; a line that was cut off by a crash is passed over."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> dict[str, Outcome]:
        """The last outcome of each unit. Raises `StudyError`."""
        found: dict[str, Outcome] = {}
        try:
            lines = self.file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return found
        except OSError as error:
            raise StudyError(
                "{file} cannot be read: {reason}", hint="check who may read it", file=self.file, reason=error.strerror
            ) from error
        for number, line in enumerate(lines, 1):
            try:
                outcome = Outcome.model_validate_json(line)
            except ValidationError as error:
                if error.errors()[0]["type"] == "json_invalid":  # cut off, or the empty one at the end
                    continue
                raise StudyError(
                    "line {number} of {file} is not what a study writes there",
                    hint="it was changed: copy it again, or delete it, and what is in {runs} is looked at again",
                    number=number,
                    file=self.file,
                    runs=RUNS,
                ) from error
            found[outcome.unit] = outcome
        return found

    def add(self, outcome: Outcome) -> None:
        """Appends a line, on its own even behind one that was cut off. Raises `OSError`."""
        content = outcome.model_dump_json().encode() + b"\n"
        with self.file.open("ab") as stream:
            if stream.tell() and not self._ends_whole():
                content = b"\n" + content
            stream.write(content)

    def _ends_whole(self) -> bool:
        with self.file.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) == b"\n"


@contextmanager
def alone_in(folder: Path, patience_s: float = 1.0) -> Iterator[None]:
    """Keeps other drivers away from a study. Raises `StudyError` where one is at work on it for so long."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=patience_s)
    except Timeout as busy:
        raise StudyError(
            "another program is at work on the study in {folder}",
            hint="wait until it is done, or stop it; it can be gone on with",
            folder=folder,
        ) from busy
    try:
        yield
    finally:
        lock.release()
