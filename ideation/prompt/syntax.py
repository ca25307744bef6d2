r"""Prompt syntax: emphasis, breaks and adapters, as AUTOMATIC1111's web UI made them common.

`(word)` weighs 1.1 times, `(word:1.3)` as much as it says, `[word]` 1.1 times less; brackets nest, and what is never
closed reaches to the end. `\(` is a plain bracket. `BREAK` begins a new chunk of tokens. `<lora:name:0.7>` loads an
adapter and `<lora:name:0.5:0.8>` gives its text encoder and its U-Net weights of their own; `<lyco:...>` is the same.
`embedding:name`, as ComfyUI writes it, asks for a textual inversion. Other tags, as `<hypernet:...>`, are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal, cast

from pydantic import ConfigDict

from ideation.errors import TwinseedError
from ideation.files import STRICT

_EMPHASIS = 1.1
_MAX_WEIGHT = 10.0
_MAX_DEPTH = 30
_OPENS = {")": "(", "]": "["}

_MARK = re.compile(
    r"""
    \\(?P<escape>[()\[\]\\])
    | <\s*(?i:lora|lyco)\s*:(?P<adapter>[^<>]*)>
    | (?:<(?i:embed|embedding)\s*:\s*(?=[^\s<>]*\s*>) | \b(?i:embedding):)
        (?P<embedding>[^\s,()\[\]<>|:\\]*[\w-])(?:\s*>)?
    | <\s*(?P<tag>(?i:hypernet|hypernetwork|wildcard|random|alternate|fromto|segment|object|region|preset|setvar)
        \s*:[^<>]*)>
    | :\s*(?P<weight>[+-]?(?:\d++(?:\.\d*+)?|\.\d++))\s*\)
    | (?:(?<!\s)\s++)?\b(?P<break>BREAK)\b\s*+
    | (?P<open>[(\[])
    | (?P<close>[)\]])
    """,
    re.VERBOSE,
)
_SQUARE = re.compile(r"\\.|[\[\]]", re.DOTALL)
#: What makes square brackets the web UI's prompt editing or alternation, which change the prompt between steps:
#: `[a:b:0.5]`, `[a:0.5]`, `[a|b]`.
_CHANGES_ON_THE_WAY = re.compile(r"\||:\s*[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d+)?\s*\Z")
#: The end of a file's name, which some programs write behind an embedding's.
_FILE_ENDING = re.compile(r"\.(?:safetensors|pt|bin)\Z", re.IGNORECASE)


class PromptSyntaxError(TwinseedError):
    """A prompt whose syntax means nothing, or something that is not done here."""


MarkKind = Literal["escape", "adapter", "embedding", "tag", "weight", "break", "open", "close"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of the syntax where it stands: `text` is the whole prompt's `[start:end]`.

    `value` is what it says: the bracket of an escape or a bracket, the number of a weight, "name:0.7" of an adapter,
    the name of an embedding, "hypernet:name:1" of another tag.
    """

    kind: MarkKind
    text: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Marks:
    """All marks of a prompt in order. `partners` has, for the place in `all` of each bracket that is closed and of what
    closes it, the place of the other; a bracket that is in neither closes nothing, or is never closed."""

    all: tuple[Mark, ...]
    partners: dict[int, int]

    def spans(self, *kinds: MarkKind) -> list[tuple[int, int]]:
        """Where the marks of these kinds stand."""
        return [(mark.start, mark.end) for mark in self.all if mark.kind in kinds]


@dataclass(frozen=True)
class Stretch:
    """Text that all weighs the same; 1 is the usual weight."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class AdapterMention:
    """A `<lora:...>` in a prompt. The weights multiply its change of the text encoder and of the U-Net."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    text_encoder: float = 1.0
    unet: float = 1.0


