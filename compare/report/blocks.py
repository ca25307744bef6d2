"""The blocks that a report is built of, whatever it is written as: HTML, Markdown or PDF.

Texts here are plain: whoever writes them down escapes them. `Words` and whatever is named so are somebody else's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from templates import Language


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
class Pair:
    """Both pictures of one seed, large and whole."""

    seed: int
    simple: Shot
    expanded: Shot
    block: Literal["pair"] = "pair"


@dataclass(frozen=True)
class Strip:
    """Small pictures side by side, as on a film."""

    shots: tuple[Shot, ...]
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
    """A stretch of a prompt. `mark` is the diff's or the phrase audit's, with "none" where that has nothing to say;
    `unseen` is what fell off the text encoder's end."""

    text: str
    mark: str = "none"
    unseen: bool = False


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
    """A prompt in stretches, each "same", "added" or "removed"; `label` says which prompt."""

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


Block = Text | Words | Pair | Strip | Grid | Moving | Chart | Table | Facts | Audited | Marked | Seal | Code


@dataclass(frozen=True)
class Section:
    """One question of the report: `about` tells a newcomer how to read the answer."""

    name: str
    title: str
    about: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Title:
    """What stands over a report: somebody's `words` in their `language` ("und" where nobody knows which), where they
    come from, what they are made of, as (kind, English, Chinese), and when the pictures were made."""

    words: str
    language: str
    origin: str
    parts: tuple[tuple[str, str, str], ...]
    made: datetime


class _Shown(ABC):
    """What is in the blocks of whatever has sections."""

    @abstractmethod
    def _all_sections(self) -> tuple[Section, ...]: ...

    @property
    def blocks(self) -> Iterator[Block]:
        """All blocks of all sections."""
        for section in self._all_sections():
            yield from section.blocks

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs, seed by seed."""
        return tuple(block for block in self.blocks if isinstance(block, Pair))

    @property
    def animations(self) -> frozenset[str]:
        """The files that move."""
        return frozenset(block.file for block in self.blocks if isinstance(block, Moving))

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all pictures that it shows, each once, in its order."""
        return tuple(dict.fromkeys(file for block in self.blocks for file in _files(block)))


@dataclass(frozen=True)
class Report(_Shown):
    """A whole report in one language. `model` and `libraries` made its pictures; `drawn` are those that it drew itself,
    by file name."""

    language: Language
    title: Title
    sections: tuple[Section, ...]
    model: str
    libraries: tuple[str, ...] = ()
    drawn: dict[str, bytes] = field(default_factory=dict)

    def _all_sections(self) -> tuple[Section, ...]:
        return self.sections


@dataclass(frozen=True)
class Chapter:
    """One pair among others, by a `name` of its own: the first of its `sections` is the pair, `found` is its verdict in
    a word or two, `holds` whether its certificate does, `alike` whether not even the prompts do differ,
    and `whole` where its own report is, seen from this one."""

    name: str
    title: Title
    sections: tuple[Section, ...]
    found: str
    holds: bool
    alike: bool
    whole: str


@dataclass(frozen=True)
class Booklet(_Shown):
    """The report of many pairs, chapter by chapter, in one language: `by` is who hands it in, as far as they say,
    `front` and `back` are the sections before and after the chapters. The names of files begin with their chapter's."""

    language: Language
    title: str
    by: tuple[str, ...]
    made: datetime
    front: tuple[Section, ...]
    chapters: tuple[Chapter, ...]
    back: tuple[Section, ...]
    models: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    def _all_sections(self) -> tuple[Section, ...]:
        return (*self.front, *(section for one in self.chapters for section in one.sections), *self.back)


@dataclass(frozen=True)
class Card:
    """A run at a glance: the concept in somebody's `words` and their `language_of_words`, its pairs, both prompts, what
    was found in a sentence or a few, whether the certificate holds, and notes."""

    language: Language
    words: str
    language_of_words: str
    pairs: tuple[Pair, ...]
    prompts: tuple[Marked, ...]
    verdict: str
    seal: Seal
    notes: tuple[str, ...] = ()


def _files(block: Block) -> Iterator[str]:
    match block:
        case Pair(_, simple, expanded):
            yield from (simple.file, expanded.file)
        case Strip(shots):
            yield from (shot.file for shot in shots)
        case Grid(_, _, rows):
            yield from (shot.file for _, cells in rows for shots in cells for shot in shots)
        case Moving(file):
            yield file


def marks_in(stretches: Iterable[Stretch]) -> list[str]:
    """Which of the marks "added", "removed" and "unseen" the stretches bear, for a legend.

    >>> marks_in([Stretch("a dog", "same"), Stretch("neon", "added", unseen=True)])
    ['unseen']
    """
    there = {"unseen" if stretch.unseen else stretch.mark for stretch in stretches}
    return [mark for mark in ("added", "removed", "unseen") if mark in there]


def balanced(text: str) -> str:
    r"""`text` with every embedding, override and isolate of direction (U+202A.., U+2066..) closed, so none leaks out.

    >>> balanced("a\u202eb") == "a\u202eb\u202c"
    True
    """
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
