"""The gallery: a folder per run, and a SQLite index that can always be rebuilt from the folders."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import sqlite3
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from compare.report.html import Language, render_report
from compare.runs.index import RunIndex, RunRow
from compare.runs.record import RECORD_FILE, Record, read_record
from compare.runs.run import Run, picture_file, record_of
from generate.files import PARTIAL, write_png
from ideation.errors import TwinseedError

REPORT_FILE = "report.html"
SLUG_LENGTH = 40
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

SavePng = Callable[[Image.Image, Path, Mapping[str, str]], None]

logger = logging.getLogger(__name__)


class GalleryError(TwinseedError):
    """The runs folder cannot be read or written, or has no such run."""


def save_png(image: Image.Image, path: Path, text: Mapping[str, str]) -> None:
    """Writes `image` as a PNG with the text chunks `text`, whole and to the disk, or not at all."""
    write_png(path, image, text)


class Gallery:
    """The runs under the folder `root`, which is made when the first run is written."""

    def __init__(self, root: Path, save_png: SavePng = save_png) -> None:
        self.root = root
        self._save_png = save_png
        self._index = RunIndex(root)

    def require_writable(self) -> None:
        """Raises `GalleryError` if nothing can be written here. Ask before rendering, not after."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.root, prefix=PARTIAL) as probe:
                probe.write(b"twinseed")
        except OSError as error:
            raise self._cannot_write(error, saved=[]) from error

    def write(self, run: Run, language: Language = "en") -> Path:
        """Writes the run whole, or not under its name at all, and returns its folder; the report is in `language`.

        Whoever is killed on the way leaves a folder whose name begins with a full stop; it is not taken for a run.
        Raises `GalleryError` when the disk is full or refuses; the pictures that were saved by then stay, and the
        hint names them.
        """
        saved: list[Path] = []
        partial: Path | None = None
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=self.root, prefix=PARTIAL))
            partial.chmod(0o755)  # mkdtemp keeps others out, but runs are there to be shown
            for render in run.renders:
                path = partial / picture_file(render)
                self._save_png(render.image, path, run.png_text.get((render.arm, render.seed), {}))
                saved.append(path)
            png = {path.name: path.read_bytes() for path in saved}
            for name, content in run.files.items():
                _write(partial / name, content)
                saved.append(partial / name)
                png[name] = content
            record = record_of(run, png)
            _write(partial / RECORD_FILE, record.to_json().encode())
            _write(partial / REPORT_FILE, render_report(record, png, language).encode())
            folder = self._take_name(partial, run_name(record))
        except OSError as error:
            if partial is not None:
                _discard(partial, saved)
            raise self._cannot_write(error, saved) from error
        except TwinseedError:
            if partial is not None:
                _discard(partial, saved)
            raise
        try:
            self._index.add(folder.name, record)
        except (sqlite3.Error, OSError) as error:
            logger.warning("the run is saved in %s, but not yet in the index: %s", folder, error)
        return folder

    def amend(self, name: str, record: Record, files: Mapping[str, bytes], language: Language = "en") -> Path:
        """Puts another `record` in the place of the run's own, with the new picture `files` of its findings, and writes
        the report again. Returns the run's folder. Raises as `write` and `pictures` do.

        The pictures come first and the record after them: whoever is killed on the way leaves a run that is whole.
        """
        folder = self.folder(name)
        kept = {file: (folder / file).read_bytes() for file in record.files if file not in files}
        report = render_report(record, {**kept, **files}, language)
        try:
            for file, content in (
                *files.items(),
                (RECORD_FILE, record.to_json().encode()),
                (REPORT_FILE, report.encode()),
            ):
                partial = folder / f"{PARTIAL}{file}"
                _write(partial, content)
                partial.replace(folder / file)
        except OSError as error:
            raise self._cannot_write(error, saved=[]) from error
        return folder

    def runs(self, limit: int = 50, query: str = "") -> list[RunRow]:
        """The newest runs first; each word of `query` must occur in the concept, a prompt, the settings or the name.

        Runs that were copied into the folder or deleted from it by hand are noticed.
        """
        if not self.root.is_dir():
            return []
        try:
            return self._index.rows(limit, query)
        except OSError as error:
            raise GalleryError(
                f"cannot read the runs folder {self.root}: {error.strerror}", hint="check who may read it"
            ) from error

    def rebuild(self) -> int:
        """Makes the index anew from the folders and returns the number of runs in it."""
        try:
            return self._index.rebuild() if self.root.is_dir() else 0
        except (sqlite3.Error, OSError) as error:
            raise GalleryError(
                f"cannot rebuild {self._index.path}: {error}", hint="close what else has it open, or check its rights"
            ) from error

    def folder(self, name: str) -> Path:
        """The folder of the run `name`. Raises `GalleryError` if it is not the plain name of a run in here."""
        folder = self.root / name
        plain = 0 < len(name) <= 200 and not name.startswith(".") and not any(mark in name for mark in "/\\:\0")
        if not plain or not folder.is_dir() or folder.resolve().parent != self.root.resolve():
            raise GalleryError(
                f"there is no run {name!r} in {self.root}", hint="`twinseed page` shows the runs there are"
            )
        return folder

    def open_record(self, name: str) -> Record:
        """The record of the run `name`. Raises `GalleryError` or `compare.runs.record.RecordError`."""
        return read_record(self.folder(name) / RECORD_FILE)

    def pictures(self, name: str) -> dict[str, bytes]:
        """The bytes of the run's picture files by their names in the record. Raises as `open_record` does."""
        folder = self.folder(name)
        paths = [folder / file for file in self.open_record(name).files]
        for path in paths:
            if path.is_symlink() or not path.is_file():
                raise GalleryError(f"the picture {path} is missing", hint="copy the run again from where it was made")
        return {path.name: path.read_bytes() for path in paths}

    def _take_name(self, partial: Path, name: str) -> Path:
        """Renames the finished folder. Two processes may want one name in one second: the later takes name-2."""
        for attempt in range(1, 1000):
            folder = self.root / (name if attempt == 1 else f"{name}-{attempt}")
            try:
                partial.rename(folder)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR) and not folder.exists():
                    raise
            else:
                return folder
        raise FileExistsError(errno.EEXIST, "a thousand runs of this name", str(self.root / name))

    def _cannot_write(self, error: OSError, saved: list[Path]) -> GalleryError:
        kept = f"; these pictures were saved: {', '.join(map(str, saved))}" if saved else ""
        if error.errno in _NO_ROOM:
            return GalleryError(
                f"no room left for the runs in {self.root}: {error.strerror}",
                hint=f"make room, or choose another place with --runs FOLDER{kept}",
            )
        if isinstance(error, FileExistsError | NotADirectoryError):
            return GalleryError(
                f"the runs folder {self.root} is a file, or lies inside one",
                hint=f"choose a folder with --runs FOLDER or TWINSEED_RUNS{kept}",
            )
        return GalleryError(
            f"cannot write to the runs folder {self.root}: {error.strerror}",
            hint=f"choose a folder you may write to, with --runs FOLDER or TWINSEED_RUNS{kept}",
        )


def run_name(record: Record) -> str:
    """A name that sorts by time and can be read: `20261123-142530-a-dog-riding-a-bicycle-7`."""
    ascii_text = unicodedata.normalize("NFKD", record.prompts.simple).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", ascii_text))
    if len(slug) > SLUG_LENGTH:
        cut = slug[: SLUG_LENGTH + 1].rpartition("-")[0]
        slug = cut or slug[:SLUG_LENGTH]
    return "-".join(filter(None, [f"{record.created:%Y%m%d-%H%M%S}", slug, str(record.settings.seed)]))


def _write(path: Path, content: bytes) -> None:
    """To the disk itself: a full or failing one must say so now, not after the folder has its final name."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _discard(partial: Path, saved: list[Path]) -> None:
    """Leaves of an unfinished run what is whole: the pictures that were saved."""
    with contextlib.suppress(OSError):
        for path in set(partial.iterdir()) - set(saved):
            path.unlink()
        if not saved:
            partial.rmdir()
