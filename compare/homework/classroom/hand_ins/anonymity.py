"""A class without names: students get numbers, and so do the files that they handed in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain

from compare.homework.classroom.content import HandedPair, HandIn, Refused
from compare.report import sentences
from templates import Language

#: Fewer letters than that may be part of any word: a student's number 7, a name of one letter.
_FEWEST_LETTERS, _FEWEST_CHINESE = 4, 2


def student_numbers(hand_ins: Sequence[HandIn], before: Mapping[str, int]) -> dict[str, int]:
    """A number for each student, in an order that says nothing of names. Whoever had one `before` keeps it."""
    numbers = {one.student: before[one.sha256] for one in hand_ins if one.sha256 in before}
    free = (number for number in range(1, 1_000_000) if number not in set(before.values()))
    for one in sorted(hand_ins, key=lambda hand_in: hand_in.sha256):
        if one.student not in numbers:
            numbers[one.student] = next(free)
    return numbers


def student_files(hand_ins: Sequence[HandIn], numbers: Mapping[str, int], before: Mapping[str, str]) -> dict[str, str]:
    """A name for each file, by its hash, that says whose it is by number; whichever had one `before` keeps it."""
    files = {one.sha256: before[one.sha256] for one in hand_ins if one.sha256 in before}
    taken = {*before.values()}
    for one in hand_ins:
        if one.sha256 not in files:
            number = numbers[one.student]
            further = (f"student-{number}-{at}.zip" for at in range(2, 1_000_000))
            files[one.sha256] = next(name for name in chain([f"student-{number}.zip"], further) if name not in taken)
            taken.add(files[one.sha256])
    return files


def without_name(hand_in: HandIn, number: int, file: str, language: Language) -> HandIn:
    """The hand-in with that number in the place of its student, also in what was written, and `file` as its file."""
    label = sentences(language)["class"]["student"].format(number=number)
    own = [one for one in (hand_in.name, hand_in.number, hand_in.file.rpartition(".")[0]) if one and _is_telling(one)]
    hide = re.compile(
        "|".join(rf"(?<!\w){re.escape(one)}(?!\w)" if one.isascii() else re.escape(one) for one in own), re.I
    )

    def hidden(text: str) -> str:
        return hide.sub(label, text) if own else text

    def pair_without(pair: HandedPair) -> HandedPair:
        words = {name: hidden(getattr(pair, name)) for name in ("concept", "simple", "expanded", "observations")}
        return pair.model_copy(update=words)

    return hand_in.model_copy(
        update={
            "file": file,
            "name": label,
            "number": None,
            "pairs": tuple(map(pair_without, hand_in.pairs)),
        }
    )


def refused_without_name(one: Refused, number: int) -> Refused:
    """A file that was refused, under a number of its own."""
    name = f"hand-in-{number}.zip"
    why = {language: text.replace(one.file, name) for language, text in one.why.items()}
    return one.model_copy(update={"file": name, "why": why})


def number_of(hand_in: HandIn) -> int | None:
    """The number in the place of a name, of a hand-in that has one."""
    found = re.fullmatch(r"student-(\d{1,6})(?:-\d{1,6})?\.zip", hand_in.file)
    return int(found[1]) if found else None


def _is_telling(name: str) -> bool:
    return len(name) >= (_FEWEST_LETTERS if name.isascii() else _FEWEST_CHINESE)
