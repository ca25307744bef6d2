"""Tables that are texts: CSV of every Excel, its "Unicode Text", tables with tabs or semicolons, lists with a concept
on each line. They do not say what they are encoded in and what separates their cells."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace

from compare.homework.table.grid import (
    MAX_COLUMNS,
    MAX_ROWS,
    TITLE_ROWS,
    Fault,
    Grid,
    NameOf,
    Row,
    cannot_read,
    header_place,
    named,
    notes_on_titles,
    too_many_cells,
    too_many_rows,
)
from ideation import Clause

_SEPARATORS = ("\t", ",", ";", "|")
#: What a Chinese keyboard types in their places.
_WIDE_SEPARATORS = ("，", "；", "、")
#: Stands in no text that a person wrote: a table of one column is separated by nothing.
_NOTHING = "\x1f"
#: Longest first: the mark of UTF-32 begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Old code pages of Chinese, what they are called, and where their common characters and punctuation stand: from which
#: to which first byte, and from which second one. A text in another encoding, read in one of these, is full of
#: characters that nobody uses.
_CODE_PAGES = (("cp950", "Big5", 0xA1, 0xC6, 0x40), ("gb18030", "GB 18030", 0xA1, 0xD7, 0xA1))
_MOST_RARE = 0.25


def read_text(content: bytes, name: str, name_of: NameOf, *, may_be_list: bool) -> Grid:
    """The grid in a text; `may_be_list`: without a line that names columns, each line is a concept.

    Raises `TableError` for what is no text.
    """
    text, notes = decoded(content, name)
    text = text.removeprefix("\ufeff")
    separator, skipped = _declared(text)
    tried = [separator] if separator else list(_SEPARATORS)
    found = [(one, _first_rows(text, one)) for one in tried]
    with_header = [
        (named(rows[place], name_of), -tried.index(one), one, place)
        for one, rows in found
        if (place := header_place(rows, name_of)) is not None and not _concept_in_list(rows, place, may_be_list)
    ]
    if not with_header:
        for wide in _WIDE_SEPARATORS:
            if (grid := _widely_separated(text, wide, name_of)) is not None:
                return replace(grid, notes=(*notes, *grid.notes))
        if may_be_list:
            return Grid(None, tuple(_lines(text)), notes)
        rows, faults = _records(text, separator or ",")
        return Grid(rows[0] if rows else None, rows[1:], notes, faults)
    best = max(with_header, key=lambda one: one[:2])
    first = next(rows for one, rows in found if one == best[2])[best[3]]
    alone = len([cell for cell in first.cells if cell]) == 1 and len(first.cells) == 1
    rows, faults = _records(text, _NOTHING if alone else best[2], skipped=skipped)
    place = header_place(rows, name_of)
    if place is None:  # a quotation mark before it swallows it
        return Grid(None, (), notes, faults)
    return Grid(rows[place], rows[place + 1 :], (*notes, *notes_on_titles(rows[:place])), faults)


def decoded(content: bytes, name: str) -> tuple[str, tuple[Clause, ...]]:
    """The text, and a note where its encoding was found out and not said. Raises `TableError`.

    >>> decoded("概念".encode("cp950"), "table.csv")
    ('概念', ('table.csv is not in UTF-8; it is read as Big5',))
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), ()
            except UnicodeDecodeError:
                raise cannot_read(name, Clause("it is cut off, or not in the encoding that it says")) from None
    if b"\0" in content:
        return _decoded_without_mark(content, name)
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError:
        pass
    rare, label, text = min((_read_as(content, *page) for page in _CODE_PAGES), key=lambda found: found[0])
    if rare > _MOST_RARE:
        raise cannot_read(name, Clause("it is not in UTF-8, and what else it is in cannot be told"))
    return text, (Clause("{file} is not in UTF-8; it is read as {encoding}", file=name, encoding=label),)