@dataclass(frozen=True)
class ParsedPrompt:
    """`sections` are what stands between the BREAKs, each a row of stretches; `adapters` have been taken out, and so
    have the tags in `left_out`, which mean nothing here. `embeddings` are the names that were called embeddings; they
    stand in the text."""

    sections: tuple[tuple[Stretch, ...], ...]
    adapters: tuple[AdapterMention, ...] = ()
    embeddings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words alone, as a reader would say them."""
        return " ".join("".join(stretch.text for stretch in section) for section in self.sections)


def spoken(prompt: str) -> str:
    """The words of a prompt without its syntax. Raises `PromptSyntaxError`.

    >>> spoken("a (red:1.3) dog <lora:ink:0.7>")
    'a red dog'
    """
    return parse_prompt(prompt).text


def marks_in(prompt: str) -> Marks:
    """The marks of a prompt, whether they make sense or not. Raises nothing.

    >>> [(mark.kind, mark.value) for mark in marks_in("a (red:1.3) dog <lora:ink:0.7>").all]
    [('open', '('), ('weight', '1.3'), ('adapter', 'ink:0.7')]
    """
    found: list[Mark] = []
    partners: dict[int, int] = {}
    opened: list[int] = []
    for match in _MARK.finditer(prompt):
        kind = cast("MarkKind", match.lastgroup)
        place = len(found)
        found.append(Mark(kind, match.group(), match[kind], match.start(), match.end()))
        if kind == "open":
            opened.append(place)
        elif kind in ("weight", "close") and opened and found[opened[-1]].value == _OPENS.get(match[kind], "("):
            partners[place] = opened.pop()
            partners[partners[place]] = place
    return Marks(tuple(found), partners)


def parse_prompt(prompt: str) -> ParsedPrompt:
    """Takes a prompt apart. A prompt without syntax comes back as one section of one stretch, to the letter.

    Raises `PromptSyntaxError` for an adapter or a weight that cannot be read, for brackets nested deeper than 30, and
    for prompts that change between steps, which would be another experiment.

    >>> parse_prompt("a (red:1.3) dog").sections
    ((Stretch(text='a ', weight=1.0), Stretch(text='red', weight=1.3), Stretch(text=' dog', weight=1.0)),)
    """
    if square := changing_brackets(prompt):
        raise PromptSyntaxError(
            "{square!r} would change the prompt between steps",
            hint="a pair compares two fixed prompts: leave it out, or write \\[ and \\] for plain brackets",
            square=square[:60],
        )
    marks = marks_in(prompt)
    sections: list[list[Stretch]] = [[]]
    adapters: list[AdapterMention] = []
    embeddings: list[str] = []
    left_out: list[str] = []
    begins: dict[int, int] = {}  # where in the list of stretches the inside of an open bracket begins, by its place
    flat: list[Stretch | None] = []  # None stands for a BREAK

    def weigh(begin: int, factor: float) -> None:
        for k in range(begin, len(flat)):
            stretch = flat[k]
            if stretch is not None:
                flat[k] = Stretch(stretch.text, stretch.weight * factor)

    position = 0
    for place, mark in enumerate(marks.all):
        if mark.start > position:
            flat.append(Stretch(prompt[position : mark.start]))
        position = mark.end
        if mark.kind == "escape":
            flat.append(Stretch(mark.value))
        elif mark.kind == "adapter":
            adapters.append(_adapter(mark))
        elif mark.kind == "embedding":
            embeddings.append(name_of_embedding(mark))
            flat.append(Stretch(embeddings[-1]))
        elif mark.kind == "tag":
            left_out.append(mark.text)
        elif mark.kind == "break":
            flat.append(None)
        elif mark.kind == "open":
            begins[place] = len(flat)
            if len(begins) > _MAX_DEPTH:
                raise PromptSyntaxError(
                    "the prompt opens more than {max_depth} brackets inside each other",
                    hint="write \\( for a bracket that is only a bracket, or a weight such as (word:1.3)",
                    max_depth=_MAX_DEPTH,
                )
        elif place not in marks.partners:  # it closes nothing: it is text
            flat.append(Stretch(mark.text))
        else:
            weigh(begins.pop(marks.partners[place]), weight_of(mark))
    if position < len(prompt):
        flat.append(Stretch(prompt[position:]))
    for place, begin in begins.items():
        weigh(begin, _EMPHASIS if marks.all[place].value == "(" else 1 / _EMPHASIS)
    for item in flat:
        if item is None:
            sections.append([])
        else:
            sections[-1].append(item)
    joined = tuple(_joined(section) for section in sections)
    if adapters or left_out:  # what stood around a mention is not left dangling
        joined = tuple(_trimmed(section) for section in joined)
    return ParsedPrompt(joined, tuple(adapters), tuple(embeddings), tuple(left_out))


def self_contained(prompt: str) -> str:
    r"""The same prompt with every bracket closed, so that it weighs the same where something is written behind it.

    >>> self_contained("a ((red) dog :)")
    'a ((red) dog :)'
    >>> self_contained("a (red [dog"), self_contained("a dog)")
    ('a (red [dog])', 'a dog\\)')
    """
    marks = marks_in(prompt)
    alone = [(place, mark) for place, mark in enumerate(marks.all) if place not in marks.partners]
    written, position = "", 0
    for _, mark in alone:
        if mark.kind in ("close", "weight"):  # text, which must not close a bracket around it
            written += prompt[position : mark.end - 1] + "\\"
            position = mark.end - 1
    ends = [")" if mark.value == "(" else "]" for _, mark in alone if mark.kind == "open"]
    return written + prompt[position:] + "".join(reversed(ends))


def changing_brackets(prompt: str) -> str | None:
    r"""The first square brackets that the web UI would read as a change between steps, whatever stands inside them.

    >>> changing_brackets(r"[[a cat]:a (big:1.2) dog \(happy\):0.5] at night")
    '[[a cat]:a (big:1.2) dog \\(happy\\):0.5]'
    """
    return next((prompt[begin:end] for begin, end in spans_that_change(prompt)), None)


def spans_that_change(prompt: str) -> Iterator[tuple[int, int]]:
    """Where those brackets begin and end; inner ones first."""
    opened: list[tuple[int, list[str]]] = []  # where each begins, and what stands in it but not in others inside it
    position = 0
    for sign in _SQUARE.finditer(prompt):
        if opened:
            opened[-1][1].append(prompt[position : sign.start()])
        position = sign.end()
        if sign.group() == "[":
            opened.append((sign.start(), []))
        elif sign.group() == "]" and opened:
            begin, own = opened.pop()
            if _CHANGES_ON_THE_WAY.search("".join(own)):
                yield begin, position


def _joined(section: list[Stretch]) -> tuple[Stretch, ...]:
    """Neighbours of one weight become one stretch, so that no word is cut by an escape or a closed bracket."""
    parts = groupby(section, key=lambda stretch: round(stretch.weight, 9))
    return tuple(Stretch("".join(one.text for one in same), weight) for weight, same in parts)


def _trimmed(section: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    if not section:
        return section
    first, *rest = section
    section = (Stretch(first.text.lstrip(" ,"), first.weight), *rest)
    *begin, last = section
    section = (*begin, Stretch(last.text.rstrip(" ,"), last.weight))
    return tuple(stretch for stretch in section if stretch.text)


def weight_of(mark: Mark) -> float:
    """How much what a bracket holds weighs, by the mark that closes it. Raises `PromptSyntaxError`."""
    if mark.kind == "close":
        return _EMPHASIS if mark.value == ")" else 1 / _EMPHASIS
    weight = float(mark.value)
    if not math.isfinite(weight) or abs(weight) > _MAX_WEIGHT:
        raise PromptSyntaxError(
            "the weight {value} in {text!r} is out of range",
            hint="give a number from -{max_weight:g} to {max_weight:g}, as in (word:1.3); for plain brackets write "
            "\\( and \\), as in \\(10:30\\)",
            value=mark.value,
            text=mark.text,
            max_weight=_MAX_WEIGHT,
        )
    return weight


def name_of_embedding(mark: Mark) -> str:
    """The name as the models folder has it, without the ending of its file.

    >>> name_of_embedding(marks_in("embedding:ink.pt, a dog").all[0])
    'ink'
    """
    return _FILE_ENDING.sub("", mark.value)


def _adapter(mark: Mark) -> AdapterMention:
    name, *weights = mark.value.split(":")
    # The web UI knows them by name as well: <lora:ink:te=0.5:unet=0.8>.
    named = [weight.strip().removeprefix(key) for key, weight in zip(("te=", "unet="), weights, strict=False)]
    try:
        numbers = [float(weight) for weight in (named if len(named) == len(weights) else weights)]
    except ValueError:
        numbers = [math.nan]
    if not name.strip() or len(numbers) > 2 or not all(abs(number) <= _MAX_WEIGHT for number in numbers):
        raise PromptSyntaxError(
            "the adapter {text!r} cannot be read",
            hint="write <lora:name:0.7> or <lora:name:0.5:0.8>, with weights from -{max_weight:g} to {max_weight:g}",
            text=mark.text,
            max_weight=_MAX_WEIGHT,
        )
    text_encoder, unet = (numbers * 2)[:2] if numbers else (1.0, 1.0)
    return AdapterMention(name.strip(), text_encoder, unet)
