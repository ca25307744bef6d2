"""The seeds of rows that name none: drawn once and kept beside the runs, before anything is rendered.

Whoever gives the same concepts again, stopped on the way or with a row more, gets the same seeds, and so finds what was
made of them. A seed belongs to a student, to a concept and to how often it stands in the table, whatever else is asked
for: with more steps or another style the pictures begin with the same noise.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from compare.homework.bundle import Student
from compare.homework.kept import NOBODY, keeping, marks_of
from ideation import Clause, seed_of


def kept_seeds(
    root: Path, concepts: Sequence[str], student: Student | None = None
) -> tuple[list[int], tuple[Clause, ...]]:
    """A seed for each concept, in order, and notes; `root` is the folder of the runs, which must be there.

    Those that were drawn now are on the disk before they are returned. What was drawn before the student said who they
    are, or said less, becomes theirs alone. Raises `KeptError`.
    """
    marks = marks_of(student)
    with keeping(root) as now:
        seeds = dict(now.content.seeds)
        found = []
        for words in _numbered(concepts):
            keys = [_key(mark, words) for mark in marks]
            known = next((key for key in keys if key in seeds), None)
            seeds[keys[0]] = seed_of(None) if known is None else seeds.pop(known)
            found.append(seeds[keys[0]])
        now.content = now.content.model_copy(update={"seeds": seeds})
    return found, now.notes


def _key(mark: str, words: str) -> str:
    return hashlib.sha256((words if mark == NOBODY else f"{mark}\n{words}").encode()).hexdigest()


def _numbered(concepts: Sequence[str]) -> list[str]:
    """Each concept, with which of its like it is."""
    seen = Counter[str]()
    numbered = []
    for concept in concepts:
        words = " ".join(concept.split())
        numbered.append(f"{seen[words]} {words}")
        seen[words] += 1
    return numbered
