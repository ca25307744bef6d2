"""From rows to what is asked for in each: the options of a pair and the words of whoever looked at its pictures.

All that is wrong with a table is found before anything is done, and told in one go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compare.homework.table.columns import (
    COLUMNS,
    OBSERVATIONS,
    Column,
    column_named,
    concept_names,
    known_names,
    name_of,
)
from compare.homework.table.grid import MAX_ROWS, Fault, Grid, Row, TableError, cannot_read
from compare.homework.table.text_file import decoded, read_text
from compare.homework.table.workbook import read_workbook
from compare.request import PairOptions
from ideation import Clause, TwinseedError, nearest, read_plain_file

#: Bytes. A thousand rows of long concepts have less than one.
MAX_FILE = 20_000_000
MAX_OBSERVATIONS = 100_000
#: Endings of tables with names of columns, and of those that may be lists without.
TABLES = (".csv", ".tsv", ".tab", ".xlsx", ".xlsm")
LISTS = (".txt",)
#: So many faults are told in one go.
MAX_TOLD = 20

_OTHER_FILES = (
    (b"\xd0\xcf\x11\xe0", Clause("it is a workbook of an old Excel (.xls), or one with a password")),
    (b"%PDF", Clause("it is a PDF")),
    (b"\x89PNG", Clause("it is a picture")),
    (b"\xff\xd8\xff", Clause("it is a picture")),
    (b"{\\rtf", Clause("it is a formatted text (.rtf)")),
    (b"\x1f\x8b", Clause("it is a gzip file")),
)
#: How the paragraph on a concept begins: "1. ", "(2) ", "3、", "第4題：".
_NUMBERED = re.compile(r"[(（]?(?:第\s*)?([0-9]{1,4})\s*(?:題\s*[:：.、]?|[.)、:：．）](?![0-9]))\s*")
#: What looks like the cells after a concept, behind commas of a Chinese keyboard.
_WIDE_END = re.compile(r"(?:[，；、]\s*[0-9０-９]+\s*)+$")


@dataclass(frozen=True)
class Assignment:
    """One row: where it stands, what it asks for, and what somebody saw in its pictures."""

    line: int
    options: PairOptions
    observations: str | None = None


@dataclass(frozen=True)
class Table:
    """All rows that can be done, and what is wrong with the others. `name` is the file's, "" for concepts that were
    typed, of which `line` counts from 1."""

    name: str
    assignments: tuple[Assignment, ...]
    notes: tuple[Clause, ...] = ()
    faults: tuple[Fault, ...] = ()

    def place(self, line: int) -> Clause:
        """Where a row stands, for people."""
        return Clause("line {line}", line=line) if self.name else Clause("concept {number}", number=line)

    def require(self, faults: Sequence[Fault] = ()) -> None:
        """Raises `TableError` that tells all faults, those that were found and these, in the order of their lines."""
        found = sorted((*self.faults, *faults), key=lambda fault: fault.line)
        if not found:
            return
        told = [self._told(fault) for fault in found[:MAX_TOLD]]
        if len(found) > MAX_TOLD:
            told.append(Clause("and {count} more", count=len(found) - MAX_TOLD))
        lines = told.pop()
        while told:
            lines = Clause("{first}\n{rest}", first=told.pop(), rest=lines)
        hint = "mend this in the table and begin again: nothing has been rendered"
        if not self.name:
            raise TableError("{faults}", hint="{advice}", faults=lines, advice=Clause("nothing has been rendered"))
        raise TableError("{file} cannot be done as it is:\n{faults}", hint=hint, file=self.name, faults=lines)

    def _told(self, fault: Fault) -> Clause:
        if not fault.line:
            return Clause("  {what} ({hint})", what=fault.what, hint=fault.hint)
        return Clause("  {place}: {what} ({hint})", place=self.place(fault.line), what=fault.what, hint=fault.hint)


def looks_like_file(given: str) -> bool:
    """Whether what was typed names a table and not a concept: by its ending, or because it leads to a file.

    >>> [looks_like_file(given) for given in ("homework.csv", "a dog in a car.", "./a dog")]
    [True, False, False]
    """
    path = Path(given).expanduser()
    return path.suffix.casefold() in (*TABLES, *LISTS) or (os.path.isfile(path) and path.name != given)


def read_table(path: Path, usual: PairOptions) -> Table:
    """The table in the file `path`; what a row leaves open is as in `usual`. Faults of rows are in it; a file that is
    no table raises `TableError`."""
    name = path.name
    try:
        content = read_plain_file(path, MAX_FILE)
    except FileNotFoundError as error:
        raise TableError(
            "there is no file {file}",
            hint="check its name; a concept that ends like the name of a file belongs into a table",
            file=path,
        ) from error
    except OSError as error:
        raise cannot_read(str(path), Clause("{reason}", reason=error.strerror)) from error
    for sign, why in _OTHER_FILES:
        if content.startswith(sign):
            raise cannot_read(name, why)
    if re.match(rb"\s*<(?:!doctype|html|\?xml)", content[:200], re.IGNORECASE):
        raise cannot_read(name, Clause("it is a web page or another text in XML"))
    if content.startswith(b"PK"):
        grid = read_workbook(content, name, name_of)
    else:
        grid = read_text(content, name, name_of, may_be_list=path.suffix.casefold() not in TABLES)
    return _table_of(grid, name, usual, path.parent)


def table_of_concepts(concepts: Sequence[str], usual: PairOptions) -> Table:
    """Concepts as they were typed."""
    assignments = [Assignment(at, replace(usual, concept=text)) for at, text in enumerate(concepts, start=1)]
    return Table("", tuple(assignments))


def with_observations(table: Table, content: bytes, name: str) -> Table:
    """The table with what a text says of each concept: a paragraph for each in their order, or as many as somebody
    likes that begin with the concept's number ("2. The sky ..."). Raises `TableError`."""
    hint = Clause(
        "write a paragraph for each concept, in their order and with empty lines between, or begin each with its "
        "number, as in 1. ..."
    )
    text, notes = decoded(content, name)
    told = list(_told_of(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")))
    numbers = [number for number, _ in told if number is not None]
    count = len(table.assignments)
    if numbers and (len(set(numbers)) < len(told) or not set(numbers) <= {*range(1, count + 1)}):
        raise TableError(
            "{file} has paragraphs with the numbers {numbers} for {count} concepts",
            hint="{advice}",
            file=name,
            numbers=", ".join("-" if one is None else str(one) for one, _ in told)[:60],
            count=count,
            advice=hint,
        )
    if not numbers and count == 1:
        told = [(1, "\n\n".join(words for _, words in told))] if told else []
    elif not numbers and len(told) != count:
        raise TableError(
            "{file} has one paragraph for {count} concepts"
            if len(told) == 1
            else "{file} has {paragraphs} paragraphs for {count} concepts",
            hint="{advice}",
            file=name,
            paragraphs=len(told),
            count=count,
            advice=hint,
        )
    of = {(at if number is None else number): words for at, (number, words) in enumerate(told, start=1)}
    twice = [one.line for at, one in enumerate(table.assignments, start=1) if at in of and one.observations]
    if twice:
        raise TableError(
            "{file} and the table both have observations on line {line}",
            hint="write them in one of the two",
            file=name,
            line=twice[0],
        )
    assignments = tuple(
        replace(one, observations=of[at]) if at in of else one for at, one in enumerate(table.assignments, start=1)
    )
    return replace(table, assignments=assignments, notes=(*table.notes, *notes))


def _told_of(text: str) -> Iterator[tuple[int | None, str]]:
    """The paragraphs; where the first begins with a number, what stands between one number and the next."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    if not paragraphs or not _NUMBERED.match(paragraphs[0]):
        yield from ((None, words) for words in paragraphs)
        return
    number, words = 0, list[str]()
    for line in text.strip().split("\n"):
        if match := _NUMBERED.match(line):
            if words:
                yield number, "\n".join(words).strip()
            number, words = int(match[1]), [line[match.end() :]]
        else:
            words.append(line)
    yield number, "\n".join(words).strip()


def _table_of(grid: Grid, name: str, usual: PairOptions, folder: Path) -> Table:
    faults = list(grid.faults)
    if grid.header is None and not grid.rows and not faults:
        raise cannot_read(name, Clause("there is nothing in it"))
    if grid.header is None:
        columns = {place: column for place, column in enumerate(COLUMNS) if column.field == "concept"}
    else:
        columns, wrong = _columns(grid.header)
        if wrong:  # what a row says is not known
            return Table(name, (), grid.notes, (*faults, *wrong))
    if len(grid.rows) > MAX_ROWS:
        faults.append(Fault(0, Clause("there are more than {most:,} rows", most=MAX_ROWS), Clause("split the table")))
        return Table(name, (), grid.notes, tuple(faults))
    if not grid.rows and not faults:
        faults.append(Fault(0, Clause("there is no concept in it"), Clause("write one on each line")))
    assignments, notes = [], list(grid.notes)
    for row in grid.rows:
        alone = "".join(row.cells) if len(columns) > 1 and len([cell for cell in row.cells if cell]) == 1 else ""
        if end := _WIDE_END.search(alone):
            notes.append(
                Clause(
                    "line {line}: {end!r} is read as part of the concept; cells are parted by a plain comma",
                    line=row.line,
                    end=end[0],
                )
            )
        given, wrong = _given(row, columns)
        faults += wrong
        if not wrong:
            observations = given.pop(OBSERVATIONS, None)
            if "like" in given:
                given["like"] = folder / given["like"]
            if "template" in given and (folder / given["template"]).is_file():
                given["template"] = str(folder / given["template"])
            assignments.append(Assignment(row.line, replace(usual, **given), observations))
    return Table(name, tuple(assignments), tuple(notes), tuple(faults))


def _columns(header: Row) -> tuple[dict[int, Column], list[Fault]]:
    """The columns by their place, and what is wrong with their names."""
    columns: dict[int, Column] = {}
    if "concept" not in map(name_of, header.cells):
        what = Clause("no column is called concept (構想): the line says {words!r}", words=" ".join(header.cells)[:60])
        unknown = [cell[:60] for cell in header.cells if cell and column_named(cell) is None]
        close = [one for one in (nearest(cell, list(concept_names())) for cell in unknown) if "name" in one.values]
        hint = close[0] if close else Clause("name the columns in the first line, as in concept,seed")
        return {}, [Fault(header.line, what, hint)]
    faults = [Fault(header.line, what, Clause("write the name of a column")) for what in header.faults.values()]
    for place, cell in enumerate(header.cells):
        column = column_named(cell)
        if not cell or place in header.faults:
            continue
        if column is None:
            faults.append(
                Fault(
                    header.line,
                    Clause("there is no column {name!r}", name=cell[:60]),
                    _nearest(cell[:60]),
                )
            )
        elif column in columns.values():
            faults.append(
                Fault(
                    header.line,
                    Clause("the column {name} is there twice", name=column.names[0]),
                    Clause("leave one of them out"),
                )
            )
        else:
            columns[place] = column
    return columns, faults


def _nearest(name: str) -> Clause:
    """The name of a column that is like it; else what an option is called in English, of each."""
    close = nearest(name, known_names())
    return close if "name" in close.values else nearest("", [column.names[0] for column in COLUMNS])


def _given(row: Row, columns: dict[int, Column]) -> tuple[dict[str, Any], list[Fault]]:
    """What a row says, by the names of `PairOptions`, and what is wrong with it."""
    given: dict[str, Any] = {}
    faults: list[Fault] = []
    for place, cell in enumerate(row.cells):
        column = columns.get(place)
        if column is None:
            if cell or place in row.faults:
                faults.append(
                    Fault(
                        row.line,
                        Clause("{cell!r} stands under no name of a column", cell=cell[:40]),
                        Clause('put a cell with a comma in it between two ", or name the column'),
                    )
                )
            continue
        try:
            if place in row.faults:
                raise TableError(row.faults[place], hint=Clause("or type its value"))
            if cell:
                given[column.field] = column.read(cell)
        except TwinseedError as problem:
            what = Clause("{column}: {problem}", column=column.names[0], problem=problem.message)
            faults.append(Fault(row.line, what, problem.hint))
    if len(given.get(OBSERVATIONS, "").encode()) > MAX_OBSERVATIONS:
        faults.append(
            Fault(
                row.line,
                Clause("the observations have more than {most:,} bytes", most=MAX_OBSERVATIONS),
                Clause("say it in fewer words"),
            )
        )
    if not faults and not any(name in given for name in ("concept", "simple")):
        faults.append(Fault(row.line, Clause("the concept is empty"), Clause("write one, or take the row out")))
    return given, faults
