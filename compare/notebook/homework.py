"""Homework in a cell: many concepts, a pair each, and one file to hand in."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.homework import (
    Assignment,
    Table,
    plan_of,
    read_table,
    require_place,
    student_of,
    table_of_concepts,
)
from compare.notebook.arguments import ArgumentError, checked
from compare.notebook.interrupted import Interrupted
from compare.notebook.options import read_options
from compare.notebook.progress import batch_progress
from compare.notebook.usual import usual_session
from compare.report import sentences
from compare.request import PairOptions
from ideation import TwinseedError, guess_language, nearest
from templates import Language, language_for

if TYPE_CHECKING:  # torch comes along with a batch
    from compare.homework import Outcome

#: What each concept has for itself.
_EACH_ITS_OWN = ("concept", "drawn", "like", "simple", "expanded")
_OPTIONS = tuple(one.name for one in fields(PairOptions) if one.name not in _EACH_ITS_OWN)


class HomeworkError(TwinseedError):
    """No pair of a homework could be made."""


@dataclass(frozen=True)
class HandIn:
    """What is handed in: the file `path`, the names of the `runs` in it, what `failed` and why, and `notes`."""

    path: Path
    runs: tuple[str, ...]
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    language: Language = "en"

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    @property
    def lines(self) -> list[str]:
        """All of it, in words."""
        said = sentences(self.language)["notebook"]["homework"]
        made, count = len(self.runs), len(self.runs) + len(self.failed)
        first = said["made"].format(done=made, count=count, path=self.path.absolute())
        return [first, *(f"{concept}: {said['failed']}: {why}" for concept, why in self.failed), *self.notes]

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        first, *others = (html.escape(line) for line in self.lines)
        return f"<p>{first}</p>" + ("<ul>" + "".join(f"<li>{line}</li>" for line in others) + "</ul>" if others else "")


@checked
def homework(
    concepts: Sequence[str] | str | Path,
    *,
    student: str | None = None,
    student_id: str | None = None,
    observations: Sequence[str | None] | None = None,
    bundle: str | os.PathLike[str] = "homework.zip",
    pdf: bool = False,
    **options: Any,
) -> HandIn:
    """Many concepts, a pair each, in one file to hand in; called again, it does only what is missing.

    `concepts` are a list of texts, or the path of a table as `twinseed homework` reads it. `observations` are what you
    see, a text for each concept in their order, None or "" where you say nothing. Other arguments are those of `pair`,
    the same for all concepts: a `seed`, `steps`, `images`, `language` ... Raises `TwinseedError`.
    """
    for name in options:
        if name not in _OPTIONS:
            known = ["student", "student_id", "observations", "bundle", "pdf", *_OPTIONS]
            raise ArgumentError(
                "{function}() has no argument {name!r}",
                hint="{nearest}",
                function="homework",
                name=name,
                nearest=nearest(name, known),
            )
    usual = read_options(PairOptions(**options))
    whose, table = student_of(student, student_id), _table(concepts, usual, observations)
    path = require_place(Path(bundle).expanduser())
    spoken = usual.language or language_for(_language_of(table))
    session = usual_session()
    with batch_progress(spoken) as (on_progress, say_bundle):
        from compare.homework import Batch, BatchStopped

        plan = plan_of(table, session.gallery, session.made.check, whose)
        try:
            outcome: Outcome = Batch(session.made, plan.tasks).run(on_progress)
        except BatchStopped as stopped:
            if isinstance(stopped.reason, KeyboardInterrupt):
                raise Interrupted(session.gallery.root if stopped.outcome.runs else None) from stopped
            raise stopped.reason from stopped
        if not outcome.runs:
            first = outcome.failed[0].reason
            raise HomeworkError(
                "none of the {count} concepts could be made: {reason}",
                hint="{advice}",
                count=len(outcome.failed),
                reason=first.message,
                advice=first.hint,
            )
        say_bundle()
        language = usual.language or plan.tasks[0].request.language
        handed = outcome.hand_in(path, student=whose, language=language, pdf=pdf)
    return HandIn(
        path,
        tuple(run.name for run in outcome.runs),
        tuple((one.task.request.concept.text, one.reason.told(language)[0]) for one in outcome.failed),
        tuple(dict.fromkeys(note.told(language) for note in (*plan.notes, *handed.notes))),
        language,
    )


def _language_of(table: Table) -> str:
    """The language of the first concept, which is that of the file unless another is named."""
    return guess_language(table.assignments[0].options.concept or "") if table.assignments else "en"


def _table(
    concepts: Sequence[str] | str | Path, usual: PairOptions, observations: Sequence[str | None] | None
) -> Table:
    if isinstance(concepts, str | Path):
        table = read_table(Path(concepts).expanduser(), usual)
    else:
        table = table_of_concepts([str(one) for one in concepts], usual)
    count = len(table.assignments)
    if not count and not table.faults:
        raise ArgumentError("there is no concept", hint="give a list of texts, such as ['a dog', 'a cat']")
    if observations is None:
        return table
    if isinstance(observations, str) or len(observations) != count:
        raise ArgumentError(
            "there are {given} observations for {count} concepts",
            hint="give a text for each concept, in their order, and None for one of which you say nothing",
            given=1 if isinstance(observations, str) else len(observations),
            count=count,
        )
    told: list[Assignment] = [
        replace(one, observations=words.strip() if words and words.strip() else one.observations)
        for one, words in zip(table.assignments, observations, strict=True)
    ]
    return replace(table, assignments=tuple(told))
