"""The report as one HTML file that opens offline and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image

import templates
from compare.report.blocks import Booklet, Card, Marked, Pair, Report, Section, Text, marks_in
from compare.report.charts import inline
from compare.report.sentences import sentences
from generate.picture import ARMS, Arm
from templates import Language

THUMBNAIL = 384  # pixels: the longest side of a picture in a strip or grid, twice what it is shown at
LARGE = 1024  # pixels: the same of a picture of a pair among many pairs
HEAVY = 250_000  # bytes: what such a picture may have


@dataclass(frozen=True)
class _Source:
    """A picture as the page holds it: its address and the size of the original in pixels."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class _Hero:
    """A pair as the page shows it large; `prefix` sets its pictures apart from those of other pairs."""

    pair: Pair
    prompts: tuple[tuple[Arm, Marked], ...]
    notes: tuple[str, ...]
    tall: bool
    prefix: str = ""

    @property
    def legend(self) -> list[str]:
        """The marks that its prompts bear."""
        return marks_in(stretch for _, marked in self.prompts for stretch in marked.stretches)


def html_text(report: Report, pictures: Mapping[str, bytes]) -> str:
    """The report as one HTML text, with the files that it shows inside; `pictures` has those that it did not draw."""
    whole = _large(report.pairs)
    files = {**pictures, **report.drawn}
    sources = {
        name: _source(files[name], small=name not in whole and name not in report.animations) for name in report.files
    }
    pair, *rest = report.sections
    return _page(
        "reports/report.html.j2",
        report.language,
        css=templates.render("reports/report.css"),
        report=report,
        model=report.model,
        libraries=report.libraries,
        title_size=_title_size(report.title.words),
        hero=_hero(pair, sources),
        sections=rest,
        sources=sources,
        **_times(report.title.made),
    )


def booklet_html(booklet: Booklet, pictures: Mapping[str, bytes]) -> str:
    """The booklet as one HTML text; `pictures` has the files that it shows, by their names in it. They are asked for
    one by one."""
    whole = _large(booklet.pairs)
    sources = {
        name: _lighter(pictures[name]) if name in whole else _source(pictures[name], small=True)
        for name in booklet.files
    }
    return _page(
        "reports/homework/homework.html.j2",
        booklet.language,
        css=templates.render("reports/report.css") + templates.render("reports/homework/homework.css"),
        said=sentences(booklet.language)["homework"],
        booklet=booklet,
        model=sentences(booklet.language)["report"]["joint"].join(booklet.models),
        libraries=booklet.libraries,
        chapters=[
            (one, _title_size(one.title.words), _hero(one.sections[0], sources, f"{one.name}-"))
            for one in booklet.chapters
        ],
        sources=sources,
        **_times(booklet.made),
    )


def card_text(card: Card, pictures: Mapping[str, bytes]) -> str:
    """The card as HTML for the inside of a page that is somebody else's; `pictures` has the files of its pairs.

    It is one element with its style and pictures in it. Where that style is taken away, as in a notebook that is not
    trusted, both pictures and all words are still there, one below the other.
    """
    files = [shot.file for pair in card.pairs for shot in (pair.simple, pair.expanded)]
    return templates.render(
        "reports/card/card.html.j2",
        t=sentences(card.language)["report"],
        card=card,
        css=templates.render("reports/card/card.css"),
        legend=marks_in(stretch for marked in card.prompts for stretch in marked.stretches),
        sources={name: _lighter(pictures[name]) for name in files},
        small={name: _source(pictures[name], small=True) for name in files},
    )


def _page(template: str, language: Language, *, css: str, **content: Any) -> str:
    script = templates.render("reports/report.js")
    return templates.render(
        template,
        t=sentences(language)["report"],
        version=importlib.metadata.version("twinseed"),  # whoever writes it anew may have other sentences
        # Hashes instead of 'unsafe-inline': should a text ever break out of its place, no browser would run it.
        policy=f"default-src 'none'; img-src data:; style-src {policy_hash(css)}; script-src {policy_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        css=css,
        script=script,
        language=language,
        inline=inline,
        **content,
    )


def _hero(section: Section, sources: Mapping[str, _Source], prefix: str = "") -> _Hero:
    pair = next(block for block in section.blocks if isinstance(block, Pair))
    marked = [block for block in section.blocks if isinstance(block, Marked)]
    notes = tuple(block.text for block in section.blocks if isinstance(block, Text))
    return _Hero(pair, tuple(zip(ARMS, marked, strict=True)), notes, _is_tall(sources[pair.simple.file]), prefix)


def _large(pairs: Iterable[Pair]) -> set[str]:
    return {shot.file for pair in pairs for shot in (pair.simple, pair.expanded)}


def _times(made: datetime) -> dict[str, str]:
    return {"created": f"{made:%Y-%m-%d %H:%M} UTC", "created_iso": f"{made:%Y-%m-%dT%H:%M:%SZ}"}


def _title_size(words: str) -> str:
    return "short" if len(words) <= 60 else "medium" if len(words) <= 180 else "long"


def _is_tall(picture: _Source) -> bool:
    return picture.height > 1.2 * picture.width


def _lighter(content: bytes) -> _Source:
    """The picture in `content`, of a heavy one a copy that looks the same: of many a page can only hold such."""
    if len(content) <= HEAVY:
        return _source(content, small=False)
    return _copy(content, LARGE)


def _source(content: bytes, *, small: bool) -> _Source:
    """The picture in `content`; of a large one that is shown `small` a smaller copy, so that reports stay light."""
    with Image.open(io.BytesIO(content)) as image:
        width, height, kind = image.width, image.height, (image.format or "png").lower()
    if small and max(width, height) > THUMBNAIL:
        return _copy(content, THUMBNAIL)
    return _Source(_address(content, kind), width, height)


def _copy(content: bytes, longest: int) -> _Source:
    with Image.open(io.BytesIO(content)) as image:
        copy = image.convert("RGB")
    copy.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    copy.save(buffer, format="WEBP", quality=88)
    return _Source(_address(buffer.getvalue(), "webp"), copy.width, copy.height)


def _address(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def policy_hash(inline_text: str) -> str:
    """The Content-Security-Policy source that allows exactly this inline text, script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline_text.encode()).digest()).decode()}'"
