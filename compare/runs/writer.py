"""Writers: a run on its way to the disk, and one that is there and gets something else in its place."""

from __future__ import annotations

import contextlib
import errno
import re
import secrets
import shutil
import unicodedata
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from compare.runs.errors import cannot_write
from compare.runs.folder import PARTIAL, Busy, locked, names_like, sweep, take_free_name, tidy, write_whole
from compare.runs.record import RECORD_FILE, Record
from compare.runs.run import REPORT_FILE, Run
from ideation import TwinseedError

SLUG_LENGTH = 40


class Shelf(Protocol):
    """The runs of a folder, of which writers make one more."""

    root: Path

    def open(self, name: str) -> Run: ...

    def unfinished(self, digest: str) -> Run | None: ...

    def take_in(self, name: str, record: Record) -> None: ...


class RunEditor:
    """A run that is there, as it was when all others were kept away from it."""

    def __init__(self, shelf: Shelf, run: Run) -> None:
        self._shelf, self.run = shelf, run

    def amend(self, record: Record, files: Mapping[str, bytes], report: str | None) -> Run:
        """Puts another `record` in the place of the run's own, with new picture `files` of its findings and a new
        `report`, unless that is to follow. The pictures come first and the record after them: whoever is killed on the
        way leaves a run that is whole. Raises `GalleryError`."""
        folder = self.run.folder
        try:
            for file, content in files.items():
                write_whole(folder / file, content)
            write_whole(folder / RECORD_FILE, record.to_json().encode())
            if report is not None:
                write_whole(folder / REPORT_FILE, report.encode())
        except OSError as error:
            raise cannot_write(self._shelf.root, error) from error
        self._shelf.take_in(folder.name, record)
        self.run = Run(folder, record)
        return self.run


class RunWriter:
    """Writes a run while it is being made: what is finished is on the disk at once, and the record after it.

    A folder in the gallery always has a record that is true of it. Whoever is killed keeps what was finished; the next
    writer for the same request goes on with it. `run` is what is there so far, None before the first pair. Nobody else
    can delete it or write into it meanwhile.
    """

    def __init__(self, shelf: Shelf, digest: str, *, resume: bool = True) -> None:
        self._shelf, self._digest, self._resume = shelf, digest, resume
        self._locks = ExitStack()
        #: How the folder's name begins until the first pair is whole.
        self._mine = f"{PARTIAL}{digest[:16]}-"
        self.run: Run | None = None

    def __enter__(self) -> Self:
        root = self._shelf.root
        with ExitStack() as locks:
            try:
                root.mkdir(parents=True, exist_ok=True)
                tidy(root, but=self._mine)
                if self._resume:
                    with contextlib.suppress(Busy):
                        locks.enter_context(locked(root, f"request {self._digest}"))
                        self.run = self._left_unfinished(locks)
            except OSError as error:
                raise cannot_write(self._shelf.root, error) from error
            self._locks = locks.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locks.close()

    def _left_unfinished(self, locks: ExitStack) -> Run | None:
        """The run to go on with, if there is one and nobody is at work on it."""
        found = self._shelf.unfinished(self._digest)
        if found is None:
            return None
        locks.enter_context(locked(self._shelf.root, found.name))
        sweep(found.folder)
        with contextlib.suppress(TwinseedError):  # deleted just now
            return self._shelf.open(found.name)
        return None

    @property
    def made(self) -> Run:
        """What is there so far; there must be a finished pair."""
        assert self.run is not None  # noqa: S101 - whoever asks has added one
        return self.run

    def start_anew(self) -> None:
        """Leaves what was found unfinished as it is: it was made with another model or other libraries."""
        self.run = None

    def add(self, record: Record, files: Mapping[str, bytes]) -> Run:
        """Puts `record` in the place of the one so far, with the new picture `files` that it names.

        Raises `GalleryError` when the disk is full or refuses; the pictures that were saved by then stay, and the hint
        names them.
        """
        saved: list[Path] = []
        try:
            if self.run is None:
                folder = self._first(record, files, saved)
            else:
                folder = self.run.folder
                _write_all(folder, record, files, saved)
        except OSError as error:
            raise cannot_write(self._shelf.root, error, saved) from error
        self.run = Run(folder, record)
        self._shelf.take_in(folder.name, record)
        return self.run

    def finish(self, report: str) -> Run:
        """Writes the run's report. Raises `GalleryError`."""
        try:
            write_whole(self.made.report, report.encode())
        except OSError as error:
            saved = [self.made.folder / name for name in self.made.record.files]
            raise cannot_write(self._shelf.root, error, saved) from error
        return self.made

    def _first(self, record: Record, files: Mapping[str, bytes], saved: list[Path]) -> Path:
        """A new folder, which has its name only when the first pair and its record are in it."""
        root = self._shelf.root
        before = [path for path in root.iterdir() if path.name.startswith(self._mine)]
        partial = root / f"{self._mine}{secrets.token_hex(6)}"
        with locked(root, partial.name, wait_s=60):  # which nobody else can know; who tidies may have it for a moment
            partial.mkdir()
            try:
                _write_all(partial, record, files, saved)
                folder = self._named(partial, root / run_name(record))
            except BaseException:
                with contextlib.suppress(OSError):  # of an unfinished run, what is whole stays: the pictures
                    for path in set(partial.iterdir()) - set(saved):
                        path.unlink()
                    if not saved:
                        partial.rmdir()
                raise
        for path in before:  # of somebody who was killed: their pictures are here again
            with contextlib.suppress(Busy, OSError), locked(root, path.name, wait_s=0):
                shutil.rmtree(path)
        return folder

    def _named(self, partial: Path, wanted: Path) -> Path:
        """Renames the finished folder, and locks it under its name before anybody can see it. Two programs may want
        one name in one second: the later takes name-2."""
        for folder in names_like(wanted):
            with ExitStack() as lock:
                try:
                    lock.enter_context(locked(folder.parent, folder.name, wait_s=0))
                    if not take_free_name(partial, folder):
                        continue
                except Busy:
                    continue
                self._locks.push(lock.pop_all())
                return folder
        raise FileExistsError(errno.EEXIST, "a thousand runs of this name", str(wanted))


def run_name(record: Record) -> str:
    """A name that sorts by time and can be read: `20261123-142530-a-dog-riding-a-bicycle-7`."""
    ascii_text = unicodedata.normalize("NFKD", record.prompts.simple).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", ascii_text))
    if len(slug) > SLUG_LENGTH:
        cut = slug[: SLUG_LENGTH + 1].rpartition("-")[0]
        slug = cut or slug[:SLUG_LENGTH]
    return "-".join(filter(None, [f"{record.created:%Y%m%d-%H%M%S}", slug, str(record.settings.seed)]))


def _write_all(folder: Path, record: Record, files: Mapping[str, bytes], saved: list[Path]) -> None:
    for name, content in files.items():
        write_whole(folder / name, content)
        saved.append(folder / name)
    write_whole(folder / RECORD_FILE, record.to_json().encode())
