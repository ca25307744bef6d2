"""From the bundles of a class to its folder: the page with all pairs, the tables, the ballot, and the answers to it."""

from __future__ import annotations

import importlib.metadata
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compare.homework.classroom.ballot import one_each, read_votes
from compare.homework.classroom.content import Class, ClassError, HandIn, PictureId, Refused, Vote, read_class
from compare.homework.classroom.folder import BALLOT_FILE, INDEX_FILE, ClassFolder
from compare.homework.classroom.grades import csv_bytes, grades, pairs_table, votes_table, xlsx_bytes
from compare.homework.classroom.hand_ins.anonymity import (
    number_of,
    refused_without_name,
    student_files,
    student_numbers,
    without_name,
)
from compare.homework.classroom.hand_ins.gathering import OnFile, gather_all
from compare.homework.classroom.hand_ins.hand_in import Check
from compare.homework.classroom.page import ballot_page, index_page
from compare.homework.classroom.pictures import file_of, small_file_of
from compare.report import sentences
from ideation import Clause
from templates import LANGUAGES, Language

#: Files that a folder is looked through for. A course has some hundred students.
MOST_FILES = 2_000


@dataclass(frozen=True)
class ClassOptions:
    """How a class is put together. `title` and `language` are chosen where they are None: the language is that of most
    bundles. `anonymous` shows numbers in the place of names; `rendered` says that the check renders all again."""

    title: str | None = None
    language: Language | None = None
    anonymous: bool = False
    rendered: bool = False


@dataclass(frozen=True)
class Merged:
    """A class as it is in its `folder`. `names` says which file is whose where the folder does not, `notes` what else a
    teacher should know, `problems` which ballots were not counted and why."""

    room: Class
    folder: Path
    names: dict[str, str] = field(default_factory=dict)
    notes: tuple[Clause, ...] = ()
    problems: tuple[ClassError, ...] = ()


def _in_silence(_: int, __: Path) -> None:
    """Nobody listens."""


def bundles_in(given: Iterable[Path]) -> list[Path]:
    """The files as they are given, and all .zip files in a folder, in folders in it too. Raises `ClassError`."""
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            inside = sorted(
                Path(folder, name)
                for folder, _, names in os.walk(path)
                for name in names
                if name.casefold().endswith(".zip") and not name.startswith(".")
            )
            if not inside:
                raise ClassError(
                    "there is no .zip file in {folder}", hint="name the folder with the bundles", folder=path
                )
            found |= dict.fromkeys(inside)
        else:
            found[path] = None
        if len(found) > MOST_FILES:
            raise ClassError("there are more than {most:,} files", hint="name one class at a time", most=MOST_FILES)
    return list(found)


def merge_class(
    files: Sequence[Path],
    folder: Path,
    options: ClassOptions,
    *,
    created: datetime,
    check: Check | None = None,
    ballots: Sequence[Path] = (),
    on_file: OnFile = _in_silence,
) -> Merged:
    """Puts the bundles together in `folder`, which is there as a whole afterwards or as it was before. A bundle that
    cannot be opened is named in the class, and the others go on. `check` verifies each, without rendering where it is
    None; `on_file` is told of each in turn. Raises `ClassError`, also where none can be opened.
    """
    with ClassFolder.opened(folder) as place:
        if options.anonymous and place.before is not None and not place.before.anonymous:
            raise ClassError(
                "the class in {folder} has names",
                hint="name a new folder for the one without, as in --out class-without-names",
                folder=place.folder,
            )
        names, spoken = _short_names(files), Counter[Language]()
        hand_ins, refused, notes = list[HandIn](), list[Refused](), list[Clause]()
        on_ballot: dict[PictureId, bytes] = {}
        seen: dict[str, str] = {}
        for file, found in zip(files, gather_all(names, check, on_file), strict=True):
            if isinstance(found, Refused):
                refused.append(found)
                continue
            other = seen.setdefault(found.hand_in.sha256, names[file])
            if other != names[file]:
                notes.append(
                    Clause("{file} is the same file as {other}, and counts once", file=names[file], other=other)
                )
                continue
            place.add_pictures(found.files)
            on_ballot |= found.on_ballot
            hand_ins.append(found.hand_in)
            spoken[found.language] += 1
        if not hand_ins:
            raise ClassError(
                "none of the {count} files is a bundle that can be opened; the first: {why}",
                hint="give the .zip files that twinseed homework makes",
                count=len(files),
                why=refused[0].why["en"],
            )
        language = options.language or _most_spoken(spoken)
        room = Class(
            title=options.title or sentences(language)["class"]["title"],
            language=language,
            created=created,
            twinseed=importlib.metadata.version("twinseed"),
            anonymous=options.anonymous,
            rendered=options.rendered,
            hand_ins=tuple(sorted(hand_ins, key=lambda one: (one.student, one.file))),
            refused=tuple(refused),
            votes=() if place.before is None else place.before.votes,
        )
        who: dict[str, str] = {}
        if options.anonymous:
            room, who = _anonymous(room, place.before)
        problems: list[ClassError] = []
        if ballots:
            room, more, problems = _with_votes(room, ballots)
            notes += more
        elif room.votes:
            notes.append(Clause("the {count} ballots that were counted before are kept", count=len(room.votes)))
        _finish(place, room, {BALLOT_FILE: ballot_page(room, on_ballot).encode()}, notes)
        return Merged(room, place.folder, who, tuple(notes), tuple(problems))


