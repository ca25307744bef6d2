"""`twinseed verify`: whether a run, or a bundle that somebody handed in, is what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.terminal import completion
from commands.terminal.console import progress, say
from commands.terminal.options import AllowPickle, AsJson, OptionError, Runs, path_of, run_of, runs_folder

if TYPE_CHECKING:
    from compare.homework.verification import Again, Finding, Redrawn
    from compare.session import Progress, Session


def verify(
    what: Annotated[
        str,
        typer.Argument(
            metavar="BUNDLE.zip|RUN",
            help="A bundle, or the name of a run, its folder, or last for the newest.",
            autocompletion=completion.runs,
        ),
    ],
    no_render: Annotated[
        bool, typer.Option("--no-render", help="Only what takes seconds: files, hashes, marks, times, reports.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(metavar="M", min=0, help="How long rendering again may take.", show_default=True)
    ] = 30,
    allow_pickle: AllowPickle = False,
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Hold pictures against what is said of them, and render them again; each thing that is found has a line.

    Exit 0 where all of it holds; 1 where something does not, or could not be rendered again.
    """
    from compare.homework.verification import Again, Redrawn, Verification

    with ExitStack() as stack:
        bar = _Bar(stack, runs)
        again = None if no_render else Again(bar.session, allow_pickle, minutes, bar.on_progress)
        name, found = _look(what, runs, again, stack)
        verified = Verification(name, again is not None)
        for one in found:
            verified.add(one)
            if isinstance(one, Redrawn):
                if one.outcome == "within rounding" and not as_json:
                    bar.tell(f"note: {one.run}: {one.words}")
            elif one.kind == "expected":
                say(one.words)
            elif not as_json:
                bar.tell(one.line)
    if as_json:
        print(json.dumps(verified.to_json(), ensure_ascii=False))
    else:
        print("\n".join((*bar.later, verified.summary)))
    if not verified.holds:
        raise typer.Exit(1)


class _Bar:
    """The progress bar, which comes with the session, when everything that needs no model has been looked at. While it
    is drawn, lines are kept for `later`: it has the terminal to itself."""

    def __init__(self, stack: ExitStack, runs: Path | None) -> None:
        self._stack, self._runs = stack, runs
        self._bar: Callable[[Progress], None] | None = None
        self.later: list[str] = []

    def session(self) -> Session:
        from compare.runs.gallery import Gallery
        from compare.session import Session

        self._bar = self._stack.enter_context(progress())
        return Session(Gallery(runs_folder(self._runs)))

    def on_progress(self, now: Progress) -> None:
        if self._bar is not None:
            self._bar(now)

    def tell(self, line: str) -> None:
        if self._bar is None:
            print(line)
        else:
            self.later.append(line)


def _look(
    what: str, runs: Path | None, again: Again | None, stack: ExitStack
) -> tuple[str, Iterator[Finding | Redrawn]]:
    """The name of what is looked at, and what will be found of it. A bundle stays open for as long as the `stack`."""
    from compare.homework import open_bundle
    from compare.homework.verification import verify_bundle, verify_run
    from compare.runs import LAST

    if what == LAST:  # whatever else is called so here
        gallery, name = run_of(what, runs)
        return name, verify_run(gallery.open(name), again)
    if what.casefold().endswith(".zip") or Path(what).is_file():
        bundle = stack.enter_context(open_bundle(path_of(what)))
        return bundle.path.name, verify_bundle(bundle, again)
    if Path(what, "bundle.json").is_file():  # some systems unpack what they download
        raise OptionError(
            "{folder} is a bundle that was unpacked", hint="give the zip file itself, as it was handed in", folder=what
        )
    gallery, name = run_of(what, runs)
    return name, verify_run(gallery.open(name), again)
