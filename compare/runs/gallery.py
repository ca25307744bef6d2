"""The gallery: a folder per run, and a SQLite index that can always be rebuilt from the folders."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import shutil
import sqlite3
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from compare.runs.index import Listing, RunIndex, RunRow
from compare.runs.record import RECORD_FILE, Record
from compare.runs.run import REPORT_FILE, Run
from ideation import Clause, TwinseedError

#: How the names of files and folders begin that are being written; whatever bears it was never finished.
PARTIAL = ".partial-"
SLUG_LENGTH = 40
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

logger = logging.getLogger(__name__)


class GalleryError(TwinseedError):
    """The runs folder cannot be read or written, or has no such run."""


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
            with tempfile.NamedTemporaryFile(dir=self.root, prefix=PARTIAL) as probe:
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

    def amend(self, name: str, record: Record, files: Mapping[str, bytes], report: str | None) -> Run:
        """Puts another `record` in the place of the run's own, with new picture `files` of its findings and a new
        `report`, unless that is to follow. The pictures come first and the record after them: whoever is killed on the
        way leaves a run that is whole. Raises `GalleryError`."""
        folder = self.folder(name)
        try:
            for file, content in files.items():
                write_whole(folder / file, content)
            write_whole(folder / RECORD_FILE, record.to_json().encode())
            if report is not None:
                write_whole(folder / REPORT_FILE, report.encode())
        except OSError as error:
            raise self._cannot_write(error, saved=[]) from error
        self._take_in(folder.name, record)
        return Run(folder, record)

    def runs(self, limit: int = 50, query: str = "") -> list[RunRow]:
        """The newest runs first; each word of `query` must occur in the concept, a prompt, the settings or the name."""
        return list(self.listing(limit, query).rows)

    def listing(self, limit: int = 50, query: str = "") -> Listing:
        """The same, with what lies beside the runs and cannot be shown, and why.

        Runs that were copied into the folder, deleted from it or changed by hand are noticed.
        """
        if not self.root.is_dir():
            return Listing((), ())
        try:
            return self._index.listing(limit, query)
        except OSError as error:
            raise GalleryError(
                "cannot read the runs folder {root}: {reason}",
                hint="check who may read it",
                root=self.root,
                reason=error.strerror,
            ) from error

    def rebuild(self) -> int:
        """Makes the index anew from the folders and returns the number of runs in it."""
        try:
            return self._index.rebuild() if self.root.is_dir() else 0
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
        if not plain or not os.path.isdir(folder) or folder.resolve().parent != self.root.resolve():
            raise GalleryError(
                "there is no run {name!r} in {root}",
                hint="`twinseed page` shows the runs there are",
                name=name,
                root=self.root,
            )
        return folder

    def open(self, name: str) -> Run:
        """The run `name`. Raises `GalleryError` or `RecordError`."""
        return Run.open(self.folder(name))

    def unfinished(self, digest: str) -> Run | None:
        """The newest run that answers the request with that `digest` and lacks something of it."""
        folders = self.root.iterdir() if self.root.is_dir() else iter(())
        if not any(path.is_dir() and not path.name.startswith(".") for path in folders):
            return None  # and no index is made of nothing
        for name in self._index.of_digest(digest):
            with contextlib.suppress(TwinseedError):
                run = self.open(name)
                if run.record.request.digest == digest and not run.record.complete:
                    return run
        return None

    def _take_in(self, name: str, record: Record) -> None:
        """Into the index; without it, the run is there all the same, and taken in when the index is next asked."""
        try:
            self._index.add(name, record)
        except (sqlite3.Error, OSError) as error:
            logger.warning("the run is saved in %s, but not yet in the index: %s", self.root / name, error)

    def _cannot_write(self, error: OSError, saved: list[Path]) -> GalleryError:
        kept = Clause("; these pictures were saved: {files}", files=", ".join(map(str, saved))) if saved else ""
        if error.errno in _NO_ROOM:
            return GalleryError(
                "no room left for the runs in {root}: {reason}",
                hint="make room, or choose another place with --runs FOLDER{kept}",
                root=self.root,
                reason=error.strerror,
                kept=kept,
            )
        if isinstance(error, FileExistsError | NotADirectoryError):
            return GalleryError(
                "the runs folder {root} is a file, or lies inside one",
                hint="choose a folder with --runs FOLDER or TWINSEED_RUNS{kept}",
                root=self.root,
                kept=kept,
            )
        return GalleryError(
            "cannot write to the runs folder {root}: {reason}",
            hint="choose a folder you may write to, with --runs FOLDER or TWINSEED_RUNS{kept}",
            root=self.root,
            reason=error.strerror,
            kept=kept,
        )


class RunWriter:
    """Writes a run while it is being made: what is finished is on the disk at once, and the record after it.

    A folder in the gallery always has a record that is true of it. Whoever is killed keeps what was finished; the next
    writer for the same request goes on with it. `run` is what is there so far, None before the first pair.
    """

    def __init__(self, gallery: Gallery, digest: str, *, resume: bool = True) -> None:
        self._gallery, self._digest, self._resume = gallery, digest, resume
        self.run: Run | None = None

    def __enter__(self) -> Self:
        root = self._gallery.root
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(root / f".lock-{self._digest[:16]}")
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                self._resume = False
        except OSError as error:
            raise self._gallery._cannot_write(error, saved=[]) from error
        if self._resume:
            self.run = self._gallery.unfinished(self._digest)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink()
            self._lock.release()

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
        # Whoever has no lock works beside others: their folders must not be taken for those of somebody who was killed.
        mine = f"{PARTIAL}{self._digest[:16]}-" if self._lock.is_locked else f"{PARTIAL}beside-{self._digest[:16]}-"
        before = [path for path in root.iterdir() if path.name.startswith(mine)] if self._lock.is_locked else []
        partial = Path(tempfile.mkdtemp(dir=root, prefix=mine))
        try:
            partial.chmod(0o755)  # mkdtemp keeps others out, but runs are there to be shown
            _write_all(partial, record, files, saved)
            folder = _take_name(partial, root / run_name(record))
        except BaseException:
            with contextlib.suppress(OSError):  # of an unfinished run, what is whole stays: the pictures
                for path in set(partial.iterdir()) - set(saved):
                    path.unlink()
                if not saved:
                    partial.rmdir()
            raise
        for path in before:  # of somebody who was killed: their pictures are here again
            shutil.rmtree(path, ignore_errors=True)
        return folder


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, and to the disk itself: a full or failing one must say so now."""
    partial = path.with_name(f"{PARTIAL}{path.name}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


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


def _take_name(partial: Path, wanted: Path) -> Path:
    """Renames the finished folder. Two processes may want one name in one second: the later takes name-2."""
    for folder in _names(wanted):
        try:
            partial.rename(folder)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR) and not folder.exists():
                raise
        else:
            return folder
    raise FileExistsError(errno.EEXIST, "a thousand runs of this name", str(wanted))


def _names(wanted: Path) -> Iterator[Path]:
    yield wanted
    for number in range(2, 1000):
        yield wanted.with_name(f"{wanted.name}-{number}")
