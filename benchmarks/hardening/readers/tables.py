"""Tables and lists: homework, the concepts of a study, words about pictures, and what was voted on a ballot."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from benchmarks.hardening.readers.reader import Reader, in_file, plain
from compare.homework.classroom.ballot import drawn, read_votes
from compare.homework.table import Table, read_table, table_of_concepts, with_observations
from compare.request import PairOptions
from compare.study.concepts import read_concepts

_ROWS = "concept,seed,images,style,observations\na dog riding a bicycle,7,2,miro,「它騎得很好」\n"
_PAIR, _LEFT, _VOTER = "0123abcd", "0" * 16, "0" * 16


def _table(path: Path) -> Table:
    return read_table(path, PairOptions())


@cache
def _words_about() -> Table:
    return table_of_concepts(("a dog", "a cat"), PairOptions())


def _observations(text: str | bytes) -> Table:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return with_observations(_words_about(), content, "mine.txt")


def _votes(path: Path) -> list[Any]:
    return list(read_votes(path, {_PAIR: (_LEFT, "1" * 16)}))


def _concepts(path: Path) -> Any:
    return read_concepts(path, 3, 1)


def _code() -> str:
    said = f"TWB1.{_VOTER}.{_PAIR}l"
    return f"{said}.{drawn(said):08x}."


def _answers() -> str:
    answers = [{"pair": _PAIR, "left": _LEFT, "choice": "left"}]
    said = {"kind": "twinseed ballot", "version": 1, "voter": _VOTER, "saved": "2026-01-01T00:00:00Z"}
    return json.dumps({**said, "answers": answers})


def _workbook() -> bytes:
    book = Workbook()
    for row in _ROWS.splitlines():
        book.active.append(row.split(","))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


TABLES: tuple[Reader, ...] = (
    in_file("homework, CSV", "homework.csv", _table, _ROWS, _ROWS.replace(",", ";"), "概念\t種子\n一隻狗\t7\n"),
    in_file("homework, a list", "homework.txt", _table, "a dog in ink\n\n一隻騎腳踏車的狗\n"),
    plain("words about pictures", _observations, "The dog is better.\n\nThe cat is not.", "2: 貓比較好"),
    in_file("answers of a ballot", "ballot.json", _votes, _answers()),
    in_file("codes of a ballot", "ballot.txt", _votes, _code(), f"> {_code()[:20]}\n> {_code()[20:]}"),
    in_file("concepts of a study, CSV", "concepts.csv", _concepts, "Prompt,Category\na dog,Animals\n"),
    in_file("concepts of a study, JSON Lines", "concepts.jsonl", _concepts, '{"prompt": "a dog", "tag": "single"}\n'),
)

WORKBOOKS: tuple[Reader, ...] = (
    in_file("homework, a workbook", "homework.xlsx", _table, _workbook()),
    in_file("homework, in any encoding", "homework.csv", _table, _ROWS.encode("utf-16"), "概念\n狗\n".encode("big5")),
)
