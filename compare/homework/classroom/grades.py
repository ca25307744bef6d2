"""The tables of a class: one for grading, as CSV and for Excel, and one of what people chose.

What students wrote stands in cells, and programs take a cell that begins with = + - or @ for a formula: in CSV such a
cell gets an apostrophe before it, in Excel's own format every cell says that it is text.
"""

from __future__ import annotations

import csv
import io
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from compare.homework.classroom.content import Class, HandedPair, HandIn
from compare.homework.classroom.hand_ins.duplicates import Twice, found_twice, short_concept, twice_texts
from compare.homework.classroom.pooled import chosen_arm
from compare.report import sentences
from ideation.english import words_of
from templates import Language

Value = str | int | None

#: A cell that begins so is one that programs calculate, full-width forms and leading blanks included.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_MOST_LETTERS = 32_000  # that a cell of Excel holds
_MOST_FAULTS = 4  # in a cell: a table is looked through, and not read


def grades(room: Class) -> tuple[list[str], list[list[Value]]]:
    """The table for grading: its head, and a row for each hand-in and for each file that was refused."""
    said = sentences(room.language)["class"]
    columns, found = said["grades"]["columns"], found_twice(room)
    rows = [list(_row(room, at, found, said)) for at in range(len(room.hand_ins))]
    empty: list[Value] = [None] * (len(columns) - 6)
    for one in room.refused:
        why = one.why[room.language]
        rows.append([None, None, one.file, None, said["grades"]["refused"], why, *empty])
    return list(columns.values()), rows


def _row(room: Class, at: int, found: list[Twice], said: dict[str, Any]) -> Iterator[Value]:
    hand_in, words = room.hand_ins[at], said["grades"]
    yield from (hand_in.number, hand_in.name, hand_in.file, len(hand_in.pairs))
    yield words["yes"] if hand_in.verified else words["no"]
    yield _lines(_few(fault_texts(hand_in, room.language), hand_in, room))
    verdicts = Counter(verdict_text(pair, room.language) for pair in hand_in.pairs)
    yield _lines(words["times"].format(what=what, count=count) for what, count in verdicts.items())
    observed = [pair.observations for pair in hand_in.pairs if pair.observations.strip()]
    yield from (len(observed), sum(len(words_of(text)) for text in observed))
    yield _lines(twice_texts(found, room, at))
    yield f"{hand_in.created:%Y-%m-%d %H:%M} UTC"


def fault_texts(hand_in: HandIn, language: Language) -> list[str]:
    """All that does not hold of a hand-in, a line each, what a teacher needs first at the beginning."""
    said = sentences(language)["class"]["hand_ins"]
    return [
        said["fault"].format(concept=short_concept(concept), fault=fault[language]) if concept else fault[language]
        for concept, fault in hand_in.all_faults()
    ]


def verdict_text(pair: HandedPair, language: Language) -> str:
    """The name of its verdict, as reports have it. Of what cannot be told it says whether more seeds might help."""
    said = sentences(language)
    name: str = said["homework"]["kinds"][pair.verdict or "none"]
    if pair.verdict != "cannot tell":
        return name
    return str(said["class"]["cannot_tell"]["unlearnt" if pair.unlearnt else "seeds"].format(verdict=name))


def _few(faults: list[str], hand_in: HandIn, room: Class) -> list[str]:
    """The first of them, and where to see the others."""
    if len(faults) <= _MOST_FAULTS:
        return faults
    said = sentences(room.language)["class"]["grades"]["more_without_names" if room.anonymous else "more"]
    more = said.format(count=len(faults) - _MOST_FAULTS, file=shlex.quote(hand_in.file))
    return [*faults[:_MOST_FAULTS], more]


def pairs_table(room: Class) -> tuple[list[str], list[list[Value]]]:
    """All pairs, a row each."""
    said = sentences(room.language)["class"]
    rows: list[list[Value]] = []
    for hand_in, pair in room.pairs():
        faults = _few([fault[room.language] for fault in pair.faults], hand_in, room)
        rows.append(
            [
                hand_in.number,
                hand_in.name,
                pair.run,
                pair.concept,
                pair.simple,
                pair.expanded,
                "; ".join(pair.styles),
                pair.model,
                len(pair.seeds),
                str(pair.seeds[0].seed),
                verdict_text(pair, room.language),
                pair.observations,
                _lines(faults),
            ]
        )
    return list(said["grades"]["pairs"].values()), rows


def votes_table(room: Class) -> tuple[list[str], list[list[Value]]]:
    """All answers of all ballots, a row each: what was chosen, and which arm that is."""
    said = sentences(room.language)["class"]["grades"]
    on_ballot = room.on_ballot()
    rows: list[list[Value]] = []
    for vote in room.votes:
        for answer in vote.answers:
            if answer.pair not in on_ballot:
                continue
            hand_in, pair = on_ballot[answer.pair]
            chosen = said["choices"][chosen_arm(answer, pair)]
            rows.append([vote.voter, hand_in.label, pair.concept, said["sides"][answer.choice], chosen])
    return list(said["votes"].values()), rows


def csv_bytes(head: Sequence[str], rows: Sequence[Sequence[Value]]) -> bytes:
    """A table as CSV in UTF-8 with a mark at its beginning, which Excel needs to know the encoding.

    >>> csv_bytes(["name"], [["=1+1"], ["Lin"]]).decode("utf-8-sig").split()
    ['name', "'=1+1", 'Lin']
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(sheets: dict[str, tuple[Sequence[str], Sequence[Sequence[Value]]]]) -> bytes:
    """Tables as a workbook, a sheet each. Times in it are fixed: equal tables, equal sheets."""
    book = Workbook(write_only=True)
    for title, (head, rows) in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        for at, column in enumerate(zip(head, *rows, strict=True), start=1):
            longest = max(_width(line) for cell in column for line in _clean(cell).split("\n"))
            sheet.column_dimensions[get_column_letter(at)].width = min(60, max(8, longest + 2))
        sheet.append([_cell(sheet, name, bold=True) for name in head])
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _cell(sheet: Worksheet, value: Value, *, bold: bool = False) -> Cell:
    cell = WriteOnlyCell(sheet, value if isinstance(value, int) else _clean(value) or None)
    if isinstance(value, str) and cell.value is not None:
        cell.data_type = "s"  # whatever it begins with
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    cell.font = Font(bold=bold)
    return cell


def _clean(value: Value) -> str:
    """The text without characters that no workbook may have."""
    text = "" if value is None else str(value)
    return "".join(letter for letter in text if letter >= " " or letter in "\n\t")[:_MOST_LETTERS]


def _width(text: str) -> int:
    """Columns on a screen: a Chinese character takes two."""
    return sum(2 if letter >= "\u2e80" else 1 for letter in text)


def _harmless(cell: Value) -> Value:
    if isinstance(cell, str) and cell.lstrip().startswith(_FORMULA):
        return f"'{cell}"
    return cell


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)
