"""Whose words: who wrote what a report says of its pictures. Students who share a folder of runs and ask for the same
share a run; nobody hands in what somebody else saw."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from compare.homework.bundle import Student
from compare.homework.kept import keeping, marks_of
from compare.runs import Run


@dataclass(frozen=True)
class Author:
    """Who gave the words that a run has: the student themselves, at `since`; somebody else; or nobody knows who."""

    kind: Literal["own", "other", "unknown"]
    since: datetime | None = None


def keep_words(root: Path, given: Sequence[tuple[str, str]], student: Student | None) -> None:
    """Notes that the student gives these words, each to the run with the digest before it. Raises `KeptError`."""
    mark = marks_of(student)[0]
    now = datetime.now(UTC).replace(microsecond=0)
    if not given:
        return
    with keeping(root) as kept:
        words = dict(kept.content.words)
        for digest, text in given:
            key = _key(digest, text)
            words[key] = {mark: now} | words.get(key, {})
        kept.content = kept.content.model_copy(update={"words": words})


def authors_of(root: Path, found: Sequence[tuple[str, str]], student: Student | None) -> list[Author]:
    """Who gave these words, each found in the run with the digest before it. Raises `KeptError`."""
    if not found:
        return []
    marks = marks_of(student)
    with keeping(root) as kept:
        known = kept.content.words
    authors = []
    for digest, text in found:
        given = known.get(_key(digest, text), {})
        own = next((given[mark] for mark in marks if mark in given), None)
        authors.append(Author("own", own) if own is not None else Author("other" if given else "unknown"))
    return authors


def with_own_words(runs: Sequence[Run], student: Student | None) -> list[Run]:
    """The runs, all in one folder; those that somebody else wrote about without their words. Raises `KeptError`."""
    found = [(run.record.request.digest, run.record.observations or "") for run in runs]
    kinds = [one.kind for one in authors_of(runs[0].folder.parent, found, student)] if runs else []
    return [
        replace(run, record=run.record.model_copy(update={"observations": None})) if kind == "other" else run
        for run, kind in zip(runs, kinds, strict=True)
    ]


def _key(digest: str, words: str) -> str:
    return hashlib.sha256(f"{digest}\n{words.strip()}".encode()).hexdigest()
