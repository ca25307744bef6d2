"""The report of a run: one HTML file that opens offline and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

import templates
from compare.report.charts import inline
from compare.report.facts import repeat_words
from compare.report.prompts import Part, marked_prompt
from compare.report.sentences import LOCALE_FOLDER, sentences
from compare.report.view import report_of, unseen_note
from compare.runs.record import PictureFile, Record
from ideation.english.diff import diff
from templates import LANGUAGES, Language

__all__ = [
    "LANGUAGES",
    "LOCALE_FOLDER",
    "Language",
    "Part",
    "marked_prompt",
    "render_report",
    "repeat_words",
    "sentences",
]

THUMBNAIL = 384  # pixels: the longest side of a picture in a strip or grid, twice what it is shown at


@dataclass(frozen=True)
class _Pair:
    """Both pictures of one seed, with their addresses by arm."""

    seed: int
    simple: PictureFile
    expanded: PictureFile
    sources: Mapping[str, str]


@dataclass(frozen=True)
class _Source:
    """A picture as the page holds it: its address and the size of the original in pixels."""

    address: str
    width: int
    height: int


def render_report(record: Record, pictures: Mapping[str, bytes], language: Language = "en") -> str:
    """The report of `record` as one HTML text, with the files `pictures` (by their names in the record) inside.

    Raises `compare.runs.record.RecordError` when a picture of the record is missing.
    """
    report = report_of(record, pictures, language)
    css, script = templates.render("reports/report.css"), templates.render("reports/report.js")
    prompts = record.prompts
    pieces = diff(prompts.simple, prompts.expanded)
    marked = {
        "simple": marked_prompt(pieces, "simple"),
        "expanded": marked_prompt(pieces, "expanded", prompts.tokens.dropped),
    }
    t = sentences(language)["report"]
    animations = {block.file for section in report.sections for block in section.blocks if block.block == "moving"}
    of_findings = () if record.findings is None else record.findings.files
    return templates.render(
        "reports/report.html.j2",
        t=t,
        language=language,
        # Hashes instead of 'unsafe-inline': should a text ever break out of its place, no browser would run it.
        policy=f"default-src 'none'; img-src data:; style-src {_hash(css)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        css=css,
        script=script,
        record=record,
        report=report,
        title_size="short"
        if len(record.concept.text) <= 60
        else "medium"
        if len(record.concept.text) <= 180
        else "long",
        created=f"{record.created:%Y-%m-%d %H:%M} UTC",
        created_iso=f"{record.created:%Y-%m-%dT%H:%M:%SZ}",
        pairs=[_pair(record, seed, pictures) for seed in record.seeds],
        sources={name: _source(pictures[name], small=name not in animations) for name in of_findings}
        | {name: _source(content, small=True) for name, content in report.drawn.items()},
        tall=record.renders[0].height > 1.2 * record.renders[0].width,
        marked=marked,
        legend=[
            name
            for name, shown in (
                ("added", any(part.mark == "added" and not part.unseen for part in marked["expanded"])),
                ("removed", any(part.mark == "removed" for part in marked["simple"])),
                ("unseen", any(part.unseen for part in marked["expanded"])),
            )
            if shown
        ],
        unseen=unseen_note(record, t) if prompts.tokens.dropped else "",
        libraries=", ".join(f"{name} {version}" for name, version in sorted(record.certificate.libraries.items())),
        inline=inline,
    )


def _pair(record: Record, seed: int, pictures: Mapping[str, bytes]) -> _Pair:
    simple, expanded = record.pair(seed)
    sources: dict[str, str] = {render.arm: _address(pictures[render.file], "png") for render in (simple, expanded)}
    return _Pair(seed, simple, expanded, sources)


def _source(content: bytes, *, small: bool) -> _Source:
    """The picture in `content`; of a large one that is shown `small` a smaller copy, so that reports stay light."""
    with Image.open(io.BytesIO(content)) as image:
        width, height, kind = image.width, image.height, (image.format or "png").lower()
        if small and max(width, height) > THUMBNAIL:
            copy = image.convert("RGB")
            copy.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            copy.save(buffer, format="WEBP", quality=88)
            return _Source(_address(buffer.getvalue(), "webp"), copy.width, copy.height)
    return _Source(_address(content, kind), width, height)


def _address(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _hash(inline_text: str) -> str:
    """The Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline_text.encode()).digest()).decode()}'"
