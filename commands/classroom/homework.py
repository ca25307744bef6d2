"""`twinseed homework`: many concepts, one after the other, and one file to hand in."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal.console import bars, duration, saved_first, say, say_note, stage_line, stage_steps, visible
from commands.terminal.options import (
    LookOptions,
    OptionError,
    OutputOptions,
    PromptOptions,
    RenderOptions,
    Without,
    bundled,
    pair_options,
    path_of,
    runs_folder,
)
from ideation import Clause, read_plain_file
from templates import Language

if TYPE_CHECKING:  # torch comes along with a batch
    from compare.homework.batch import Batch, BatchProgress, Done, Failed, Outcome
    from compare.homework.plan import Plan
    from compare.homework.table import Table
    from compare.request import PairOptions, PairRequest
    from compare.runs import Gallery


@bundled
def homework(
    *,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|CONCEPT",
            help="A table with a column concept (.csv, .xlsx), a list with a concept on each line (.txt), or concepts.",
        ),
    ],
    student: Annotated[str | None, typer.Option(metavar="NAME", help="Your name, for the first page.")] = None,
    student_id: Annotated[str | None, typer.Option(metavar="ID", help="Your student number.")] = None,
    observations: Annotated[
        Path | None,
        typer.Option(
            parser=path_of,
            metavar="FILE",
            help="What you see: a text with a paragraph for each concept, in order or with its number (2. ...).",
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            parser=path_of,
            metavar="OUT.zip",
            help="What to hand in. [default: TABLE-ID.zip, or TABLE.zip without a number]",
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="With the report as PDF in it as well.")] = False,
    render: RenderOptions,
    prompts: PromptOptions,
    look: LookOptions,
    output: Annotated[OutputOptions, Without(("open_report",))],
) -> None:
    """Many concepts, a pair each, in one file to hand in; called again, it does only what is missing.

    Other columns of a table are observations, seed, images, simple, expanded, style and all other options of pair by
    their names, in English or 中文. What a row leaves open is as the options here say; a seed that nobody names is
    drawn once and kept.
    """
    from compare.homework.bundle import require_place, student_of
    from compare.homework.plan import plan_of
    from compare.runs import Gallery

    whose = student_of(student, student_id)
    table = _table(what, pair_options(None, prompts, render, look, output.language), observations)
    notes = _Notes()
    bundle = require_place(bundle or _usual_bundle(table.name, student_id, notes))
    gallery = Gallery(runs_folder(output.runs))
    plan = plan_of(table, gallery, lambda request: _check(gallery, request), whose)
    notes.language = output.language or plan.tasks[0].request.language
    for note in plan.notes:
        notes.say(note)
    outcome = _carried_out(plan, gallery, notes)
    written: Path | None = None
    if outcome.runs:
        say("writing the bundle ...")
        for note in outcome.hand_in(bundle, student=whose, language=notes.language, pdf=pdf).notes:
            notes.say(note)
        written = bundle
    _tell(outcome, written, notes, output)


@dataclass
class _Notes:
    """What was noted so far, once each; it is said in `language`, and kept in English."""

    said: list[str] = field(default_factory=list)
    language: Language = "en"

    def say(self, note: str, place: Clause | None = None) -> None:
        """Says a note, of a place in the table where one is given."""
        whole = str(note) if place is None else f"{place}: {note}"
        if whole not in self.said:
            self.said.append(whole)
            say_note(note, self.language, place)


def _table(what: list[str], usual: PairOptions, observations: Path | None) -> Table:
    """The table that was named, or the concepts that were typed, with the words of the student."""
    from compare.homework.table import (
        MAX_OBSERVATIONS,
        looks_like_file,
        read_table,
        table_of_concepts,
        with_observations,
    )

    files = [one for one in what if looks_like_file(one)]
    if files and len(what) > 1:
        raise OptionError(
            "{file} is a table, and stands beside {count} other arguments",
            hint="give one table, or concepts alone; write a concept of several words between quotation marks",
            file=files[0],
            count=len(what) - 1,
        )
    table = read_table(Path(files[0]).expanduser(), usual) if files else table_of_concepts(what, usual)
    alone = [name for name in ("simple", "expanded", "drawn") if getattr(usual, name) is not None]
    if alone and len(table.assignments) > 1:
        raise OptionError(
            "--{name} would be the same for all {count} concepts",
            hint="give it in a column {name} of a table",
            name=alone[0],
            count=len(table.assignments),
        )
    if observations is None:
        return table
    try:
        content = read_plain_file(observations, MAX_OBSERVATIONS)
    except OSError as error:
        raise OptionError(
            "{file} cannot be read: {reason}",
            hint="give a text file of {most:,} bytes at most",
            file=observations,
            reason=error.strerror,
            most=MAX_OBSERVATIONS,
        ) from error
    return with_observations(table, content, observations.name)


def _usual_bundle(table: str, student_id: str | None, notes: _Notes) -> Path:
    """In the current folder, with the student's number where it can be part of a name: thirty of them meet again."""
    name = Path(table).stem or "homework"
    if student_id and re.fullmatch(r"[\w-]{1,40}", student_id):
        return Path(f"{name}-{student_id}.zip")
    if student_id:
        notes.say(
            f"the number {student_id!r} cannot be part of a file's name, so the bundle is called {name}.zip; "
            "--bundle NAME.zip names it otherwise"
        )
    return Path(f"{name}.zip")


