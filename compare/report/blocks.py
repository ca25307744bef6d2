"""The blocks that a report is built of, whatever it is written as: HTML, Markdown or PDF.

Texts here are plain: whoever writes them down escapes them. `Words` and whatever is named so are somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Text:
    """A paragraph of the report itself. "lead" is what was found, "warning" what to beware of."""

    text: str
    tone: Literal["lead", "plain", "warning", "heading"] = "plain"
    block: Literal["text"] = "text"


@dataclass(frozen=True)
class Words:
    """Somebody else's words, as they are; `by` says whose."""

    words: str
    by: str = ""
    block: Literal["words"] = "words"


@dataclass(frozen=True)
class Shot:
    """A picture of the run by its `file`, with what it shows and what stands below it."""

    file: str
    alt: str
    caption: str
    detail: str = ""


@dataclass(frozen=True)
class Strip:
    """Pictures side by side: large as a pair or small as a film strip."""

    shots: tuple[Shot, ...]
    size: Literal["pair", "film"] = "film"
    block: Literal["strip"] = "strip"


@dataclass(frozen=True)
class Grid:
    """Pictures in rows and columns, both with labels; a place may be empty."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Shot, ...], ...]], ...]
    block: Literal["grid"] = "grid"


@dataclass(frozen=True)
class Moving:
    """An animation by its `file`; it plays when the reader asks for it."""

    file: str
    alt: str
    label: str
    block: Literal["moving"] = "moving"


@dataclass(frozen=True)
class Chart:
    """A chart as an SVG text; `alt` says all that it shows."""

    name: str
    svg: str
    alt: str
    caption: str = ""
    block: Literal["chart"] = "chart"


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    block: Literal["table"] = "table"


@dataclass(frozen=True)
class Value:
    """One value of a fact: plain, code, a word that was kept or lost, or a remark beside another."""

    text: str
    style: Literal["plain", "code", "kept", "lost", "remark", "line"] = "plain"


@dataclass(frozen=True)
class Facts:
    """Terms, each with its values."""

    rows: tuple[tuple[str, tuple[Value, ...]], ...]
    block: Literal["facts"] = "facts"


@dataclass(frozen=True)
class Stretch:
    """A stretch of a prompt. `mark` is the diff's or the phrase audit's, with "none" where that has nothing to say."""

    text: str
    mark: str = "none"


@dataclass(frozen=True)
class Legend:
    """What a mark means."""

    mark: str
    sign: str
    name: str
    about: str


@dataclass(frozen=True)
class Audited:
    """The expanded prompt in stretches, each with its mark, and the legend of the marks that occur."""

    stretches: tuple[Stretch, ...]
    legend: tuple[Legend, ...]
    block: Literal["audited"] = "audited"


@dataclass(frozen=True)
class Marked:
    """A prompt in stretches, each "same", "added", "removed" or "unseen"; `label` says which prompt."""

    label: str
    stretches: tuple[Stretch, ...]
    block: Literal["marked"] = "marked"


@dataclass(frozen=True)
class Seal:
    """Does the certificate hold? The first lines say it, the last explains."""

    holds: bool
    verdicts: tuple[str, ...]
    about: str
    block: Literal["seal"] = "seal"


@dataclass(frozen=True)
class Code:
    """Text for machines, by lines or words; folded behind `summary` when there is one."""

    text: str
    summary: str = ""
    words: tuple[str, ...] = ()
    block: Literal["code"] = "code"


Block = Text | Words | Strip | Grid | Moving | Chart | Table | Facts | Audited | Marked | Seal | Code


@dataclass(frozen=True)
class Section:
    """One question of the report: `about` tells a newcomer how to read the answer."""

    name: str
    title: str
    about: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A whole report: its sections, and the pictures that it drew itself, by file name."""

    sections: tuple[Section, ...]
    drawn: dict[str, bytes] = field(default_factory=dict)


def balanced(text: str) -> str:
    """`text` with every embedding, override and isolate of direction (U+202A.., U+2066..) closed, so none leaks out."""
    opened: list[str] = []
    kept = []
    for letter in text:
        if letter in "\u202a\u202b\u202d\u202e":
            opened.append("\u202c")
        elif letter in "\u2066\u2067\u2068":
            opened.append("\u2069")
        elif letter in "\u202c\u2069":
            if not opened or opened[-1] != letter:
                continue
            opened.pop()
        kept.append(letter)
    return "".join(kept) + "".join(reversed(opened))
