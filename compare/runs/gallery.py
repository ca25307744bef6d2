"""The gallery: a folder per run, and a SQLite index that can always be rebuilt from the folders."""

from __future__ import annotations

import contextlib
import difflib
import errno
import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from compare.runs.errors import GalleryError, cannot_write
from compare.runs.folder import (
    A_MOMENT_S,
    PARTIAL,
    TRASH,
    Busy,
    locked,
    names_like,
    put_away,
    sweep,
    take_free_name,
    tidy,
)
from compare.runs.index import Listing, RunIndex, RunRow, Wanted, holds_run
from compare.runs.marks import Marks, read_marks, write_marks
from compare.runs.record import RECORD_FILE, Record
from compare.runs.run import Run
from compare.runs.writer import RunEditor, RunWriter
from ideation import TwinseedError

#: How long somebody waits for another program that is at work on the same run, which may only be writing its report.
PATIENCE_S = 5.0

logger = logging.getLogger(__name__)


def usual_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where runs are kept unless a folder is named: `TWINSEED_RUNS`, else `runs`.

    >>> usual_folder({"TWINSEED_RUNS": "~/pictures"}) == Path.home() / "pictures"
    True
    """
    return Path(environ.get("TWINSEED_RUNS", "").strip() or "runs").expanduser()


class Gallery:
    """The runs under the folder `root`, which is made when the first run is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._index = RunIndex(root)

    def require_writable(self) -> None:
        """Raises `GalleryError` if nothing can be written here. Ask before rendering, not after."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root, prefix=PARTIAL) as probe:  # has no name, where systems can do it
                probe.write(b"twinseed")
        except OSError as error:
            raise cannot_write(self.root, error) from error

    def begin(self, digest: str) -> RunWriter:
        """A writer for the run that answers the request with that `digest`: for one that was begun and never finished,
        or for a new one. While somebody else is at work on the same request, it is a new one."""
        return RunWriter(self, digest)

    def write(self, record: Record, files: Mapping[str, bytes], report: str) -> Run:
        """Writes a finished run with all its picture `files`. Raises `GalleryError`."""
        with RunWriter(self, record.request.digest, resume=False) as writer:
            writer.add(record, files)
            return writer.finish(report)

    @contextmanager
    def edit(self, name: str) -> Iterator[RunEditor]:
        """The run `name`, to put something else in its place; meanwhile nobody else can. Raises `RecordError`, and
        `GalleryError` where somebody else is at work on it."""
        folder = self.folder(name)
        tidy(self.root)
        with self._alone_at(folder.name, PATIENCE_S):
            sweep(folder)
            yield RunEditor(self, self.open(name))

    def delete(self, name: str) -> Path:
        """Moves the run `name` into the trash, whatever of it can be read, and returns where it is there. Whoever moves
        it back has it again. Raises `GalleryError`; a run that somebody is at work on stays."""
        folder = self.require_run(name)
        tidy(self.root)
        with self._alone_at(folder.name, A_MOMENT_S):
            try:
                trashed = put_away(folder, folder.name)
            except OSError as error:
                raise cannot_write(self.root, error) from error
        try:
            self._index.drop(folder.name)
        except (sqlite3.Error, OSError) as error:
            logger.info("the index still has the deleted run %s, until it is next asked: %s", folder, error)
        return trashed

    def trashed(self) -> list[str]:
        """The names of the runs in the trash, those deleted last first."""
        trash = self.root / TRASH
        try:
            found = [path for path in trash.iterdir() if (path / RECORD_FILE).is_file() and not path.is_symlink()]
            return [
                path.name for path in sorted(found, key=lambda path: (path.stat().st_ctime, path.name), reverse=True)
            ]
        except OSError:
            return []

    def restore(self, name: str) -> str:
        """Moves a run out of the trash again, and returns the name that it has now: another may have taken its own.
        Raises `GalleryError` where there is none of that name."""
        if name not in self.trashed():
            raise self._no_run(name)
        for place in names_like(self.root / name):
            try:
                if take_free_name(self.root / TRASH / name, place):
                    return place.name
            except OSError as error:
                raise cannot_write(self.root, error) from error
        raise self._no_run(name)

    def marks(self, name: str) -> Marks:
        """What somebody has put on the run `name`. Raises `GalleryError`."""
        return read_marks(self.require_run(name))

    def mark(self, name: str, change: Callable[[Marks], Marks]) -> Marks:
        """Changes the marks of the run `name`, whoever else is at work on it, and returns them. Raises `GalleryError`,
        and pydantic's `ValidationError` for marks that cannot be."""
        folder = self.require_run(name)
        try:
            with locked(self.root, f"marks of {folder.name}", PATIENCE_S):
                marks = change(read_marks(folder))
                write_marks(folder, marks)
        except (OSError, Busy) as error:
            raise cannot_write(self.root, error if isinstance(error, OSError) else OSError(str(error))) from error
        with contextlib.suppress(TwinseedError):  # one that cannot be read has no line in the index
            self.take_in(folder.name, self.open(folder.name).record)
        return marks

    def runs(self, limit: int = 50, query: str = "") -> list[RunRow]:
        """The newest runs first; each word of `query` must occur in the concept, a prompt, the settings or the name."""
        return list(self.listing(limit, query).rows)

    def listing(self, limit: int = 50, query: str = "", *, wanted: Wanted | None = None, offset: int = 0) -> Listing:
        """The same, with what lies beside the runs and cannot be shown, and why; `wanted` says more than `query`.

        Runs that were copied into the folder, deleted from it or changed by hand are noticed.
        """
        if not self.root.exists():
            return Listing((), ())
        try:
            if not self.root.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            return self._index.listing(limit, Wanted(query) if wanted is None else wanted, offset)
        except OSError as error:
            raise GalleryError(
                "cannot read the runs folder {root}: {reason}",
                hint="check who may read it",
                root=self.root,
                reason=error.strerror,
            ) from error

    def rebuild(self) -> int:
        """Makes the index anew from the folders and returns the number of runs in it."""
        if not self.root.is_dir():
            return 0
        tidy(self.root)
        try:
            return self._index.rebuild()
        except (sqlite3.Error, OSError) as error:
            raise GalleryError(
                "cannot rebuild {path}: {error}",
                hint="close what else has it open, or check its rights",
                path=self._index.path,
                error=error,
            ) from error

    def folder(self, name: str) -> Path:
        """The folder of the run `name`. Raises `GalleryError` if it is not the plain name of a run in here."""
        folder = self.root / name
        # On Windows a backslash and a colon say where to; elsewhere a name may have them.
        plain = name == Path(name).name and not name.startswith(".")
        inside = os.path.isdir(folder) and not folder.is_symlink() and folder.resolve().parent == self.root.resolve()
        if not plain or not inside:
            raise self._no_run(name)
        return folder

    def require_run(self, name: str) -> Path:
        """The folder of the run `name`, be it one that cannot be read any more. Raises `GalleryError`."""
        folder = self.folder(name)
        if not holds_run(folder):
            raise self._no_run(name)
        return folder

    def refuse(self, name: str) -> NoReturn:
        """Raises the `GalleryError` of a run that is not there."""
        raise self._no_run(name)

    def open(self, name: str) -> Run:
        """The run `name`. Raises `GalleryError` or `RecordError`."""
        return Run.open(self.folder(name))

    def unfinished(self, digest: str) -> Run | None:
        """The newest run that answers the request with that `digest` and lacks something of it, if only its report."""
        return next((run for run in self._of_digest(digest) if not _is_finished(run)), None)

    def finished(self, digest: str) -> Run | None:
        """The newest run that answers the request with that `digest`, with all that was asked for, as it was made."""
        return next((run for run in self._of_digest(digest) if _is_finished(run) and not any(run.damage())), None)

    def _of_digest(self, digest: str) -> Iterator[Run]:
        """The runs that answer the request with that `digest` and can be read, the newest first."""
        folders = self.root.iterdir() if self.root.is_dir() else iter(())
        if not any(path.is_dir() and not path.name.startswith(".") for path in folders):
            return  # and no index is made of nothing
        for name in self._index.of_digest(digest):
            with contextlib.suppress(TwinseedError):
                run = self.open(name)
                if run.record.request.digest == digest:
                    yield run

    @contextmanager
    def _alone_at(self, name: str, wait_s: float) -> Iterator[None]:
        """Keeps others away from the run. Raises `GalleryError` where somebody is at work on it."""
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.root, name, wait_s))
            except Busy as busy:
                raise GalleryError(
                    "another program is at work on the run {name}",
                    hint="wait until it is done, or stop it, and try again",
                    name=name,
                ) from busy
            except OSError as error:
                raise cannot_write(self.root, error) from error
            yield

    def _no_run(self, name: str) -> GalleryError:
        near = self._names_near(name)
        return GalleryError(
            "there is no run {name!r} in {root}",
            hint="did you mean one of these? {near}" if near else "`twinseed runs` shows the runs there are",
            name=name,
            root=self.root,
            near=", ".join(near),
        )

    def _names_near(self, name: str) -> list[str]:
        """The names of runs that somebody may have meant: the newest that have it in them, or hardly differ."""
        try:
            there = sorted(
                (
                    one.name
                    for one in self.root.iterdir()
                    if one.name[:1] != "." and one.name != name and holds_run(one)
                ),
                reverse=True,
            )
        except OSError:
            return []
        having = [one for one in there if name.strip() and name.casefold() in one.casefold()]
        return having[:3] or difflib.get_close_matches(name, there[:500], n=3, cutoff=0.75)

    def take_in(self, name: str, record: Record) -> None:
        """Into the index; without it, the run is there all the same, and taken in when the index is next asked."""
        try:
            self._index.add(name, record)
        except (sqlite3.Error, OSError) as error:
            logger.warning("the run is saved in %s, but not yet in the index: %s", self.root / name, error)


def _is_finished(run: Run) -> bool:
    return run.record.complete and run.report.is_file()
