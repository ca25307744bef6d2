"""The PDF report: set whole in both languages, with fonts for every character or a word about it."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_run import CONCEPT, PROMPTS, full_record, sample_record

from compare.report import fonts as report_fonts
from compare.report.fonts import SIGNS, TEXT, FontError, faces_for
from compare.report.pdf import _prepared
from compare.report.sentences import sentences
from compare.view import pdf_report
from templates import LANGUAGES, Language


def streams(pdf: bytes) -> bytes:
    """The content of the PDF with its compressed streams opened."""
    found = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(found)


def fonts_of(pdf: bytes) -> set[str]:
    return {name.decode() for name in re.findall(rb"/BaseFont\s*/(?:\w+\+)?([\w-]+)", streams(pdf))}


def has_chinese() -> bool:
    return bool(set(faces_for("狗").families) & set(report_fonts.CHINESE))


def test_a_full_report_in_english() -> None:
    record, files = full_record(images=3)
    pdf = pdf_report(record, files, "en")
    assert pdf.startswith(b"%PDF-")
    content = streams(pdf)
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 5
    assert b"595.27" in content, "A4"
    assert len(re.findall(rb"/Subtype\s*/Image", content)) >= len(set(files.values())) - 1, "all but the animation"


def test_chinese_comes_with_a_chinese_font() -> None:
    if not has_chinese():
        pytest.skip("no Chinese font here: install fonts-noto-cjk to run this test")
    record, files = full_record()
    fonts = fonts_of(pdf_report(record, files, "zh-TW"))
    assert any("CJK" in name or "Ming" in name or "Song" in name or "PingFang" in name for name in fonts), fonts
    taiwanese = any(name.startswith("NotoSerifCJKtc") for name in fonts)
    assert not taiwanese or not any("CJKjp" in name or "CJKsc" in name for name in fonts), "charts as the text"


def test_titles_break_where_their_words_do() -> None:
    told = sentences("zh-TW")
    wide = {
        name: [words for words in said["title"].split("\u200b") if len(words) > 9]
        for table in (told["report"], told["instruments"])
        for name, said in table.items()
        if isinstance(said, dict) and "title" in said and name not in ("overlay", "draft")
    }
    assert not any(wide.values()), "a line of the PDF's titles has nine characters"


NASTY = (
    "<script>alert(1)</script> </textarea> ]]>",
    '#panic("x") $ x $ *a* _b_ `c` @d <e> // f /* g \\u{41} ${h} #{i}',
    "\u202eright to left \u2066 unclosed",
    "x" * 5000,
    "a dog 🐕‍🦺 מכונית سيارة",
    "two\nlines\r\nand\0a zero",
)


def test_texts_are_never_source() -> None:
    text = "\n".join(NASTY)
    record, files = full_record(
        concept=replace(CONCEPT, text=text, topic=None),
        prompts=replace(PROMPTS, simple=NASTY[1], expanded=text.replace("\0", ""), warnings=NASTY),
        observations=text,
    )
    assert pdf_report(record, files, "en").startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("text", "together"),
    [
        ("37.0 % of it", "37.0\u00a0% of it"),
        ("(28.0 points)", "(28.0\u00a0points)"),
        ("drawn 2, there already 1, ignored 1.", "drawn\u00a02, there already\u00a01, ignored\u00a01."),
        ("畫出來了 2 個、", "畫出來了\u00a02\u00a0個、"),
        ("a photo of 3 dogs", "a photo of 3 dogs"),
    ],
)
def test_numbers_stay_with_what_they_count(text: str, together: str) -> None:
    assert _prepared({"said": [text], "file": text}, {}) == {"said": [together], "file": text}


def test_what_no_font_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faces_for("a\u0378") == replace(faces_for("a"), missing=("\u0378",)), "a letter that does not exist"
    monkeypatch.setattr(report_fonts, "_system", dict)
    assert faces_for("plain ● ◐ ○ ✕ ✓ → “quoted” é") == report_fonts.Faces((TEXT, SIGNS), ())
    assert faces_for("🐕").missing == ("🐕",)
    # The concept's parts are shown on the HTML page alone, so this run has no Chinese.
    record, files = sample_record(concept=replace(CONCEPT, text="a 🐕"))
    pdf = pdf_report(record, files, "en")
    assert pdf == pdf_report(record, files, "en"), "the same record gives the same bytes"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_chinese_font_is_an_error_with_a_hint(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_fonts, "_system", dict)
    record, files = sample_record(concept=replace(CONCEPT, text="一隻狗"))
    with pytest.raises(FontError, match="needs a Chinese font") as caught:
        pdf_report(record, files, language)
    assert "fonts-noto-cjk" in (caught.value.hint or "")


def test_fonts_that_cannot_be_read_have_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: dict[str, Any] = {}
    for name, content in (("empty", b""), ("short", b"\0\1\0\0\0\x09"), ("noise", bytes(range(256)) * 9)):
        (tmp_path / name).write_bytes(content)
        broken[name] = (str(tmp_path / name), 0)
    monkeypatch.setattr(report_fonts, "_system", lambda: broken | {"gone": (str(tmp_path / "gone"), 0)})
    assert faces_for("ฉ").missing == ("ฉ",)
