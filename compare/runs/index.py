"""The index of the runs: SQLite for searching, made from the folders and never trusted further than them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from compare.runs.folder import put_away
from compare.runs.marks import Marks, marks_changed, read_marks
from compare.runs.record import RECORD_FILE, Record, RecordError, read_record
from ideation import TwinseedError

INDEX_FILE = "twinseed.db"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# A new number makes every index anew once.
_VERSION = 4
_TABLE = """
    CREATE TABLE runs (
        name PRIMARY KEY, created, concept, simple, expanded, expander, model, scheduler, seed, images, simple_file,
        expanded_file, styles, verdict, star, tags, shelf, digest, search, changed
    )
"""
_INSERT = "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OF_DIGEST = "SELECT name FROM runs WHERE digest = ? ORDER BY created DESC, name DESC"
_SELECT = """
    SELECT name, created, concept, simple, expanded, expander, model, scheduler, seed, images, simple_file,
        expanded_file, styles, verdict, star, tags
    FROM runs {where} ORDER BY created DESC, changed DESC, name DESC LIMIT ? OFFSET ?
"""
_COUNT = "SELECT count(*) FROM runs {where}"
#: What a run can be chosen by, beside the words in it: the condition, and what there is to choose. Styles and tags are
#: lists, in JSON.
_CHOICES = {
    "model": ("model = ?", "SELECT DISTINCT model FROM runs ORDER BY 1"),
    "expander": ("expander = ?", "SELECT DISTINCT expander FROM runs ORDER BY 1"),
    "verdict": ("verdict = ?", "SELECT DISTINCT verdict FROM runs WHERE verdict <> '' ORDER BY 1"),
    "style": (
        "? IN (SELECT value FROM json_each(styles))",
        "SELECT DISTINCT value FROM runs, json_each(styles) ORDER BY 1",
    ),
    "tag": ("? IN (SELECT value FROM json_each(tags))", "SELECT DISTINCT value FROM runs, json_each(tags) ORDER BY 1"),
}

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunRow:
    """One line of the index. `created` is ISO 8601 in UTC; the files are those of the run's first seed; `verdict` is
    the kind of its verdict, "" where it has none."""

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
    styles: tuple[str, ...] = ()
    verdict: str = ""
    star: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Which runs are wanted: those that hold every word of `query`, and whatever else is not None or False. `shelf` is
    that of a browser."""

    query: str = ""
    model: str | None = None
    expander: str | None = None
    verdict: str | None = None
    style: str | None = None
    tag: str | None = None
    star: bool = False
    shelf: str | None = None

    def where(self) -> tuple[str, list[str]]:
        """The condition in SQL, and its values."""
        conditions, values = [], []
        if self.query.strip():
            conditions.append("matches(search)")
        for name, condition in [*((name, one) for name, (one, _) in _CHOICES.items()), ("shelf", "shelf = ?")]:
            if (value := getattr(self, name)) is not None:
                conditions.append(condition)
                values.append(value)
        if self.star:
            conditions.append("star")
        return f"WHERE {' AND '.join(conditions)}" if conditions else "", values


@dataclass(frozen=True)
class LeftOut:
    """A folder of the gallery that ought to be a run and cannot be shown as one, and why."""

    name: str
    problem: TwinseedError


@dataclass(frozen=True)
class Listing:
    """The runs that were found, `total` with those beyond the limit, and whatever stands beside them and is none that
    can be shown. `choices` has what all runs can be chosen by, by the names of `Wanted`."""

    rows: tuple[RunRow, ...]
    left_out: tuple[LeftOut, ...]
    total: int = 0
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class RunIndex:
    """The index of the runs under the folder `root`, in `root/twinseed.db`; several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / INDEX_FILE

    def add(self, name: str, record: Record) -> None:
        """Raises `sqlite3.Error` or `OSError`; the run will then be taken in when the index is next asked."""
        folder = self.root / name
        changed, marks = _changed(folder), read_marks(folder)
        self._with_index(lambda index: _insert(index, name, record, marks, changed))

    def drop(self, name: str) -> None:
        """Raises `sqlite3.Error` or `OSError`; the run, if it is gone, will then be left out when the index is next
        asked."""
        if self.path.exists() and _shown(name) == name:  # else it is in no index
            self._with_index(lambda index: index.execute("DELETE FROM runs WHERE name = ?", (name,)))

    def listing(self, limit: int, wanted: Wanted, offset: int = 0) -> Listing:
        """The newest runs that are wanted, from the one at `offset` on, as the folders are now; a negative limit is
        none."""
        words = _searchable(wanted.query).split()
        where, values = wanted.where()

        def find(index: sqlite3.Connection) -> list[Listing]:
            index.create_function("matches", 1, lambda text: all(word in text for word in words), deterministic=True)
            rows = tuple(map(_row, index.execute(_SELECT.format(where=where), (*values, limit, offset))))
            (total,) = index.execute(_COUNT.format(where=where), values).fetchone()
            return [Listing(rows, (), total, dict(_choices(index)))]

        (found,), left_out = self._found(find)
        return replace(found, left_out=tuple(left_out))

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
        root = str(self.root)
        for name in self._folders():
            changed = ""
            try:
                changed = _changed(f"{root}{os.sep}{name}")
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
                    _insert(index, name, record, read_marks(self.root / name), changed)
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


def _changed(folder: Path | str) -> str:
    """What becomes another when the record is written again, or the marks: empty where that cannot be told. Raises
    `_NoRun`. Asked of ten thousand folders in a row, so paths are texts here."""
    try:
        found = os.stat(f"{folder}{os.sep}{RECORD_FILE}", follow_symlinks=False)
    except FileNotFoundError:
        if os.path.islink(folder) or any(Path(folder).glob("simple-*.png")):
            return ""
        raise _NoRun from None
    except NotADirectoryError:  # a file
        raise _NoRun from None
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}{marks_changed(str(folder))}"


def _row(found: tuple[Any, ...]) -> RunRow:
    row = dict(zip((one.name for one in fields(RunRow)), found, strict=True))
    lists = {name: tuple(json.loads(row[name])) for name in ("styles", "tags")}
    return RunRow(**{**row, **lists, "star": bool(row["star"])})


def _choices(index: sqlite3.Connection) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What there is to choose by, in order."""
    for name, (_, query) in _CHOICES.items():
        yield name, tuple(value for (value,) in index.execute(query))


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


def _insert(index: sqlite3.Connection, name: str, record: Record, marks: Marks, changed: str) -> None:
    simple, expanded = record.pair(record.seeds[0])
    verdict = record.findings.verdict if record.findings is not None else None
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
    kinds = (json.dumps(record.request.styles), "" if verdict is None else verdict.told)
    marked = (marks.star, json.dumps(marks.tags), marks.shelf)
    search = _searchable(" ".join(map(str, (*row, *record.request.styles, *marks.tags))))
    index.execute(_INSERT, (*row, *kinds, *marked, record.request.digest, search, changed))


def _searchable(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
