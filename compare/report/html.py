"""The report as one HTML file that opens offline and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

import templates
from compare.report.blocks import Marked, Report, marks_in
from compare.report.charts import inline
from compare.report.sentences import sentences
from generate.picture import ARMS

THUMBNAIL = 384  # pixels: the longest side of a picture in a strip or grid, twice what it is shown at


@dataclass(frozen=True)
class _Source:
    """A picture as the page holds it: its address and the size of the original in pixels."""

    address: str
    width: int
    height: int


def html_text(report: Report, pictures: Mapping[str, bytes]) -> str:
    """The report as one HTML text, with the files that it shows inside; `pictures` has those that it did not draw."""
    css, script = templates.render("reports/report.css"), templates.render("reports/report.js")
    whole = {shot.file for pair in report.pairs for shot in (pair.simple, pair.expanded)}
    files = {**pictures, **report.drawn}
    sources = {
        name: _source(files[name], small=name not in whole and name not in report.animations) for name in report.files
    }
    pair, *rest = report.sections
    marked = [block for block in pair.blocks if isinstance(block, Marked)]
    return templates.render(
        "reports/report.html.j2",
        t=sentences(report.language)["report"],
        # Hashes instead of 'unsafe-inline': should a text ever break out of its place, no browser would run it.
        policy=f"default-src 'none'; img-src data:; style-src {policy_hash(css)}; script-src {policy_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        css=css,
        script=script,
        report=report,
        language=report.language,
        title_size=_title_size(report.title.words),
        created=f"{report.title.made:%Y-%m-%d %H:%M} UTC",
        created_iso=f"{report.title.made:%Y-%m-%dT%H:%M:%SZ}",
        pair=pair,
        sections=rest,
        sources=sources,
        tall=_is_tall(sources[report.pairs[0].simple.file]),
        prompts=list(zip(ARMS, marked, strict=True)),
        legend=marks_in(stretch for prompt in marked for stretch in prompt.stretches),
        inline=inline,
    )


def _title_size(words: str) -> str:
    return "short" if len(words) <= 60 else "medium" if len(words) <= 180 else "long"


def _is_tall(picture: _Source) -> bool:
    return picture.height > 1.2 * picture.width


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


def policy_hash(inline_text: str) -> str:
    """The Content-Security-Policy source that allows exactly this inline text, script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline_text.encode()).digest()).decode()}'"
