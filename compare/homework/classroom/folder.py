"""The folder of a class on the disk: there as a whole or not at all, and brought up to date without a moment in which
its page lacks a picture."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from compare.homework.classroom.content import CLASS_FILE, Class, ClassError, read_class
from compare.homework.classroom.pictures import PICTURES
from compare.runs import write_whole
from compare.runs.folder import PARTIAL, Busy, locked, sweep

INDEX_FILE, BALLOT_FILE = "index.html", "ballot.html"
TABLES = ("grades.csv", "grades.xlsx", "votes.csv")


class ClassFolder:
    """The folder in which a class is, or will be: `before` is the class that it holds.

    A new one waits beside its name until `finish`. In one that is there, pictures are added under the names of what is
    in them, then the pages take the place of the old ones, and what no page needs any more goes last.
    """

    folder: Path
    before: Class | None
    _stage: Path

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator[ClassFolder]:
        """The folder, for nobody else until the end; of a new one nothing stays if something goes wrong. Raises
        `ClassError` for a folder that holds something else, which is never touched."""
        self = cls()
        self.folder = Path(os.path.abspath(folder))
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.folder.parent, f"class {self.folder.name}"):
                self.before = self._class_before()
                self._begin()
                try:
                    yield self
                except BaseException:
                    if self.before is None:
                        shutil.rmtree(self._stage, ignore_errors=True)
                    raise
        except Busy as error:
            raise ClassError(
                "another program is writing the class in {folder}",
                hint="wait until it has finished, or name another folder",
                folder=self.folder,
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error

    def _begin(self) -> None:
        if self.before is None:
            self._stage = self.folder.with_name(f"{PARTIAL}{self.folder.name}")
            if self._stage.exists():  # of a program that was killed
                shutil.rmtree(self._stage)
        else:
            self._stage = self.folder
            for place in (self.folder, self.folder / PICTURES):
                sweep(place)
        (self._stage / PICTURES).mkdir(parents=True, exist_ok=True)

    def _class_before(self) -> Class | None:
        if not self.folder.exists() and not self.folder.is_symlink():
            return None
        if not self.folder.is_dir():
            raise ClassError("{folder} is not a folder", hint="name another one, as in --out class", folder=self.folder)
        if not any(self.folder.iterdir()):
            return None
        try:
            return read_class(self.folder)
        except ClassError as error:
            raise ClassError(
                "the folder {folder} is not empty, and it is not that of a class",
                hint="name a new one, as in --out class-2",
                folder=self.folder,
            ) from error

    def add_pictures(self, files: Mapping[str, bytes]) -> None:
        """Keeps these pictures, by their names seen from the page. Raises `OSError`."""
        for name, content in files.items():
            if not (self._stage / name).is_file():
                write_whole(self._stage / name, content)

    def finish(self, room: Class, files: Mapping[str, bytes], pictures: Collection[str]) -> list[Path]:
        """Writes the class and its other `files`, and takes away the pictures that are none of `pictures`. Returns what
        tables were put aside, as somebody had worked in them. Raises `OSError`."""
        kept: list[Path] = []
        tables = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name in TABLES}
        known = {} if self.before is None else dict(self.before.written)
        for name, content in files.items():
            if name in TABLES and (aside := self._put_aside(name, known.get(name), tables[name])):
                kept.append(aside)
            write_whole(self._stage / name, content)
        written = room.model_copy(update={"written": known | tables})
        write_whole(self._stage / CLASS_FILE, written.to_json().encode())
        if self.before is None:
            with contextlib.suppress(OSError):
                self.folder.rmdir()  # an empty one
            self._stage.rename(self.folder)
        else:
            for path in (self.folder / PICTURES).iterdir():
                if f"{PICTURES}/{path.name}" not in pictures:
                    path.unlink()
        return kept

    def _put_aside(self, name: str, before: str | None, now: str) -> Path | None:
        """Renames a table that is not as it was written, so that what somebody put into it stays."""
        path = self._stage / name
        if self.before is None or not path.is_file():
            return None
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found in (before, now):
            return None
        for number in range(1, 1000):
            aside = path.with_name(f"{path.stem}-before-{number}{path.suffix}")
            if not aside.exists():
                path.rename(aside)
                return aside
        raise FileExistsError(path)

    def _unwritable(self, error: OSError) -> ClassError:
        return ClassError(
            "cannot write {folder}: {reason}",
            hint="close what has its files open, see that there is room, or name another folder with --out",
            folder=self.folder,
            reason=error.strerror or str(error),
        )
