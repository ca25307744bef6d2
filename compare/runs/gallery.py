"""The gallery: a folder per run, and a SQLite index that can always be rebuilt from the folders."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

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
    write_whole,
)
from compare.runs.index import Listing, RunIndex, RunRow, Wanted, holds_run
from compare.runs.marks import Marks, read_marks, write_marks
from compare.runs.record import RECORD_FILE, Record
from compare.runs.run import REPORT_FILE, Run
from ideation import Clause, TwinseedError

#: How long somebody waits for another program that is at work on the same run, which may only be writing its report.
PATIENCE_S = 5.0
SLUG_LENGTH = 40
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

logger = logging.getLogger(__name__)


class GalleryError(TwinseedError):
    """The runs folder cannot be read or written, or has no such run."""


class CannotWrite(GalleryError):
    """Nothing more can be written to the runs folder, whatever run it is for: there is no room, or no right to."""


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
            raise self._cannot_write(error, saved=[]) from error

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
                raise self._cannot_write(error, saved=[]) from error
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
                raise self._cannot_write(error, saved=[]) from error
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
            raise self._cannot_write(error if isinstance(error, OSError) else OSError(str(error)), saved=[]) from error
        with contextlib.suppress(TwinseedError):  # one that cannot be read has no line in the index
            self._take_in(folder.name, self.open(folder.name).record)
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
                raise self._cannot_write(error, saved=[]) from error
            yield

    def _no_run(self, name: str) -> GalleryError:
        return GalleryError(
            "there is no run {name!r} in {root}",
            hint="`twinseed runs` shows the runs there are",
            name=name,
            root=self.root,
        )

    def _take_in(self, name: str, record: Record) -> None:
        """Into the index; without it, the run is there all the same, and taken in when the index is next asked."""
        try:
            self._index.add(name, record)
        except (sqlite3.Error, OSError) as error:
            logger.warning("the run is saved in %s, but not yet in the index: %s", self.root / name, error)

    def _cannot_write(self, error: OSError, saved: list[Path]) -> CannotWrite:
        kept = Clause("; these pictures were saved: {files}", files=", ".join(map(str, saved))) if saved else ""
        if error.errno in _NO_ROOM:
            return CannotWrite(
                "no room left for the runs in {root}: {reason}",
                hint="make room, or choose another place with --runs FOLDER{kept}",
                root=self.root,
                reason=error.strerror,
                kept=kept,
            )
        if isinstance(error, FileExistsError | NotADirectoryError):
            return CannotWrite(
                "the runs folder {root} is a file, or lies inside one",
                hint="choose a folder with --runs FOLDER or TWINSEED_RUNS{kept}",
                root=self.root,
                kept=kept,
            )
        return CannotWrite(
            "cannot write to the runs folder {root}: {reason}",
            hint="choose a folder you may write to, with --runs FOLDER or TWINSEED_RUNS{kept}",
            root=self.root,
            reason=error.strerror,
            kept=kept,
        )


def _whole(run: Run) -> bool:
    return run.record.complete and run.report.is_file()


class RunEditor:
    """A run that is there, as it was when all others were kept away from it."""

    def __init__(self, gallery: Gallery, run: Run) -> None:
        self._gallery, self.run = gallery, run

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
            raise self._gallery._cannot_write(error, saved=[]) from error
        self._gallery._take_in(folder.name, record)
        self.run = Run(folder, record)
        return self.run


class RunWriter:
    """Writes a run while it is being made: what is finished is on the disk at once, and the record after it.

    A folder in the gallery always has a record that is true of it. Whoever is killed keeps what was finished; the next
    writer for the same request goes on with it. `run` is what is there so far, None before the first pair. Nobody else
    can delete it or write into it meanwhile.
    """

    def __init__(self, gallery: Gallery, digest: str, *, resume: bool = True) -> None:
        self._gallery, self._digest, self._resume = gallery, digest, resume
        self._locks = ExitStack()
        #: How the folder's name begins until the first pair is whole.
        self._mine = f"{PARTIAL}{digest[:16]}-"
        self.run: Run | None = None

    def __enter__(self) -> Self:
        root = self._gallery.root
        with ExitStack() as locks:
            try:
                root.mkdir(parents=True, exist_ok=True)
                tidy(root, but=self._mine)
                if self._resume:
                    with contextlib.suppress(Busy):
                        locks.enter_context(locked(root, f"request {self._digest}"))
                        self.run = self._left_unfinished(locks)
            except OSError as error:
                raise self._gallery._cannot_write(error, saved=[]) from error
            self._locks = locks.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locks.close()

    def _left_unfinished(self, locks: ExitStack) -> Run | None:
        """The run to go on with, if there is one and nobody is at work on it."""
        found = self._gallery.unfinished(self._digest)
        if found is None:
            return None
        locks.enter_context(locked(self._gallery.root, found.name))
        sweep(found.folder)
        with contextlib.suppress(TwinseedError):  # deleted just now
            return self._gallery.open(found.name)
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
            raise self._gallery._cannot_write(error, saved) from error
        self.run = Run(folder, record)
        self._gallery._take_in(folder.name, record)
        return self.run

    def finish(self, report: str) -> Run:
        """Writes the run's report. Raises `GalleryError`."""
        try:
            write_whole(self.made.report, report.encode())
        except OSError as error:
            saved = [self.made.folder / name for name in self.made.record.files]
            raise self._gallery._cannot_write(error, saved) from error
        return self.made

    def _first(self, record: Record, files: Mapping[str, bytes], saved: list[Path]) -> Path:
        """A new folder, which has its name only when the first pair and its record are in it."""
        root = self._gallery.root
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


def _is_finished(run: Run) -> bool:
    return run.record.complete and run.report.is_file()


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
