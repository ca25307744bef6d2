"""Tables that are workbooks of Excel (.xlsx): read as values, never computed, measured before anything is unpacked."""

from __future__ import annotations

import datetime
import io
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from compare.homework.table.grid import (
    MAX_COLUMNS,
    MAX_ROWS,
    TITLE_ROWS,
    Fault,
    Grid,
    NameOf,
    Row,
    TableError,
    cannot_read,
    header_place,
    notes_on_titles,
    too_many_cells,
    too_many_rows,
)
from ideation import Clause

#: What Python's reader makes of a zip file that is none, or a broken one.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    OSError,
)
#: Bytes of XML in all. What a thousand rows take is a hundredth of it; pictures beside them are not looked at.
MAX_XML = 16_000_000
MAX_PARTS = 2_000
#: Nobody scrolls further down than this.
LAST_ROW = 100_000
#: Excel keeps so many digits of a number.
_DIGITS_KEPT = 15
#: Other files that are zip files too, by a part that they have.
_OTHERS = (
    ("xl/workbook.bin", Clause("it is a binary workbook of Excel (.xlsb)")),
    ("word/document.xml", Clause("it is a document of Word")),
    ("ppt/presentation.xml", Clause("it is a presentation of PowerPoint")),
    ("content.xml", Clause("it is a file of LibreOffice")),
    ("Index/Document.iwa", Clause("it is a file of Apple Numbers")),
    ("bundle.json", Clause("it is a bundle of homework that is finished")),
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*["\']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})')


def read_workbook(content: bytes, name: str, name_of: NameOf) -> Grid:
    """The grid of the first sheet that names a column of concepts. Raises `TableError`."""
    _require_small(content, name)
    with _open(content, name, values=True) as book, _open(content, name, values=False) as formulas:
        sheets = {}
        for sheet, same in zip(book.worksheets, formulas.worksheets, strict=True):
            rows, faults = _rows(sheet, same)
            if rows or faults:
                sheets[sheet.title] = rows, faults, _merged(book, sheet)
    if not sheets:
        raise cannot_read(name, Clause("there is nothing in it"))
    title = next((one for one, (rows, _, _) in sheets.items() if header_place(rows, name_of) is not None), None)
    others = [one for one in sheets if one != title]
    if title is None:
        rows, faults, _ = next(iter(sheets.values()))
        return Grid(rows[0] if rows else None, tuple(rows[1:]), (), tuple(faults))
    rows, faults, merged = sheets[title]
    place = header_place(rows, name_of) or 0
    notes = list(notes_on_titles(rows[:place]))
    if others:
        notes.append(
            Clause("the sheet {sheet} is read, and not: {others}", sheet=title, others=", ".join(others)[:200])
        )
    below = tuple(rows[place + 1 :])
    faults += [fault for one in merged if (fault := _fault_of_merged(*one, rows[place], below))]
    return Grid(rows[place], below, tuple(notes), tuple(faults))


def _require_small(content: bytes, name: str) -> None:
    """Raises `TableError` unless all that will be unpacked is small, and in the way that Excel packs. Python's reader
    stops where the list of the file says that an entry ends, so what is said there can be relied on."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except _BROKEN as error:
        raise cannot_read(name, Clause("it is cut off, or no file of Excel")) from error
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names:
        raise cannot_read(name, _other_zip(names))
    if len(entries) > MAX_PARTS or len(names) < len(entries):
        raise cannot_read(name, Clause("it has parts as no file of Excel has"))
    texts = [entry for entry in entries if entry.filename.endswith((".xml", ".rels"))]
    if any(entry.flag_bits & 1 for entry in entries):
        raise cannot_read(name, Clause("it is encrypted"))
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise cannot_read(name, Clause("it is packed in a way that Excel does not pack"))
    if sum(entry.file_size for entry in texts) > MAX_XML:
        raise cannot_read(name, Clause("it unpacks to more than {most:,} bytes", most=MAX_XML))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in texts:
            if b"<!DOCTYPE" in _part(archive, entry.filename, name).replace(b"\0", b""):
                raise cannot_read(name, Clause("it has parts as no file of Excel has"))


def _part(archive: zipfile.ZipFile, part: str, name: str) -> bytes:
    try:
        return archive.read(part)
    except _BROKEN as error:
        raise cannot_read(name, Clause("it is cut off, or no file of Excel")) from error


def _other_zip(names: set[str]) -> Clause:
    return next((kind for sign, kind in _OTHERS if sign in names), Clause("it is a zip file of something else"))


@contextmanager
def _open(content: bytes, name: str, *, values: bool) -> Iterator[Any]:
    """The workbook: `values` as they were last computed, else with the formulas in their places."""
    import openpyxl

    try:
        with warnings.catch_warnings():  # about colours and the like, which nobody asks for here
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=values, keep_links=False)
            try:
                yield book
            finally:
                book.close()
    except TableError:
        raise
    except Exception as error:  # whatever the library makes of a broken part
        raise cannot_read(name, Clause("it is cut off, or no file of Excel")) from error


def _rows(sheet: Any, formulas: Any) -> tuple[list[Row], list[Fault]]:
    """The rows of a sheet that say something."""
    rows: list[Row] = []
    sheet.reset_dimensions()  # what a sheet says of its size may be wrong
    formulas.reset_dimensions()
    for number, (values, written) in enumerate(zip(sheet.iter_rows(), formulas.iter_rows(), strict=True), start=1):
        if number > LAST_ROW:
            what = Clause("something stands below row {last:,}", last=LAST_ROW)
            return rows, [Fault(0, what, Clause("take it out, or move it up to the other rows"))]
        if len(rows) > MAX_ROWS + TITLE_ROWS:
            return rows, [too_many_rows()]
        read = [_cell(value, how) for value, how in zip(values, written, strict=True)]
        while read and read[-1] == "":
            read.pop()
        if len(read) > MAX_COLUMNS:
            return rows, [too_many_cells(number)]
        if read:
            wrong = {place: cell for place, cell in enumerate(read) if isinstance(cell, Clause)}
            rows.append(Row(number, tuple("" if place in wrong else cell for place, cell in enumerate(read)), wrong))
    return rows, []


def _cell(cell: Any, written: Any) -> str | Clause:
    """What stands in a cell, as text, or why there is none."""
    value = cell.value
    if value is None:
        if written.data_type == "f":
            return Clause("it is a formula whose value the file does not have: open it in Excel and save it again")
        return ""
    if cell.data_type == "e":
        return Clause("it is a formula that failed: {value}", value=str(value)[:20])
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if abs(value) >= 10**_DIGITS_KEPT:
            return Clause(
                "Excel keeps only {digits} digits of a number: make the cell one of text and type it again",
                digits=_DIGITS_KEPT,
            )
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return Clause("Excel has made a date or a time of it: make the cell one of text and type it again")
    return str(value).strip()


def _merged(book: Any, sheet: Any) -> list[tuple[str, int, int]]:
    """The cells that were made into one, each with its first and last row. The reader of many rows passes them over."""
    content = book._archive.read(sheet._worksheet_path)
    found = ([part.decode() for part in one] for one in _MERGED.findall(content))
    return [(f"{left}{first}:{right}{last}", int(first), int(last)) for left, first, right, last in found]


def _fault_of_merged(cells: str, first: int, last: int, header: Row, rows: Sequence[Row]) -> Fault | None:
    """Whose value is it that stands in cells of several rows or columns?"""
    lines = [row.line for row in rows if first <= row.line <= last]
    if not lines or last <= header.line:
        return None
    return Fault(
        lines[0],
        Clause("the cells {cells} are merged, so nobody knows which of them has the value", cells=cells),
        Clause("unmerge them, and write the value into each"),
    )
