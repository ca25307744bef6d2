"""The report as a PDF on A4, set by Typst from a fixed source: the texts are data that it reads, never source."""

from __future__ import annotations

import io
import json
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

import templates
from compare.report.blocks import Booklet, Report, balanced
from compare.report.charts import FONT, PAPER
from compare.report.fonts import CHINESE, MONO, Faces, faces_for, is_chinese
from compare.report.sentences import sentences
from ideation import TwinseedError

SOURCE = Path(templates.__file__).parent / "reports" / "report.typ"
MOST_PIXELS = 768  # the longest side of a picture in the PDF: 300 dots to the inch at 65 mm
_KEYS = ("file", "block", "name", "mark", "style", "tone", "size")  # what the source compares or opens, not shows
#: A space at which no line may end: between a number and its unit, and between a name and its count in a list.
_TOGETHER = re.compile(r"(?<=\d) (?=%|points?\b|steps?\b|分|步|個)|(?<=[^\W\d]) (?=\d+(?:[,.;、。]|個| 個))")
_LONGEST_WORD = 24  # letters without a place to break; longer words get places


class PdfError(TwinseedError):
    """The PDF could not be set."""


def pdf_bytes(report: Report, pictures: Mapping[str, bytes]) -> bytes:
    """The report as a PDF; `pictures` has the bytes of those that it did not draw itself.

    Characters that no font on this computer has are shown by their number, and a note says so. Raises `PdfError`, and
    `compare.report.fonts.FontError` when Chinese is needed and no font has it.
    """
    content = {"title": report.title.words, "sections": list(map(asdict, report.sections))}
    return _set(content, report, report.title.made, report.model, {**pictures, **report.drawn}, set(report.drawn))


def booklet_pdf(booklet: Booklet, pictures: Mapping[str, bytes]) -> bytes:
    """The booklet as a PDF, a new page for each chapter. Raises as `pdf_bytes` does."""
    said = sentences(booklet.language)
    content = {
        "title": booklet.title,
        "by": list(booklet.by),
        "contents": said["homework"]["contents"],
        "sections": list(map(asdict, booklet.front)),
        "chapters": [
            {
                "name": one.name,
                "title": one.title.words,
                "origin": one.title.origin,
                "found": one.found,
                "sections": list(map(asdict, one.sections)),
            }
            for one in booklet.chapters
        ],
        "back": list(map(asdict, booklet.back)),
    }
    model = said["report"]["joint"].join(booklet.models)
    return _set(content, booklet, booklet.made, model, pictures, set())


def _set(
    parts: dict[str, Any],
    shown: Report | Booklet,
    made: datetime,
    model: str,
    of_files: Mapping[str, bytes],
    large: set[str],
) -> bytes:
    """The `parts`, under the heading that every report has, with the pictures that are `shown` in them."""
    t = sentences(shown.language)["report"]
    large = large | {shot.file for pair in shown.pairs for shot in (pair.simple, pair.expanded)}
    wanted = [name for name in shown.files if name not in shown.animations]
    content: dict[str, Any] = parts | {
        "language": shown.language,
        "brand": f"{t['brand']} · {t['motto']}",
        "made": t["made"].format(date=f"{made:%Y-%m-%d %H:%M} UTC"),
        "provenance": {"title": t["provenance"]["title"], "about": t["provenance"]["about"].format(model=model)},
    }
    files: dict[str, bytes] = {}
    for number, name in enumerate(wanted):
        files[f"picture-{number}.{'png' if name in large else 'jpg'}"] = _picture(
            of_files[name], small=name not in large
        )
    content["files"] = dict(zip(wanted, files, strict=True))
    charts = [block for block in _blocks(parts) if block["block"] == "chart"]
    svgs = [block.pop("svg") for block in charts]
    faces = faces_for(letter for text in (json.dumps(content, ensure_ascii=False), *svgs) for letter in set(text))
    named = {letter: f"[U+{ord(letter):04X}]" for letter in faces.missing}
    for block, svg in zip(charts, svgs, strict=True):
        block["file"] = f"chart-{block['name']}.svg"
        text = _in_faces(svg, faces).replace(PAPER, "#ffffff")
        files[block["file"]] = "".join(named.get(letter, letter) for letter in text).encode()
    keys = content.pop("files")
    content = _prepared(content, named) | {
        "files": keys,
        "fonts": list(faces.families),
        "mono": [MONO, *faces.families],
    }
    # Its list of characters must not be cleaned again: it is all numbers already.
    content["missing"] = t["pdf"]["missing"].format(characters=", ".join(named.values())) if named else ""
    return _compiled(content, files, made)


def _blocks(parts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All blocks of all sections."""
    chapters = [section for chapter in parts.get("chapters", ()) for section in chapter["sections"]]
    for section in (*parts["sections"], *chapters, *parts.get("back", ())):
        yield from section["blocks"]


def _compiled(content: dict[str, Any], files: Mapping[str, bytes], made: datetime) -> bytes:
    import typst

    with tempfile.TemporaryDirectory(prefix="twinseed-pdf-") as folder:
        root = Path(folder)
        for name, data in files.items():
            (root / name).write_bytes(data)
        (root / "report.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        (root / "report.typ").write_bytes(SOURCE.read_bytes())
        try:
            pdf = typst.compile(root / "report.typ", root=root, format="pdf", timestamp=made)
        except typst.TypstError as error:
            raise PdfError(
                "the PDF could not be set: {error}", hint="take the HTML report, and please report this", error=error
            ) from error
    if not isinstance(pdf, bytes):
        raise PdfError(
            "the PDF could not be set: it came out empty", hint="take the HTML report, and please report this"
        )
    return pdf


def _in_faces(svg: str, faces: Faces) -> str:
    """A chart whose texts name the families that they are set in. Who draws it asks the first family for every letter,
    and then any font of the computer: texts with Chinese in them name the Chinese face first, or a Japanese one comes.
    """
    families = [f"'{family}'" for family in faces.families]
    chinese = [f"'{family}'" for family in faces.families if family in CHINESE]

    def named(text: re.Match[str]) -> str:
        return text[0].replace(FONT, ", ".join([*chinese, *families] if is_chinese(text[2]) else families))

    return re.sub(r"(<text\b[^>]*>)(.*?)(?=</text>)", named, svg, flags=re.DOTALL).replace(FONT, ", ".join(families))


def _picture(content: bytes, *, small: bool) -> bytes:
    """The picture as the PDF holds it: the pair as it is, whatever is shown `small` as a JPEG."""
    with Image.open(io.BytesIO(content)) as image:
        copy = image.convert("RGB")
    if max(copy.size) > MOST_PIXELS:
        copy.thumbnail((MOST_PIXELS, MOST_PIXELS), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    copy.save(buffer, **({"format": "JPEG", "quality": 90} if small else {"format": "PNG"}))
    return buffer.getvalue()


def _prepared(value: Any, named: Mapping[str, str]) -> Any:
    """The texts in `value` without control characters, with the `named` letters by their numbers, long words broken."""
    match value:
        case str():
            text = value.replace("\r\n", "\n")
            kept = "".join(
                named.get(letter, letter) for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc"
            )
            broken = re.sub(rf"\S{{{_LONGEST_WORD}}}(?=\S)", lambda found: f"{found[0]}\u200b", balanced(kept))
            return _TOGETHER.sub("\u00a0", broken)
        case dict():
            return {key: entry if key in _KEYS else _prepared(entry, named) for key, entry in value.items()}
        case list() | tuple():
            return [_prepared(entry, named) for entry in value]
        case _:
            return value
