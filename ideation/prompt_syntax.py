r"""Prompt syntax: emphasis, breaks and adapters, as AUTOMATIC1111's web UI made them common.

`(word)` weighs 1.1 times, `(word:1.3)` as much as it says, `[word]` 1.1 times less; brackets nest, and what is never
closed reaches to the end. `\(` is a plain bracket. `BREAK` begins a new chunk of tokens. `<lora:name:0.7>` loads an
adapter and `<lora:name:0.5:0.8>` gives its text encoder and its U-Net weights of their own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from pydantic import ConfigDict

from ideation.errors import TwinseedError
from ideation.values import STRICT

_EMPHASIS = 1.1
_MAX_WEIGHT = 10.0
_MAX_DEPTH = 30

_MARK = re.compile(
    r"""
    \\(?P<escaped>[()\[\]\\])
    | (?P<adapter><lora:[^<>]*>)
    | :\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)
    | \s*\b(?P<break>BREAK)\b\s*
    | (?P<bracket>[()\[\]])
    """,
    re.VERBOSE,
)
_SQUARE = re.compile(r"(?<!\\)\[([^\[\]\\]*)\]")
#: Web UI's prompt editing and alternation, which change the prompt between steps: `[a:b:0.5]`, `[a:0.5]`, `[a|b]`.
_CHANGES_ON_THE_WAY = re.compile(r"\||:\s*[\d.]+\s*\Z")


class PromptSyntaxError(TwinseedError):
    """A prompt whose syntax means nothing, or something that is not done here."""


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
    """`sections` are what stands between the BREAKs, each a row of stretches; `adapters` have been taken out."""

    sections: tuple[tuple[Stretch, ...], ...]
    adapters: tuple[AdapterMention, ...] = ()

    @property
    def text(self) -> str:
        """The words alone, as a reader would say them."""
        return " ".join("".join(stretch.text for stretch in section) for section in self.sections)


def spoken(prompt: str) -> str:
    """The words of a prompt without its syntax."""
    return parse_prompt(prompt).text


def parse_prompt(prompt: str) -> ParsedPrompt:
    """Takes a prompt apart. A prompt without syntax comes back as one section of one stretch, to the letter.

    Raises `PromptSyntaxError` for an adapter or a weight that cannot be read, for brackets nested deeper than 30, and
    for prompts that change between steps, which would be another experiment.
    """
    for square in _SQUARE.finditer(prompt):
        if _CHANGES_ON_THE_WAY.search(square[1]):
            raise PromptSyntaxError(
                f"{square[0][:60]!r} would change the prompt between steps",
                hint=r"a pair compares two fixed prompts: leave it out, or write \[ and \] for plain brackets",
            )
    sections: list[list[Stretch]] = [[]]
    adapters: list[AdapterMention] = []
    # For each bracket that is open: its kind, and where in the list of stretches its inside begins.
    opened: list[tuple[str, int]] = []
    flat: list[Stretch | None] = []  # None stands for a BREAK

    def weigh(begin: int, factor: float) -> None:
        for k in range(begin, len(flat)):
            stretch = flat[k]
            if stretch is not None:
                flat[k] = Stretch(stretch.text, stretch.weight * factor)

    position = 0
    for mark in _MARK.finditer(prompt):
        if mark.start() > position:
            flat.append(Stretch(prompt[position : mark.start()]))
        position = mark.end()
        if mark["escaped"]:
            flat.append(Stretch(mark["escaped"]))
        elif mark["adapter"]:
            adapters.append(_adapter(mark["adapter"]))
        elif mark["break"]:
            flat.append(None)
        elif mark["weight"]:
            if opened and opened[-1][0] == "(":
                weigh(opened.pop()[1], _weight(mark["weight"], mark.group()))
            else:  # ":1.5)" closes nothing: it is text
                flat.append(Stretch(mark.group()))
        elif mark["bracket"] in "([":
            opened.append((mark["bracket"], len(flat)))
            if len(opened) > _MAX_DEPTH:
                raise PromptSyntaxError(
                    f"the prompt opens more than {_MAX_DEPTH} brackets inside each other",
                    hint=r"write \( for a bracket that is only a bracket, or a weight such as (word:1.3)",
                )
        elif opened and opened[-1][0] == {")": "(", "]": "["}[mark["bracket"]]:
            weigh(opened.pop()[1], _EMPHASIS if mark["bracket"] == ")" else 1 / _EMPHASIS)
        else:
            flat.append(Stretch(mark["bracket"]))
    if position < len(prompt):
        flat.append(Stretch(prompt[position:]))
    for kind, begin in opened:
        weigh(begin, _EMPHASIS if kind == "(" else 1 / _EMPHASIS)
    for item in flat:
        if item is None:
            sections.append([])
        else:
            sections[-1].append(item)
    joined = tuple(_joined(section) for section in sections)
    if adapters:  # what stood around a mention is not left dangling
        joined = tuple(_trimmed(section) for section in joined)
    return ParsedPrompt(joined, tuple(adapters))


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


def _weight(text: str, around: str) -> float:
    weight = float(text)
    if not math.isfinite(weight) or abs(weight) > _MAX_WEIGHT:
        raise PromptSyntaxError(
            f"the weight {text} in {around!r} is out of range",
            hint=f"give a number from -{_MAX_WEIGHT:g} to {_MAX_WEIGHT:g}; 0.7 to 1.4 is usual",
        )
    return weight


def _adapter(mention: str) -> AdapterMention:
    name, *weights = mention[len("<lora:") : -1].split(":")
    try:
        numbers = [float(weight) for weight in weights]
    except ValueError:
        numbers = [math.nan]
    if not name.strip() or len(numbers) > 2 or not all(abs(number) <= _MAX_WEIGHT for number in numbers):
        raise PromptSyntaxError(
            f"the adapter {mention!r} cannot be read",
            hint=f"write <lora:name:0.7> or <lora:name:0.5:0.8>, with weights from -{_MAX_WEIGHT:g} to {_MAX_WEIGHT:g}",
        )
    text_encoder, unet = (numbers * 2)[:2] if numbers else (1.0, 1.0)
    return AdapterMention(name.strip(), text_encoder, unet)
