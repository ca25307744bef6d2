"""Tables of concepts: what people hand over, what is made of it, and what is refused, by its line."""

from __future__ import annotations

import dataclasses
import datetime
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from commands.terminal.options import LookOptions, PromptOptions, RenderOptions
from compare.homework.table import (
    COLUMNS,
    Table,
    TableError,
    looks_like_file,
    read_table,
    table_of_concepts,
    with_observations,
)
from compare.request import PairOptions

USUAL = PairOptions(steps=5)


def read(tmp_path: Path, name: str, content: str | bytes) -> Table:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, USUAL)


def said(table: Table) -> list[tuple[int, dict[str, Any]]]:
    """What each row says, by its line; what is as usual is left out."""
    return [
        (
            one.line,
            {name: value for name, value in vars(one.options).items() if value != getattr(USUAL, name)}
            | ({"observations": one.observations} if one.observations else {}),
        )
        for one in table.assignments
    ]


def workbook(*rows: list[Any], merged: tuple[str, ...] = (), others: dict[str, list[list[Any]]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    for title, lines in (others or {}).items():
        second = book.create_sheet(title)
        for line in lines:
            second.append(line)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_every_option_of_pair_has_a_column() -> None:
    fields = {field.name for field in dataclasses.fields(PairOptions)}
    assert {column.field for column in COLUMNS} == fields | {"observations"}
    options = {
        field.name for bundle in (PromptOptions, RenderOptions, LookOptions) for field in dataclasses.fields(bundle)
    }
    assert options <= {column.field for column in COLUMNS}


@pytest.mark.parametrize(
    ("name", "content", "rows", "notes"),
    [
        ("a.csv", 'concept,seed\na dog,7\n"a cat, at night",\n', [(2, "a dog", "7"), (3, "a cat, at night", None)], []),
        (
            "a Chinese keyboard's commas.csv",
            "構想，種子\n一隻狗，7\n",
            [(2, "一隻狗", "7")],
            ["the full-width marks (，) between the cells are read as commas"],
        ),
        (
            "and semicolons.txt",
            "構想；種子\n一隻貓，水彩；7\n",
            [(2, "一隻貓，水彩", "7")],
            ["the full-width marks (；)"],
        ),
        ("Excel's CSV in UTF-8.csv", "\ufeff概念,種子\r\n一隻狗,7\r\n", [(2, "一隻狗", "7")], []),
        (
            "Excel's CSV in Taiwan.csv",
            "概念,種子\r\n一隻貓在開車，水彩風格,7\r\n".encode("cp950"),
            [(2, "一隻貓在開車，水彩風格", "7")],
            ["Big5"],
        ),
        (
            "Excel's CSV in China.csv",
            "concept,seed\r\n一只猫在开车，水彩风格,7\r\n".encode("gb18030"),
            [(2, "一只猫在开车，水彩风格", "7")],
            ["GB 18030"],
        ),
        ("Excel's CSV in Europe.csv", "concept;seed\r\na dog, at night;7,0\r\n", [(2, "a dog, at night", "7")], []),
        ("Excel's Unicode Text.txt", "concept\tseed\r\n一隻狗\t7\r\n".encode("utf-16"), [(2, "一隻狗", "7")], []),
        (
            "UTF-16 without its mark.txt",
            "concept\tseed\r\na dog\t7\r\n".encode("utf-16-le"),
            [(2, "a dog", "7")],
            ["UTF-16"],
        ),
        ("declared.csv", "sep=;\nconcept;seed\na dog, big;7\n", [(3, "a dog, big", "7")], []),
        (
            "one column.csv",
            'concept\na dog, big\n"a cat, small"\n',
            [(2, "a dog, big", None), (3, "a cat, small", None)],
            [],
        ),
        ("spaces.csv", 'concept, seed\n"a dog, big", 7\n', [(2, "a dog, big", "7")], []),
        ("old Mac.csv", "concept,seed\ra dog,7\r", [(2, "a dog", "7")], []),
        (
            "two lines in a cell.csv",
            'concept,seed\n"a dog\non a hill",7\na cat,8\n',
            [(2, "a dog\non a hill", "7"), (4, "a cat", "8")],
            [],
        ),
        ("a list.txt", "a dog, big\n\n  一隻貓；夜晚 \n", [(1, "a dog, big", None), (3, "一隻貓；夜晚", None)], []),
        ("a list with its name.txt", "concept\na dog, big\n", [(2, "a dog, big", None)], []),
        ("a title.csv", "Homework 3,,\n,,\nconcept,seed,\na dog,7,\n", [(4, "a dog", "7")], ["line 1 stands above"]),
        (
            "a workbook.xlsx",
            workbook(["Homework 3"], ["Concept", "Seed"], ["a dog", 7.0], [], ["a cat", "8"], merged=("A1:C1",)),
            [(3, "a dog", "7"), (5, "a cat", "8")],
            ["line 1 stands above"],
        ),
        (
            "two sheets.xlsx",
            workbook(["read me"], others={"List": [["concept"], ["a dog"]]}),
            [(2, "a dog", None)],
            ["the sheet List is read, and not: Sheet"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and len(value) < 40 else "",
)
def test_what_people_hand_over(
    tmp_path: Path, name: str, content: str | bytes, rows: list[tuple[int, str, str | None]], notes: list[str]
) -> None:
    table = read(tmp_path, name, content)
    table.require()
    assert [(one.line, one.options.concept, one.options.seed) for one in table.assignments] == rows
    assert all(one.options.steps == USUAL.steps for one in table.assignments)
    assert len(table.notes) == len(notes)
    assert all(words in note for words, note in zip(notes, table.notes, strict=True))


def test_what_a_cell_says(tmp_path: Path) -> None:
    head = "concept,觀察,--LLM_model,steps,引導強度,fast,編譯,style,with,set,tokens,language,張數,like"
    one = (
        'a dog,"warm,\nand happy",m,２０,7.5,TRUE,否,watercolor; oil painting,ladder,'
        '"sweep.steps=5,10; ruler.seeds=2",CHUNK,zh-tw,2.0,a.png'
    )
    (found,) = said(read(tmp_path, "a.csv", f"{head}\n{one}\n"))
    assert found == (
        2,
        {
            "concept": "a dog",
            "observations": "warm,\nand happy",
            "llm_model": "m",
            "steps": 20,
            "guidance": 7.5,
            "fast": True,
            "style": ("watercolor", "oil painting"),
            "instruments": ("ladder",),
            "set_options": ("sweep.steps=5,10", "ruler.seeds=2"),
            "tokens": "chunk",
            "language": "zh-TW",
            "images": 2,
            "like": tmp_path / "a.png",
        },
    )


@pytest.mark.parametrize(
    ("name", "content", "faults"),
    [
        (
            "a.csv",
            "concept,sede,styel\na dog,7,x\n",
            [
                "line 1: there is no column 'sede' (did you mean 'seed'?)",
                "line 1: there is no column 'styel' (did you mean 'style'?)",
            ],
        ),
        ("a.csv", "concept,xyzzyx\na dog,7\n", ["known names: concept, observations, seed"]),
        ("a.csv", "a dog\na cat\n", ["line 1: no column is called concept (構想): the line says 'a dog'"]),
        ("a.csv", "構相,種子\n一隻貓,7\n", ["the line says '構相 種子' (did you mean '構想'?)"]),
        (
            "a.csv",
            "構想，種子\n一隻貓，水彩，7\n",
            ["line 1: the cells have full-width marks (，) between them, and line 2 has not as many"],
        ),
        ("a.csv", "concept,概念\na dog,b\n", ["the column concept is there twice"]),
        (
            "a.csv",
            "concept,seed\na dog, at night,7\na cat,8\n,9\n\nx,1.2E+11\n",
            [
                "line 2: '7' stands under no name",
                "line 4: the concept is empty",
                "line 6: seed: 1.2E+11 is a number that Excel has shortened",
            ],
        ),
        (
            "a.csv",
            "concept,steps,fast,language\na dog,many,perhaps,fr\n",
            [
                "line 2: steps: 'many' is not a whole number",
                "line 2: fast: 'perhaps' is neither",
                "line 2: language: 'fr' is none of en, zh-TW",
            ],
        ),
        ("a.csv", 'concept,seed\na cat,1\n"a dog,7\nb,8\n', ["line 3: its quotation marks do not match"]),
        ("a.csv", "concept,seed\n", ["there is no concept in it"]),
        ("a.csv", "concept\n" + "a dog\n" * 1001, ["there are more than 1,000 rows"]),
        (
            "a.xlsx",
            workbook(
                ["concept", "guidance", "aspect", "seed"], ["a dog", "=1+2", datetime.time(16, 9), 12345678901234567]
            ),
            [
                "line 2: guidance: it is a formula whose value",
                "line 2: aspect: Excel has made a date or a time of it",
                "line 2: seed: Excel keeps only 15 digits",
            ],
        ),
        (
            "a.xlsx",
            workbook(["concept", "style"], ["a dog", "oil"], ["a cat", ""], merged=("B2:B3",)),
            ["line 2: the cells B2:B3 are merged"],
        ),
    ],
)
def test_faults_are_told_with_their_lines_all_at_once(
    tmp_path: Path, name: str, content: str | bytes, faults: list[str]
) -> None:
    with pytest.raises(TableError) as caught:
        read(tmp_path, name, content).require()
    lines = caught.value.message.splitlines()
    assert lines[0] == f"{name} cannot be done as it is:"
    assert len(lines) == 1 + len(faults), lines
    assert all(words in line for words, line in zip(faults, lines[1:], strict=True)), lines
    assert "nothing has been rendered" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "there is nothing in it"),
        ("a.csv", "concept\na café on a façade\n".encode("cp1252"), "not in UTF-8, and what else"),
        ("a.csv", b"concept\n\x00\x01\x02", "it is no text"),
        ("a.csv", b"\xff\xfec\x00o", "there is nothing in it|no column|cut off"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "old Excel"),
        ("a.csv", b"%PDF-1.7", "PDF"),
        ("a.xls", b"<html><table>", "web page"),
        ("a.xlsx", b"PK\x03\x04" + bytes(100), "cut off"),
        ("a.xlsx", workbook(["concept"])[:-200], "cut off"),
        ("a.xlsx", workbook(["concept"])[:30] + workbook(["concept"])[700:], "cut off"),
        ("a.docx", zipped(**{"word/document.xml": b"x"}), "document of Word"),
        ("a.ods", zipped(**{"content.xml": b"x"}), "LibreOffice"),
        ("a.xlsx", zipped(**{"xl/workbook.xml": bytes(40_000_000)}), "unpacks to more than 16,000,000 bytes"),
        ("a.xlsx", zipped(**{"xl/workbook.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]>"}), "parts as no file of Excel has"),
        ("a.xlsx", zipped(**{"xl/workbook.xml": b"<x"}), "cut off"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    with pytest.raises(TableError, match=why):
        read(tmp_path, name, content).require()


def test_a_row_far_down_and_a_cell_far_out_take_their_time_by_what_is_there(tmp_path: Path) -> None:
    def far(row: int, column: str) -> bytes:
        parts = {}
        with zipfile.ZipFile(io.BytesIO(workbook(["concept"], ["a dog"]))) as archive:
            for name in archive.namelist():
                parts[name] = archive.read(name)
        cell = f'<row r="{row}"><c r="{column}{row}" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'.encode()
        parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", cell)
        return zipped(**parts)

    assert [one.line for one in read(tmp_path, "a.xlsx", far(90_000, "A")).assignments] == [2, 90_000]
    for content, why in (
        (far(10**9, "A"), "something stands below row 100,000"),
        (far(3, "XFD"), "more than 200 cells"),
    ):
        with pytest.raises(TableError, match=why):
            read(tmp_path, "a.xlsx", content).require()


THREE = table_of_concepts(["a dog", "a cat", "a bird"], USUAL)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("warm\n\ncold\r\n\r\n\r\nwet", ["warm", "cold", "wet"]),
        ("1. warm\n\nand happy\n3) wet", ["warm\n\nand happy", None, "wet"]),
        ("第2題：冷\n(1) 暖", ["暖", "冷", None]),
        ("1.5 times as warm\n\n2.5\n\n3.5", ["1.5 times as warm", "2.5", "3.5"]),
        ("暖\n\n冷\n\n濕".encode("cp950"), ["暖", "冷", "濕"]),
    ],
)
def test_observations(text: str | bytes, found: list[str | None]) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    assert [one.observations for one in with_observations(THREE, content, "mine.txt").assignments] == found


@pytest.mark.parametrize(
    ("table", "text", "why"),
    [
        (lambda: THREE, "warm\n\ncold", "2 paragraphs for 3 concepts"),
        (lambda: THREE, "warm", "one paragraph for 3 concepts"),
        (lambda: THREE, "1. warm\n\n4. cold", "numbers 1, 4 for 3 concepts"),
        (lambda: THREE, "1. warm\n\n1. cold", "numbers 1, 1 for 3 concepts"),
        (lambda: with_observations(THREE, b"1. warm", "a.txt"), "1. cold", "both have observations on line 1"),
    ],
)
def test_observations_that_belong_to_nothing(table: Callable[[], Table], text: str, why: str) -> None:
    with pytest.raises(TableError, match=why):
        with_observations(table(), text.encode(), "mine.txt")


def test_what_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a dog").write_text("a cat\n")
    assert [looks_like_file(given) for given in ("a dog", "./a dog", "a.csv", "no.such.xlsx", "a dog at 5 p.m.")] == [
        False,
        True,
        True,
        True,
        False,
    ]
