"""Prompts cut up for display by what the diff says of their words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ideation.english.diff import Kind, Piece
from ideation.english.words import words_of


@dataclass(frozen=True)
class Part:
    """A stretch of one prompt as the report shows it; joining the texts gives the prompt back."""

    text: str
    mark: Kind
    unseen: bool


def marked_prompt(
    pieces: list[Piece], side: Literal["simple", "expanded"], dropped: tuple[str, ...] = ()
) -> list[Part]:
    """One side of a diff, cut up for display: words that are only there are marked, the `dropped` tail is unseen.

    White space and commas at the end of a piece stay unmarked, because a line under them looks like a slip.
    """
    seen = _seen_length("".join(getattr(piece, side) for piece in pieces), dropped)
    parts: list[Part] = []
    position = 0
    for piece in pieces:
        text: str = getattr(piece, side)
        cut = min(max(seen - position, 0), len(text))
        for stretch, unseen in ((text[:cut], False), (text[cut:], True)):
            core = re.sub(r"[\s,;.]+\Z", "", stretch)
            parts += [Part(core, piece.kind, unseen), Part(stretch[len(core) :], "same", False)]
        position += len(text)
    return [part for part in parts if part.text]


def _seen_length(prompt: str, dropped: tuple[str, ...]) -> int:
    """How many characters of `prompt` come before its `dropped` last words; all, if those are not its last words."""
    tail = [word.key for word in words_of(" ".join(dropped))]
    found = words_of(prompt)[-len(tail) :] if tail else []
    return found[0].start if found and [word.key for word in found] == tail else len(prompt)
