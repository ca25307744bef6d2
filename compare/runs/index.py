"""The index of the runs: SQLite for searching, made from the folders and never trusted further than them."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from compare.runs.folder import put_away
from compare.runs.record import RECORD_FILE, Record, RecordError, read_record
from ideation import TwinseedError

INDEX_FILE = "twinseed.db"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# A new number makes every index anew once.
_VERSION = 3
_TABLE = """
    CREATE TABLE runs (
        name PRIMARY KEY, created, concept, simple, expanded, expander, model, scheduler, seed, images, simple_file,
        expanded_file, digest, search, changed
    )
"""
_INSERT = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OF_DIGEST = "SELECT name FROM runs WHERE digest = ? ORDER BY created DESC, name DESC"
_SELECT = """
    SELECT name, created, concept, simple, expanded, expander, model, scheduler, seed, images, simple_file,
        expanded_file
    FROM runs WHERE matches(search) ORDER BY created DESC, name DESC LIMIT ?
"""

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunRow:
    """One line of the index. `created` is ISO 8601 in UTC; the files are those of the run's first seed."""

    name: str
    created: str
    concept: str
    simple: str
    expanded: str
    expander: str
    model: str
    scheduler: str
    seed: str
    images: int
    simple_file: str
    expanded_file: str


@dataclass(frozen=True)
class LeftOut:
    """A folder of the gallery that ought to be a run and cannot be shown as one, and why."""

    name: str
    problem: TwinseedError


@dataclass(frozen=True)
class Listing:
    """The runs that were found, and whatever stands beside them and is none that can be shown."""

    rows: tuple[RunRow, ...]
    left_out: tuple[LeftOut, ...]


class RunIndex:
    """The index of the runs under the folder `root`, in `root/twinseed.db`; several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / INDEX_FILE

    def add(self, name: str, record: Record) -> None:
        """Raises `sqlite3.Error` or `OSError`; the run will then be taken in when the index is next asked."""
        changed = _changed(self.root / name)
        self._with_index(lambda index: _insert(index, name, record, changed))

    def drop(self, name: str) -> None:
        """Raises `sqlite3.Error` or `OSError`; the run, if it is gone, will then be left out when the index is next
        asked."""
        if self.path.exists() and _shown(name) == name:  # else it is in no index
            self._with_index(lambda index: index.execute("DELETE FROM runs WHERE name = ?", (name,)))

    def listing(self, limit: int, query: str) -> Listing:
        """The newest runs first that hold every word of `query`, as the folders are now; a negative limit is none."""
        words = _searchable(query).split()

        def find(index: sqlite3.Connection) -> list[RunRow]:
            index.create_function("matches", 1, lambda text: all(word in text for word in words), deterministic=True)
            return [RunRow(*row) for row in index.execute(_SELECT, (limit,))]

        rows, left_out = self._found(find)
        return Listing(tuple(rows), tuple(left_out))

    def of_digest(self, digest: str) -> list[str]:
        """The names of the runs that answer the request with that digest, the newest first."""
        return self._found(lambda index: [name for (name,) in index.execute(_OF_DIGEST, (digest,))])[0]

    def _found(self, find: Callable[[sqlite3.Connection], list[T]]) -> tuple[list[T], list[LeftOut]]:
        """What `find` finds in the index, as the folders are now, and what is left out of it."""

        def look(index: sqlite3.Connection) -> tuple[list[T], list[LeftOut]]:
            left_out = self._bring_up_to_date(index)
            return find(index), left_out

        try:
            return self._with_index(look)
        except sqlite3.OperationalError:  # read-only or locked: the folders alone still tell everything
            with closing(sqlite3.connect(":memory:", isolation_level=None)) as index:
                index.execute(_TABLE)
                return look(index)

    def rebuild(self) -> int:
        """Makes the index anew and returns the number of runs in it. Raises `sqlite3.Error` or `OSError`."""

        def fill(index: sqlite3.Connection) -> int:
            with _transaction(index):
                index.execute("DELETE FROM runs")
            self._bring_up_to_date(index)
            return int(index.execute("SELECT count(*) FROM runs").fetchone()[0])

        return self._with_index(fill)

    def _with_index(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Does `work` on the index. A broken index is moved aside, and the folders fill a new one first."""
        try:
            with closing(_open(self.path)) as index:
                return work(index)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BROKEN:
                raise
            aside = f"{INDEX_FILE}.broken-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
            logger.warning("the index %s is broken (%s): kept in the trash as %s, made anew", self.path, error, aside)
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            put_away(self.path, aside)
        for leftover in ("-wal", "-shm"):  # of the broken file: SQLite would play them into the new one
            self.path.with_name(INDEX_FILE + leftover).unlink(missing_ok=True)
        with closing(_open(self.path)) as index:
            self._bring_up_to_date(index)
            return work(index)

    def _bring_up_to_date(self, index: sqlite3.Connection) -> list[LeftOut]:
        """Takes in the runs that are new or whose record was written again, drops those that are gone, and returns what
        has to be left out. One bad folder is in no other's way."""
        # First the index, then the folders: a run that another process writes in between is not taken for deleted.
        known = dict(index.execute("SELECT name, changed FROM runs").fetchall())
        found: list[tuple[str, Record, str]] = []
        left_out: list[LeftOut] = []
        there = set()
        for name in self._folders():
            changed = ""
            try:
                changed = _changed(self.root / name)
                if known.get(name) != changed:
                    found.append((name, _readable(self.root / name), changed))
                there.add(name)
            except _NoRun:
                continue
            except TwinseedError as problem:
                left_out.append(LeftOut(_shown(name), problem))
        gone = known.keys() - there
        if found or gone:
            with _transaction(index):
                index.executemany("DELETE FROM runs WHERE name = ?", [(name,) for name in gone])
                for name, record, changed in found:
                    _insert(index, name, record, changed)
        return left_out

    def _folders(self) -> list[str]:
        """The names of all folders, and of links to some or to nowhere, in order."""
        with os.scandir(self.root) as entries:
            return sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and (entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and not os.path.isfile(entry.path)))
            )


