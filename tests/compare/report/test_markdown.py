"""The Markdown report: whole, in two languages, and nothing in it but text from texts."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
from sample_run import CONCEPT, PROMPTS, full_record, sample_record

from compare.instruments import INSTRUMENTS
from compare.report import sentences
from compare.runs.record import RecordError
from compare.view import markdown_report, verdict_of
from templates import LANGUAGES, Language


def contents(**changes: object) -> dict[str, bytes]:
    language = changes.pop("language", "en")
    record, files = full_record(**changes)  # type: ignore[arg-type]
    with zipfile.ZipFile(BytesIO(markdown_report(record, files, language))) as archive:  # type: ignore[arg-type]
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_and_every_picture_is_there(language: Language) -> None:
    record, files = full_record(images=3)
    with zipfile.ZipFile(BytesIO(markdown_report(record, files, language))) as archive:
        names, text = archive.namelist(), archive.read("report.md").decode()
        assert {name: archive.read(f"pictures/{name}") for name in files} == files
        svgs = [archive.read(name).decode() for name in names if name.startswith("charts/")]
    assert len(svgs) == 7
    assert all(svg.startswith("<svg") and "<script" not in svg for svg in svgs)
    linked = re.findall(r"\]\(([^)]+)\)", text)
    assert sorted(set(linked)) == sorted(name for name in names if name != "report.md"), "all are shown"
    assert len(linked) == len(set(linked)), "each once"
    said = sentences(language)
    rooms = [said["report"][name] for name in ("verdict", "audit", "card")]
    for room in [*rooms, *(said["instruments"][name] for name in INSTRUMENTS)]:
        assert f"\n## {room['title']}\n" in text
    assert verdict_of(record, language) in text
    assert "The sky is warmer," in text


def test_the_same_record_gives_the_same_bytes() -> None:
    record, files = sample_record()
    assert markdown_report(record, files) == markdown_report(record, files)


NASTY = [
    "<script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    "![x](http://elsewhere.example/x.png) [y](javascript:alert(1)) <http://a.example>",
    "www.elsewhere.example @somebody #12 :smile: $x$ http://b.example",
    "| a | b |",
    "``` \n# not a heading\n- no list\n1. none\n> no quote\n---\n===",
    "*a* _b_ ~~c~~ `d` \\ &lt; &#60;",
]


def test_texts_stay_texts() -> None:
    text = "\n".join(NASTY)
    prompts = replace(PROMPTS, simple=NASTY[0], expanded=text, warnings=tuple(NASTY), kept=tuple(NASTY))
    found = contents(concept=replace(CONCEPT, text=text), prompts=prompts, observations=text)["report.md"].decode()
    plain = contents(concept=replace(CONCEPT, text="a"), prompts=replace(prompts, simple="a", expanded="a"))
    outside = re.sub(r"(?ms)^(`{3,})\n.*?\n\1$", "", found)  # what is fenced is shown as it is
    assert not re.search(r"<(?!/?(ins|del|s|br)>)", outside), "no tag but ours"
    for bare in (
        r"(?<!\\)`",
        r"(?<!\\)@",
        r"(?<![\\&])#\d",
        r"(?i)(?<!\\)https?:/",
        r"www\.",
        r"(?<!\\):smile",
        r"(?<!\\)\$",
    ):
        assert not re.search(bare, outside), bare
    heads = [re.findall(r"(?m)^#+ ", page) for page in (outside, plain["report.md"].decode())]
    assert heads[0] == heads[1]
    assert set(re.findall(r"(?<!\\)\]\((?!pictures/|charts/)", outside)) == set()
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    columns = [len(re.findall(r"(?<!\\)\|", line)) for line in tables]
    assert max(columns) <= 6, "a text adds no cells"


def test_numbers_and_times_are_left_alone() -> None:
    record, files = full_record(images=2, observations="1. one\n- two\n---\n12:56 and -3.2\n:smile: +1")
    pages = {}
    for language in LANGUAGES:
        with zipfile.ZipFile(BytesIO(markdown_report(record, files, language))) as archive:
            pages[language] = archive.read("report.md").decode()
    page = pages["en"]
    assert " 14:25 UTC" in page
    assert re.search(r"\| 7 \| 28\.1 \| 27\.6 \|", page)
    assert "> &#49;. one\n> &#45; two\n> &#45;--\n> 12:56 and -3.2\n> \\:smile: +1" in page
    assert "| dog · riding a bicycle · watercolor |" in page
    assert "**drawn**: fits" in page
    assert "**畫出來了**：與" in pages["zh-TW"]


def test_directions_are_closed_and_long_texts_stay() -> None:
    record, files = sample_record(observations=f"\u202eleft \u2066open\na🐕‍🦺\0b\n{'x' * 5000}")
    with zipfile.ZipFile(BytesIO(markdown_report(record, files))) as archive:
        found = archive.read("report.md").decode()
    assert "a🐕‍🦺b" in found
    assert "\u202eleft \u2066open\u2069\u202c\n" in found, "every turn of direction ends with its line"
    assert "x" * 5000 in found


def test_every_picture_is_needed() -> None:
    record, files = full_record()
    del files["ladder-1.png"]
    with pytest.raises(RecordError, match=r"missing: ladder-1\.png"):
        markdown_report(record, files)
