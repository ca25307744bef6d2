"""`twinseed class`: the bundles of a class on one page, in tables, and in a blind ballot whose answers it counts."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal.console import say
from commands.terminal.options import AsJson, OptionError, ReportLanguage, Runs, path_of, runs_folder

if TYPE_CHECKING:
    from compare.homework.classroom import Check, Merged
    from compare.session import Session

#: What shells hand over behind `--ballots *.json`.
_BALLOTS = (".json", ".txt")


def class_(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="BUNDLE.zip|FOLDER", help="Bundles, or folders with bundles in them; several."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=path_of, metavar="FOLDER", help="Where the class is written. [default: class]"),
    ] = None,
    ballots: Annotated[
        list[str] | None,
        typer.Option("--ballots", metavar="FILE.json|FILE.txt", help="Count these answers to the ballot; several."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="What stands over the page.")] = None,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Numbers in the place of names and files.")] = False,
    render: Annotated[
        bool, typer.Option("--render", help="Verify by rendering all pictures again: this takes long.")
    ] = False,
    language: ReportLanguage = None,
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Put the bundles of a class together: a page of all pairs, grades.csv and grades.xlsx, a blind ballot.

    With --ballots alone it counts the answers for a class that is there. Exit 1 where a bundle is refused or a ballot
    cannot be counted; all others are in the folder.
    """
    from compare.homework.classroom import ClassOptions, bundles_in, count_ballots, merge_class

    bundles, answers = _sorted_out(files or [], ballots or [])
    folder, created = out or Path("class"), datetime.now(UTC)
    if not bundles and not answers:
        raise OptionError(
            "there is nothing to put together", hint="name bundles, as in twinseed class *.zip --out class"
        )
    if not bundles:
        if title is not None or anonymous or render or language is not None:
            raise OptionError(
                "--title, --anonymous, --render and --language need the bundles",
                hint="name them as well; --ballots alone counts the answers for a class that is there",
            )
        merged = count_ballots(folder, answers, created)
    else:
        options = ClassOptions(title=title, language=language, anonymous=anonymous, rendered=render)
        found = bundles_in(bundles)

        def on_file(at: int, file: Path) -> None:
            say(f"{at + 1} of {len(found)}: {file.name} ...")

        merged = merge_class(
            found,
            folder,
            options,
            check=_rendering(runs) if render else None,
            created=created,
            ballots=answers,
            on_file=on_file,
        )
    _tell(merged, as_json, counted=bool(answers), alone=not bundles)


def _sorted_out(files: list[str], ballots: list[str]) -> tuple[list[Path], list[Path]]:
    """The bundles, and the answers to ballots. A shell takes `--ballots *.json` apart: its first file is the option's
    and the others stand with the bundles. Where some answers are there, a pattern that no file is like is named."""
    bundles, answers, missing = list[Path](), list[Path](), list[OptionError]()
    for name in ballots:
        answers += _matching(name, missing)
    for name in files:
        is_ballot = bool(ballots) and name.casefold().endswith(_BALLOTS)
        for path in _matching(name, missing if is_ballot else None):
            if path.suffix.casefold() not in _BALLOTS or path.is_dir():
                bundles.append(path)
            elif ballots:
                answers.append(path)
            else:
                raise OptionError(
                    "{path} is no bundle", hint="answers to the ballot are counted with --ballots {path}", path=path
                )
    if missing and not answers:
        raise missing[0]
    for error in missing:
        say(f"note: {error.message}")
    return bundles, answers


def _matching(name: str, missing: list[OptionError] | None) -> Iterator[Path]:
    """The file of that name; where a shell has not filled in *, the files that are like it. Of none, it is said in
    `missing`, if there is such a list."""
    path = path_of(name)
    if path.exists() or not glob.has_magic(name):
        yield path
        return
    found = sorted(glob.glob(str(path)))
    if not found:
        error = OptionError("no file is like {name}", hint="check the folder and the name", name=name)
        if missing is None:
            raise error
        missing.append(error)
    yield from map(Path, found)


def _rendering(runs: Path | None) -> Check:
    """Verifies bundles by rendering them again, in one session."""
    from compare.homework.verification import Again, verify_bundle

    opened: list[Session] = []

    def session() -> Session:
        from compare.runs import Gallery
        from compare.session import Session

        if not opened:
            opened.append(Session(Gallery(runs_folder(runs))))
        return opened[0]

    again = Again(session)
    return lambda bundle: verify_bundle(bundle, again)


def _tell_hand_ins(merged: Merged) -> None:
    """What was found out about the bundles; who only counts ballots has heard it."""
    for hand_in in merged.room.hand_ins:
        for concept, fault in hand_in.all_faults():
            place = f"{hand_in.label}: {concept}" if concept else hand_in.label
            say(f"note: {place}: {fault['en']}")
    for one in merged.room.refused:
        say(f"error: {one.why['en']}\nhint: {one.hint['en']}")


def _tell_count(merged: Merged) -> None:
    from compare.homework.classroom import votes_of

    votes = votes_of(merged.room).values()
    expanded, tie, simple = (sum(getattr(one, part) for one in votes) for part in ("expanded", "tie", "simple"))
    say(
        f"counted: ballots: {len(merged.room.votes)}, answers: {expanded + tie + simple}; "
        f"expanded {expanded}, no difference {tie}, simple {simple}"
    )


def _tell(merged: Merged, as_json: bool, *, alone: bool, counted: bool) -> None:
    """What came of it; `alone`: ballots were `counted` and no bundles were read."""
    room = merged.room
    for note in merged.notes:
        say(f"note: {note}")
    for label, file in merged.names.items():
        say(f"note: {label} is {file}")
    if alone:
        known = sum(len(list(hand_in.all_faults())) for hand_in in room.hand_ins) + len(room.refused)
        if known:
            say(f"note: what does not hold of the bundles: {known}, see {merged.folder / 'index.html'}")
    else:
        _tell_hand_ins(merged)
    for problem in merged.problems:
        say(f"error: {problem.message}\nhint: {problem.hint}")
    if counted:
        _tell_count(merged)
    if as_json:
        print(json.dumps(_data(merged), ensure_ascii=False))
    else:
        print(merged.folder / "index.html")
    if room.refused or merged.problems:
        raise typer.Exit(1)


def _data(merged: Merged) -> dict[str, Any]:
    from compare.homework.classroom import pooled

    return {
        "folder": str(merged.folder),
        "class": json.loads(merged.room.to_json()),
        "pooled": asdict(pooled(merged.room)),
        "problems": [problem.message for problem in merged.problems],
    }
