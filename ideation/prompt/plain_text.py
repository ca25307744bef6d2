r"""Plain text: what people and LLMs write as sentences, and what of it a prompt would take for syntax.

A concept is a sentence that may have marks of the prompt syntax in it; an LLM's answer is a sentence that has none.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ideation.english import QUOTED, is_inside
from ideation.prompt.syntax import Mark, Marks, PromptSyntaxError, marks_in, spans_that_change, weight_of

_TO_ESCAPE = re.compile(r"\\(?=[()\[\]\\])|[()\[\]]")
_BREAK = re.compile(r"\bBREAK\b")
_EMBEDDING = re.compile(r"\b(embedding):(?=\S)", re.IGNORECASE)
_TAG = re.compile(r"<(\s*[A-Za-z]\w*\s*:[^<>]*)>")
#: Times and ratios in brackets: "[18:30]", "(at 18:30)", "(16:9)".
_TIME_ALONE = re.compile(r"\[\s*\d+:\d+\s*\]")
_TIME_OR_RATIO = re.compile(r"\d\s*:\s*\d+\s*\Z")


@dataclass(frozen=True)
class PlainText:
    """`text` has no syntax that counts; `taken` are the pieces of syntax that were there, as they were written."""

    text: str
    taken: tuple[str, ...] = ()


def as_prompt(text: str) -> str:
    r"""The prompt that says this text to the letter: every bracket is a bracket.

    >>> as_prompt("a clock (10:30)")
    'a clock \\(10:30\\)'
    """
    said = _TO_ESCAPE.sub(r"\\\g<0>", text)
    # What no escape exists for is written so that encoders read the same and nobody takes it for syntax.
    return _TAG.sub(r"\1", _EMBEDDING.sub(r"\1: ", _BREAK.sub("break", said)))


def concept_as_prompt(text: str) -> PlainText:
    r"""A concept as a prompt: with its marks, and with what only looks like marks as the text that it is.

    Its marks are weights with a number, doubled brackets, breaks and tags. Text are other brackets, times and ratios,
    whatever stands in quotation marks, and numbers that are out of range for a weight; only these last are in `taken`.

    >>> concept_as_prompt("a (red:1.4) clock (10:30)").text
    'a (red:1.4) clock \\(10:30\\)'
    """
    marks = marks_in(text)
    quoted = [match.span() for match in QUOTED.finditer(text)]
    changing = list(spans_that_change(text))
    literal: set[int] = set()
    taken: list[str] = []
    for place, mark in enumerate(marks.all):
        partner = marks.partners.get(place)
        if is_inside(quoted, mark.start):
            literal.add(place)
        elif partner is None:
            literal |= {place} if mark.kind == "open" else set()
        elif partner < place:
            opened = marks.all[partner]
            whole = text[opened.start : mark.end]
            inside = any(opened.start <= begin and end <= mark.end for begin, end in changing)
            if inside and not _TIME_ALONE.fullmatch(whole):
                return PlainText(text)  # to be refused, as in any prompt
            if mark.kind == "close":
                literal |= set() if _is_emphasis(marks, partner, place) else {partner, place}
            elif _is_time_or_ratio(text, opened, mark):
                literal |= {partner, place}
            elif not _is_weight(mark):
                taken.append(whole)
                literal |= {partner, place}
    written = []
    position = 0
    for place, mark in enumerate(marks.all):
        written.append(text[position : mark.start])
        position = mark.end
        # What is text in the concept may be an escape already: "\(" inside quotation marks is those two signs.
        written.append(as_prompt(mark.text) if place in literal else mark.text)
    return PlainText("".join(written) + text[position:], tuple(taken))


def plain_answer(text: str) -> PlainText:
    """The sentence in an LLM's answer: its words without the weights, doubled brackets, tags and breaks that some LLMs
    add.

    Other brackets stay as brackets of the text, and are in `taken` as well, for a prompt would read them.

    >>> plain_answer("a (red:1.3) dog <lora:ink:0.7> (golden hour, 18:30)")
    PlainText(text='a red dog (golden hour, 18:30)', taken=('(red:1.3)', '<lora:ink:0.7>', '(golden hour, 18:30)'))
    """
    marks = marks_in(text)
    quoted = [match.span() for match in QUOTED.finditer(text)]
    gone: dict[int, str] = {}  # what is written instead of a mark, by its place
    taken: list[str] = []
    for place, mark in enumerate(marks.all):
        partner = marks.partners.get(place)
        if mark.kind == "escape":
            gone[place] = mark.value
        elif is_inside(quoted, mark.start):
            continue
        elif mark.kind in ("adapter", "tag", "break"):
            gone[place] = ", " if mark.kind == "break" else ""
            taken.append(mark.text)
        elif mark.kind == "embedding":
            gone[place] = mark.value
            taken.append(mark.text)
        elif partner is not None and partner < place:
            opened = marks.all[partner]
            taken.append(text[opened.start : mark.end])
            is_weight = mark.kind == "weight" and _is_weight(mark) and not _is_time_or_ratio(text, opened, mark)
            if is_weight or _is_emphasis(marks, partner, place):
                gone[partner] = gone[place] = ""
    if not gone:
        return PlainText(text, tuple(taken))
    written = []
    position = 0
    for place, mark in enumerate(marks.all):
        written.append(text[position : mark.start])
        position = mark.end
        written.append(gone.get(place, mark.text))
    return PlainText(tidied("".join(written) + text[position:]), tuple(taken))


def tidied(text: str) -> str:
    """The text without the doubled spaces and commas that something left behind which was taken out.

    >>> tidied("a dog , , at night,")
    'a dog, at night'
    """
    return re.sub(r"(?:\s*,)+(?=\s*(?:,|\Z))|\s+(?=,)", "", " ".join(text.split())).strip(" ,")


def _is_weight(mark: Mark) -> bool:
    try:
        return math.isfinite(weight_of(mark))
    except PromptSyntaxError:
        return False


def _is_time_or_ratio(text: str, opened: Mark, closed: Mark) -> bool:
    """Whether a whole number behind a number closes the bracket: "(16:9)", "(at 18:30)"."""
    return _TIME_OR_RATIO.search(text[opened.end : closed.end - 1]) is not None


def _is_emphasis(marks: Marks, opening: int, closing: int) -> bool:
    """Whether the brackets are doubled, as in "((red))": nobody writes a sentence so."""
    return _touch(marks, opening, opening + 1, closing - 1, closing) or _touch(
        marks, opening - 1, opening, closing, closing + 1
    )


def _touch(marks: Marks, outer: int, inner: int, inner_end: int, outer_end: int) -> bool:
    """Whether two pairs of brackets, by the places of their marks, stand around the same words."""
    return (
        inner < inner_end
        and marks.partners.get(outer) == outer_end
        and marks.partners.get(inner) == inner_end
        and marks.all[outer].end == marks.all[inner].start
        and marks.all[inner_end].end == marks.all[outer_end].start
    )