def _check(gallery: Gallery, request: PairRequest) -> None:
    from compare.session import Session

    Session(gallery).check(request)


def _carried_out(plan: Plan, gallery: Gallery, notes: _Notes) -> Outcome:
    """What came of the plan. However it is stopped, it says how to go on."""
    from compare.homework.batch import Batch, BatchStopped
    from compare.session import Session

    batch: Batch = Batch(Session(gallery), plan.tasks)
    with _progress(notes) as on_progress:
        try:
            return batch.run(on_progress)
        except BatchStopped as stopped:
            finished, count = len(stopped.outcome.done), len(plan.tasks)
            say(f"{finished} of {count} concepts are finished; the same command goes on with the rest")
            raise stopped.reason from stopped


@contextmanager
def _progress(notes: _Notes) -> Iterator[Callable[[BatchProgress], None]]:
    """A bar for all concepts and one for the pair at work; where there is no terminal, a line for each step of both.
    What is to be noted of a pair is said when it has ended."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with bars(*columns) as drawn, saved_first() as begin:
        whole = drawn.add_task("starting", total=None, left="")
        pair = drawn.add_task("", total=None, left="")
        said = ""

        def tell(line: str) -> None:
            nonlocal said
            if line != said and not drawn.console.is_terminal:
                say(f"{line} ...")
            said = line

        def on_progress(now: BatchProgress) -> None:
            begin("" if now.pair is None else now.pair.stage)
            ended = now.number - (now.ended is None)
            left = "" if now.seconds_left is None or ended == now.count else f"{duration(now.seconds_left)} left"
            drawn.update(whole, description=_short(now.concept, 30), total=now.count, completed=ended, left=left)
            if now.ended is not None:
                say(_ended(now, now.ended))
                for note in _noted(now.ended):
                    notes.say(note, now.ended.task.place)
            elif now.pair is None:
                tell(f"concept {now.number} of {now.count}: {now.concept}" + (f"; {left}" if left else ""))
            else:
                line, (done, total) = stage_line(now.pair), stage_steps(now.pair)
                drawn.update(pair, description=line, completed=done, total=total)
                tell(line)

        yield on_progress


def _ended(now: BatchProgress, one: Done | Failed) -> str:
    from compare.homework.batch import Done

    concept = _short(now.concept, 60)
    if not isinstance(one, Done):
        return f"{now.number} of {now.count}: {concept}: failed"
    return f"{now.number} of {now.count}: {concept}: {'was there' if one.there else 'made'}, {one.run.folder}"


def _noted(one: Done | Failed) -> tuple[str, ...]:
    """What the record of a pair notes on its prompts and on what was found, as `pair` says it."""
    if one.run is None:
        return ()
    record = one.run.record
    return (*record.prompts.warnings, *(() if record.findings is None else record.findings.notes))


def _short(concept: str, most: int) -> str:
    return visible(concept if len(concept) <= most else f"{concept[: most - 1]}…")


def _tell(outcome: Outcome, bundle: Path | None, notes: _Notes, output: OutputOptions) -> None:
    """Prints what came of it: the bundle's path, or all of it as JSON; what failed comes last, with what to do."""
    where = [] if output.runs is None else ["--runs", str(output.runs)]
    commands = [shlex.join([*one.task.command[:2], *where, *one.task.command[2:]]) for one in outcome.failed]
    if output.as_json:
        print(json.dumps(_content(outcome, bundle, commands, notes), ensure_ascii=False))
    elif bundle is not None:
        print(bundle)
    if not outcome.failed:
        return
    say(f"error: {len(outcome.failed)} of {len(outcome.failed) + len(outcome.done)} concepts failed")
    for one, command in zip(outcome.failed, commands, strict=True):
        say(f"  {one.task.place}, {one.task.request.concept.text}: {one.reason.message}")
        say(f"    hint: {one.reason.hint}\n    again: {command}")
    say("hint: the same homework command tries only these again")
    raise typer.Exit(1)


def _content(outcome: Outcome, bundle: Path | None, commands: list[str], notes: _Notes) -> dict[str, Any]:
    runs = [
        {
            "line": one.task.assignment.line,
            "concept": one.task.request.concept.text,
            "seed": str(one.task.request.settings.seed),
            "run": one.run.name,
            "folder": str(one.run.folder),
            "made": not one.there,
            "notes": [str(note) for note in _noted(one)],
        }
        for one in outcome.done
    ]
    failed = [
        {
            "line": one.task.assignment.line,
            "concept": one.task.request.concept.text,
            "reason": str(one.reason.message),
            "hint": str(one.reason.hint),
            "command": command,
            "run": None if one.run is None else one.run.name,
        }
        for one, command in zip(outcome.failed, commands, strict=True)
    ]
    where = None if bundle is None else str(bundle)
    return {"runs": runs, "failed": failed, "bundle": where, "notes": notes.said}