def _decoded_without_mark(content: bytes, name: str) -> tuple[str, tuple[Clause, ...]]:
    """UTF-16 of which only the mark at the beginning is missing: every line end has a zero beside it."""
    sides = [content[start::2].count(0) for start in (0, 1)]
    for side, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sides[side] > 10 * sides[1 - side]:
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            if "\0" not in text:
                return text, (Clause("{file} is not in UTF-8; it is read as {encoding}", file=name, encoding="UTF-16"),)
    raise cannot_read(name, Clause("it is no text"))


def _read_as(content: bytes, encoding: str, label: str, low: int, high: int, second: int) -> tuple[float, str, str]:
    """The share of its characters of two bytes that nobody uses, and the text; a share past one if it is none."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return 2.0, label, ""
    wide = [character.encode(encoding) for character in text if ord(character) > 0x7F]
    rare = sum(not (len(pair) == 2 and low <= pair[0] <= high and second <= pair[1]) for pair in wide)
    return rare / max(len(wide), 1), label, text


def _declared(text: str) -> tuple[str | None, int]:
    """The separator that Excel's first line `sep=;` declares, and how many lines that takes."""
    match = re.match(r'\s*"?sep=([,;|\t])"?[ \t]*(?:\r\n|\r|\n)', text, re.IGNORECASE)
    return (match[1], 1) if match else (None, 0)


def _widely_separated(text: str, wide: str, name_of: NameOf) -> Grid | None:
    """The grid of a text with such marks between its cells, where every row has as many cells as there are names; its
    fault, where a mark may belong to a concept as well; None where they name no columns."""
    rows, faults = _records(text, wide)
    place = header_place(rows, name_of)
    if place is None or named(rows[place], name_of) < 2:
        return None
    header, below = rows[place], rows[place + 1 :]
    wrong = [row.line for row in below if len(row.cells) != len(header.cells)]
    if faults or wrong:
        what = Clause(
            "the cells have full-width marks ({mark}) between them, and line {line} has not as many as line {first}",
            mark=wide,
            first=header.line,
            line=wrong[0] if wrong else faults[0].line,
        )
        hint = Clause('write a plain comma (,) between cells, and put a concept with a comma in it between two "')
        return Grid(None, (), (), (Fault(header.line, what, hint),))
    note = Clause("the full-width marks ({mark}) between the cells are read as commas", mark=wide)
    return Grid(header, below, (note, *notes_on_titles(rows[:place])))


def _concept_in_list(rows: list[Row], place: int, may_be_list: bool) -> bool:
    """Whether what looks like a line of names is one of a list: further down, and with no second column."""
    return may_be_list and place > 0 and len(rows[place].cells) == 1


def _first_rows(text: str, separator: str) -> list[Row]:
    """The first rows that say something, whatever is wrong with them."""
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                rows.append(Row(reader.line_num, tuple(map(str.strip, cells))))
            if len(rows) == TITLE_ROWS:
                break
    except csv.Error:
        pass  # told when all are read
    return rows


def _records(text: str, separator: str, skipped: int = 0) -> tuple[tuple[Row, ...], tuple[Fault, ...]]:
    """All rows that say something, and what is wrong with how they are written: after that, nobody knows where a row
    begins."""
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    line = 0
    try:
        for cells in reader:
            began, line = line + 1, reader.line_num
            if line <= skipped or not any(map(str.strip, cells)):
                continue
            row = Row(began, tuple(map(str.strip, cells)))
            if len(rows) > MAX_ROWS:
                return tuple(rows), (too_many_rows(),)
            if len(row.cells) > MAX_COLUMNS:
                return tuple(rows), (too_many_cells(began),)
            rows.append(row)
    except csv.Error:
        fault = Fault(
            line + 1,
            Clause("its quotation marks do not match, or a cell is longer than a page"),
            Clause('put a cell with a comma in it between two ", and write "" for one inside'),
        )
        return tuple(rows), (fault,)
    return tuple(rows), ()


def _lines(text: str) -> Iterator[Row]:
    """Each line that says something."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if line.strip():
            yield Row(number, (line.strip(),))
