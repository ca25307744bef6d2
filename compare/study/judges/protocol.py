"""What a judge is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from compare.runs import Run
from compare.study.concepts import AskedObject
from compare.study.scores import Both
from ideation import TwinseedError

#: What a judge found: of each seed, by measure, the simple picture's value and the expanded one's. What it has nothing
#: to say of is left out.
Judged = dict[int, dict[str, Both]]


class JudgeError(TwinseedError):
    """A judge that is not there, or cannot look."""


@dataclass(frozen=True)
class Shown:
    """What a judge is shown: a run with the two pictures of each seed. `include` are the things in them that the file
    of concepts names, for those who look for things."""

    run: Run
    include: tuple[AskedObject, ...] = ()


class Judge(Protocol):
    """Says how well the pictures show what was asked for."""

    @property
    def name(self) -> str: ...

    def judge(self, shown: Shown) -> Judged: ...
