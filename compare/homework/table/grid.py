"""The grid: what a file of rows says, whatever program wrote it, as texts; and where in it the table begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ideation import Clause, TwinseedError

#: A class has thirty concepts, a term a few hundred.
MAX_ROWS = 1_000
MAX_COLUMNS = 200
#: So far down is the line looked for that names the columns.
TITLE_ROWS = 20

#: The name of a column as everybody calls it, from what stands at its head; None for what is none.
NameOf = Callable[[str], str | None]


class TableError(TwinseedError):
    """A table that cannot be read, or rows of it that cannot be done."""


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line, and what to do about it; the line 0 is the table as a whole."""

    line: int
    what: Clause
    hint: Clause


@dataclass(frozen=True)
class Row:
    """A row that says something. `line` is where it begins in the file, from 1; `cells` are texts without space around
    them; `faults` tell of cells that no text can be made of, by their place from 0."""

    line: int
    cells: tuple[str, ...]
    faults: Mapping[int, Clause] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """The rows under the line that names the columns. `header` is None where each row is a concept and nothing else.

    `notes` say what in the file was left out, or how it was read; `faults` what is wrong before anybody knows what the
    columns mean.
    """

    header: Row | None
    rows: tuple[Row, ...]
    notes: tuple[Clause, ...] = ()
    faults: tuple[Fault, ...] = ()


def header_place(rows: Sequence[Row], name_of: NameOf) -> int | None:
    """Which of the first rows names the columns: the one that has the column of the concepts."""
    return next(
        (place for place, row in enumerate(rows[:TITLE_ROWS]) if "concept" in map(name_of, row.cells)),
        None,
    )


def named(row: Row, name_of: NameOf) -> int:
    """How many cells of a row name columns."""
    return sum(name_of(cell) is not None for cell in row.cells)


def notes_on_titles(rows: Sequence[Row]) -> tuple[Clause, ...]:
    """What stands above the line that names the columns is no part of the table."""
    return tuple(
        Clause(
            "line {line} stands above the names of the columns and is left out: {words}",
            line=row.line,
            words=" ".join(filter(None, row.cells))[:80],
        )
        for row in rows
    )


def too_many_rows() -> Fault:
    """A table that goes on and on."""
    return Fault(0, Clause("there are more than {most:,} rows", most=MAX_ROWS), Clause("split the table"))


def too_many_cells(line: int) -> Fault:
    """A row with more cells than any table of concepts has."""
    return Fault(
        line, Clause("there are more than {most} cells", most=MAX_COLUMNS), Clause("take out what is not for here")
    )


def cannot_read(name: str, why: Clause) -> TableError:
    """The refusal of a file as a whole."""
    return TableError(
        "{file} cannot be read: {reason}",
        hint="save the table as .xlsx, as CSV in UTF-8, or the concepts alone as .txt, one a line",
        file=name,
        reason=why,
    )
