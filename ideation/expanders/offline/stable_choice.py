"""The chooser: one choice for each seed, concept and kind of detail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ideation.english.words import words_of

_COMMON = frozenset({"with", "from", "into", "over"})


@dataclass(frozen=True)
class Chooser:
    """Choices that depend on `seed`, `text` and the name of the choice alone, on every machine and Python version.

    `random.Random` would not do: how it turns bits into choices may change, and one choice more would move the rest.
    """

    seed: int
    text: str

    def number(self, name: str) -> int:
        """A whole number below 2^64."""
        key = f"{self.seed}\0{self.text}\0{name}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")

    def pick(self, name: str, options: Sequence[str]) -> str:
        return options[self.number(name) % len(options)]

    def turn(self, name: str, options: Sequence[str]) -> str:
        """Like `pick`, but one seed and the next never choose the same, where there is more than one option."""
        return options[(replace(self, seed=0).number(name) + self.seed) % len(options)]

    def fresh(self, name: str, options: Sequence[str], so_far: Sequence[str]) -> str | None:
        """One of the options that repeats no word of what stands there already; None when all of them do."""
        unused = without_repeats(options, so_far)
        return self.pick(name, unused) if unused else None


def without_repeats(options: Sequence[str], so_far: Sequence[str]) -> list[str]:
    """The options that share no word with what stands there already."""
    used = {word for text in so_far for word in _stems(text)}
    return [option for option in options if not used & _stems(option)]


def _stems(text: str) -> set[str]:
    """The words of four letters and more, without the plural s: enough to see that a prompt says something twice."""
    parts = (part for word in words_of(text) for part in word.parts)
    return {part.rstrip("s") for part in parts if len(part) > 3 and part.isalpha()} - _COMMON
