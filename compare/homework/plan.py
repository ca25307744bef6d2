"""The plan: what a table asks for, row by row; all that is wrong with it is found before anything is done. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from compare.homework.bundle import Student
from compare.homework.seeds import kept_seeds
from compare.homework.table import Assignment, Fault, Table
from compare.homework.words import authors_of, keep_words
from compare.request import PairRequest
from compare.runs import Gallery
from generate.files import read_picture
from generate.models import vocabulary_of
from ideation import (
    Clause,
    OfflineExpander,
    TwinseedError,
    guess_language,
    notes_on_unlearnt,
    translate,
)
from ideation.prompt import concept_as_prompt


@dataclass(frozen=True)
class Task:
    """A row and the request that was made of it; `place` says where the row stands."""

    place: Clause
    assignment: Assignment
    request: PairRequest

    @property
    def line(self) -> int | None:
        """Its line in the file; None for a concept that was typed."""
        return self.place.values.get("line")

    @property
    def command(self) -> list[str]:
        """The command line that does this row alone, without the folder of the runs."""
        return self.request.to_command()


@dataclass(frozen=True)
class Plan:
    """The tasks of a table, and notes on them for the user."""

    tasks: tuple[Task, ...]
    notes: tuple[Clause, ...]


def plan_of(
    table: Table, gallery: Gallery, check: Callable[[PairRequest], None], student: Student | None = None
) -> Plan:
    """What is to be done for a table of a student; seeds that it leaves open are drawn now, and kept in the `gallery`'s
    folder, and so is whose words those of the table are.

    `check` raises what is wrong with a request that is not done yet: `Session.check`. Raises `TableError` with all that
    is wrong with any row.
    """
    gallery.require_writable()
    notes = list(table.notes)
    seeds, said = _seeds(table, gallery.root, student)
    notes += said
    tasks: list[Task] = []
    faults: list[Fault] = []
    first: dict[str, Task] = {}
    for one in table.assignments:
        options = replace(one.options, seed=seeds[one.line]) if one.line in seeds else one.options
        place = table.place(one.line)
        try:
            request, about = PairRequest.from_options(options)
            if gallery.finished(request.digest) is None:
                check(request)
        except TwinseedError as problem:
            faults.append(Fault(one.line, problem.message, problem.hint))
            continue
        about = (*about, *_unknown_words(request))
        notes += [Clause("{place}: {what}", place=place, what=what) for what in about]
        same = first.get(request.digest)
        if same is None:
            first[request.digest] = Task(place, one, request)
            tasks.append(first[request.digest])
        elif one.observations not in (None, same.assignment.observations):
            faults.append(
                Fault(
                    one.line,
                    Clause("it asks for the same as {place}, with other observations", place=same.place),
                    Clause("give it another seed, or write all that you see in one of them"),
                )
            )
        else:
            notes.append(Clause("{place} asks for the same as {other}: it is made once", place=place, other=same.place))
    table.require(faults)
    given = [(one, words) for one in tasks if (words := one.assignment.observations)]
    notes += _replaced(given, gallery, student)
    keep_words(gallery.root, [(one.request.digest, words) for one, words in given], student)
    return Plan(tuple(tasks), tuple(notes))


def visible_faults(assignments: Iterable[Assignment], chosen: Callable[[str], str]) -> list[Fault]:
    """What can be seen to be wrong with rows before anything is opened; `chosen` says which expander a name stands for.
    `plan_of` finds the rest."""
    faults = []
    for one in assignments:
        try:
            request, _ = PairRequest.from_options(one.options)
            foreign = request.simple is None and guess_language(request.concept.text) != "en"
            if foreign and chosen(request.expander) == "offline":
                OfflineExpander().require_readable(request.concept)
        except TwinseedError as problem:
            faults.append(Fault(one.line, problem.message, problem.hint))
    return faults


def _unknown_words(request: PairRequest) -> tuple[Clause, ...]:
    """A note on the words that the model has never learnt, as far as the English of the concept is known already."""
    vocabulary = vocabulary_of(request.settings.model)
    english = request.simple or request.concept.text
    if vocabulary is None:
        return ()
    if request.simple is None and guess_language(english) != "en":
        if request.expander not in ("auto", "offline"):
            return ()
        try:
            english = translate(english).english
        except TwinseedError:
            return ()  # it is told when somebody else has failed to write it in English too
    try:
        return notes_on_unlearnt(concept_as_prompt(english).text, "", vocabulary)
    except TwinseedError:
        return ()  # what cannot be read is told when the pair is made


def _replaced(given: Sequence[tuple[Task, str]], gallery: Gallery, student: Student | None) -> list[Clause]:
    """Notes on words of somebody else that these take the place of, in a run that both share."""
    there = [(one, gallery.finished(one.request.digest), words) for one, words in given]
    found = [
        (one, one.request.digest, run.record.observations)
        for one, run, words in there
        if run is not None and run.record.observations and run.record.observations.strip() != words.strip()
    ]
    authors = authors_of(gallery.root, [(digest, words) for _, digest, words in found], student)
    return [
        Clause(
            "{place}: these words take the place of somebody else's, who asked for the same pictures", place=one.place
        )
        for (one, _, _), author in zip(found, authors, strict=True)
        if author.kind == "other"
    ]


def _seeds(table: Table, root: Path, student: Student | None) -> tuple[Mapping[int, str], tuple[Clause, ...]]:
    """By its line, the seed of each row that names none, in no picture either; and notes."""
    without = [one for one in table.assignments if one.options.seed is None and not _seed_in_picture(one)]
    concepts = [one.options.concept or one.options.simple or "" for one in without]
    if not without:
        return {}, ()
    seeds, notes = kept_seeds(root, concepts, student)
    return {one.line: str(seed) for one, seed in zip(without, seeds, strict=True)}, notes


def _seed_in_picture(assignment: Assignment) -> bool:
    picture = assignment.options.like
    try:
        return picture is not None and read_picture(picture).seed is not None
    except TwinseedError:
        return True  # it is told with all else that is wrong with the row
