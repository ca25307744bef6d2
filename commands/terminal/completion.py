"""Completion in the shell: the names that can follow an option, and the script that asks for them.

A name is offered as it can be typed without quotation marks. Nothing here loads torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path

import typer
import typer.completion

from ideation import TwinseedError

VARIABLE = "_TWINSEED_COMPLETE"


class Shell(StrEnum):
    """A shell for which there is a script."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


def show_script(shell: Shell | None) -> None:
    """Prints the script for the shell and ends the program; does nothing where none was named."""
    if shell is not None:
        script = typer.completion.get_completion_script  # type: ignore[attr-defined]  # has no public name elsewhere
        print(script(prog_name="twinseed", complete_var=VARIABLE, shell=shell.value))
        raise typer.Exit


def ready_for_questions() -> None:
    """Where a shell's script has started the program, to be told what could be typed next, makes it able to answer."""
    if VARIABLE in os.environ:
        typer.completion.completion_init()  # type: ignore[attr-defined]  # as above


def _offered(names: Callable[[], Iterable[str]], begun: str) -> list[str]:
    """Those of the names that begin so. A person's file that cannot be read offers nothing."""
    try:
        found = [name for name in names() if name.startswith(begun)]
    except (TwinseedError, OSError):
        return []
    # bash puts in what it is given; the other shells take care of spaces themselves
    in_bash = os.environ.get(VARIABLE) == "complete_bash"
    return [name.replace(" ", "\\ ") if in_bash else name for name in found]


def _plain(name: str) -> str:
    """Another spelling of a style's, preset's or level's name."""
    return name.replace(" ", "-")


def styles(incomplete: str) -> list[str]:
    from generate.choices import all_styles

    return _offered(lambda: map(_plain, all_styles()), incomplete)


def presets(incomplete: str) -> list[str]:
    from generate.choices import PRESETS

    return _offered(lambda: map(_plain, PRESETS), incomplete)


def performance_levels(incomplete: str) -> list[str]:
    from generate.choices import all_performance

    return _offered(lambda: map(_plain, all_performance()), incomplete)


def schedulers(incomplete: str) -> list[str]:
    from generate.schedulers.table import FLOW_SCHEDULERS, SCHEDULERS

    names = (name.casefold().replace("++", "pp").replace(" ", "_") for name in (*SCHEDULERS, *FLOW_SCHEDULERS))
    return _offered(lambda: names, incomplete)


def models(incomplete: str) -> list[str]:
    from generate.models import known_models

    return _offered(lambda: (one.name for one in known_models() if one.renders), incomplete)


def expanders(incomplete: str) -> list[str]:
    from ideation import known_expanders

    return _offered(lambda: ["auto", *known_expanders()], incomplete)


def instruments(incomplete: str) -> list[str]:
    """One, or the last of several with commas."""
    from compare.instruments import INSTRUMENTS

    before = incomplete.rpartition(",")[0]
    named = before.split(",")
    left = [name for name in INSTRUMENTS if name not in named]
    return _offered(lambda: (f"{before},{name}" if before else name for name in left), incomplete)


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """The newest first, as shells show them in the order of their names, and `last`."""
    from compare.runs.gallery import usual_folder
    from compare.runs.naming import LAST

    given = ctx.params.get("runs")
    folder = given if isinstance(given, Path) else usual_folder()
    return _offered(
        lambda: [LAST, *sorted((one.parent.name for one in folder.glob("*/record.json")), reverse=True)], incomplete
    )