class _NoRun(Exception):
    """A folder that is none and does not look like one."""


def holds_run(folder: Path) -> bool:
    """Whether the folder holds a run, be it one that cannot be read any more."""
    try:
        _changed(folder)
    except _NoRun:
        return False
    return True


def _changed(folder: Path) -> str:
    """What becomes another when the record is written again: empty where that cannot be told. Raises `_NoRun`."""
    try:
        found = (folder / RECORD_FILE).stat(follow_symlinks=False)
    except FileNotFoundError:
        if folder.is_symlink() or any(folder.glob("simple-*.png")):
            return ""
        raise _NoRun from None
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}"


def _readable(folder: Path) -> Record:
    """The record of the run in a folder. Raises `RecordError` where that cannot be shown."""
    if folder.is_symlink():
        raise RecordError(
            "{folder} is a link, and runs are folders", hint="copy the run itself to there", folder=_shown(str(folder))
        )
    if _shown(folder.name) != folder.name:
        raise RecordError(
            "the name of the folder {folder} is not written in UTF-8", hint="rename it", folder=_shown(str(folder))
        )
    return read_record(folder / RECORD_FILE)


def _shown(name: str) -> str:
    """A name with a sign for each byte that is not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _open(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        with contextlib.suppress(sqlite3.OperationalError):  # some network folders have no WAL: slower, but it works
            index.execute("PRAGMA journal_mode = WAL")
        if _version(index) != _VERSION:
            with _transaction(index):
                if _version(index) != _VERSION:  # nobody else was quicker
                    index.execute("DROP TABLE IF EXISTS runs")
                    index.execute(_TABLE)
                    index.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        index.close()
        raise
    return index


def _version(index: sqlite3.Connection) -> int:
    return int(index.execute("PRAGMA user_version").fetchone()[0])


@contextlib.contextmanager
def _transaction(index: sqlite3.Connection) -> Iterator[None]:
    """Short, and locked for writing from the start, so that two processes wait for each other instead of failing."""
    index.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        index.execute("ROLLBACK")
        raise
    index.execute("COMMIT")


def _insert(index: sqlite3.Connection, name: str, record: Record, changed: str) -> None:
    simple, expanded = record.pair(record.seeds[0])
    row = (
        name,
        f"{record.created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        record.concept.text,
        record.prompts.simple,
        record.prompts.expanded,
        record.prompts.expander,
        record.settings.model,
        record.settings.scheduler,
        str(record.settings.seed),
        len(record.seeds),
        simple.file,
        expanded.file,
    )
    index.execute(_INSERT, (*row, record.request.digest, _searchable(" ".join(map(str, row))), changed))


def _searchable(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