def count_ballots(folder: Path, ballots: Sequence[Path], created: datetime) -> Merged:
    """Counts these ballots, and none that were counted before, for the class in `folder`. Raises `ClassError`, also
    where none of them can be counted."""
    read_class(folder)  # or a new one would be made
    with ClassFolder.opened(folder) as place:
        room = (place.before or read_class(folder)).model_copy(update={"created": created})
        room, notes, problems = _with_votes(room, ballots)
        _finish(place, room, {}, notes)
        return Merged(room, place.folder, {}, tuple(notes), tuple(problems))


def _finish(place: ClassFolder, room: Class, more: dict[str, bytes], notes: list[Clause]) -> None:
    """Writes the pages and tables of the class; what was put aside for them is added to `notes`."""
    said = sentences(room.language)["class"]["grades"]["sheets"]
    files = {
        **more,
        "grades.csv": csv_bytes(*grades(room)),
        "grades.xlsx": xlsx_bytes({said["grades"]: grades(room), said["pairs"]: pairs_table(room)}),
    }
    if room.votes:
        files["votes.csv"] = csv_bytes(*votes_table(room))
    files[INDEX_FILE] = index_page(room).encode()
    pictures = {
        name
        for _, pair in room.pairs()
        for seed in pair.seeds
        for picture in (seed.simple, seed.expanded)
        for name in (file_of(picture), small_file_of(picture, seed.width, seed.height))
    }
    notes += [
        Clause("somebody had changed a table: it is kept as {file}", file=aside.name)
        for aside in place.finish(room, files, pictures)
    ]


def _with_votes(room: Class, ballots: Sequence[Path]) -> tuple[Class, list[Clause], list[ClassError]]:
    """The class with the answers in these files alone. Raises `ClassError` where there are none."""
    pictures = {key: (pair.seeds[0].simple, pair.seeds[0].expanded) for key, (_, pair) in room.on_ballot().items()}
    votes: list[Vote] = []
    problems: list[ClassError] = []
    for vote in _all_votes(ballots, pictures):
        if isinstance(vote, ClassError):
            problems.append(vote)
        else:
            votes.append(vote)
    if not votes:
        raise problems[0]
    kept, twice = one_each(votes)
    notes = [
        Clause("the voter {voter} handed in more than once; the ballot with the most answers counts", voter=voter)
        for voter in twice
    ]
    return room.model_copy(update={"votes": tuple(kept)}), notes, problems


def _all_votes(
    ballots: Sequence[Path], pictures: dict[str, tuple[PictureId, PictureId]]
) -> Iterator[Vote | ClassError]:
    for file in ballots:
        try:
            yield from read_votes(file, pictures)
        except ClassError as error:
            yield error


def _anonymous(room: Class, before: Class | None) -> tuple[Class, dict[str, str]]:
    """The class without names, and which file is whose, for the teacher's eyes."""
    earlier = () if before is None or not before.anonymous else before.hand_ins
    known = {one.sha256: number for one in earlier if (number := number_of(one)) is not None}
    numbers = student_numbers(room.hand_ins, known)
    files = student_files(room.hand_ins, numbers, {one.sha256: one.file for one in earlier})
    hidden = [(one, without_name(one, numbers[one.student], files[one.sha256], room.language)) for one in room.hand_ins]
    hidden.sort(key=lambda both: numbers[both[0].student])
    who = {f"{new.label} ({new.file})": f"{old.label} ({old.file})" for old, new in hidden}
    refused = []
    for number, one in enumerate(room.refused, start=1):
        refused.append(refused_without_name(one, number))
        who[refused[-1].file] = one.file
    hand_ins = tuple(new for _, new in hidden)
    return room.model_copy(update={"hand_ins": hand_ins, "refused": tuple(refused)}), who


def _most_spoken(spoken: Counter[Language]) -> Language:
    found = LANGUAGES[0]
    for language in LANGUAGES:
        found = language if spoken[language] > spoken[found] else found
    return found


def _short_names(files: Sequence[Path]) -> dict[Path, str]:
    """A name for each file that no other has: with the folder where several have one, as learning platforms pack it."""
    count = Counter(file.name for file in files)
    return {file: file.name if count[file.name] == 1 else "/".join(file.parts[-2:]) for file in files}
