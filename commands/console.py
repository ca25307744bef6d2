"""The console: what the command line prints besides its data. Tables go to standard output, the rest to standard
error."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compare.session import Progress

#: What asks the program to end. All of it is taken as Ctrl-C is: what was finished is saved first.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def say(text: str) -> None:
    """A line for people."""
    print(text, file=sys.stderr, flush=True)


def cell(value: Any) -> str:
    """A value of a table for people: no brackets, no None."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def print_table(rows: list[dict[str, Any]]) -> None:
    """The rows, one dictionary each with the same keys, in columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*map(cell, row.values()))
    # Lines are folded to fit a terminal, and left whole for a file or another program.
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 1000).print(table)


@contextmanager
def progress() -> Iterator[Any]:
    """A progress bar on standard error; where that is no terminal, one line a stage and pair."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    stages = {
        "open": "opening the model",
        "expand": "writing the prompts with",
        "look": "looking closer:",
        "write": "writing the run",
    }
    console = Console(stderr=True, highlight=False, markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    before = {number: how for number in ENDING if callable(how := signal.getsignal(number))}
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=None)
        said = ""

        def once(number: int, frame: FrameType | None) -> None:
            # A second Ctrl-C must not cut off the saving of what the first one stopped.
            handle(signal.SIG_IGN)
            before[number](number, frame)

        def handle(how: Callable[[int, FrameType | None], Any] | signal.Handlers) -> None:
            for number in before:
                signal.signal(number, how)

        def on_progress(now: Progress) -> None:
            nonlocal said
            step = now.step
            if step is None:
                line = f"{stages[now.stage]} {now.detail}".strip()
                bars.update(task, description=line, total=None)
            else:
                line = (
                    f"rendering pair {step.pair} of {step.pairs}"
                    if now.stage == "render"
                    else f"{stages[now.stage]} {now.detail}"
                )
                done = (step.pair - 1) * step.steps + step.number
                bars.update(task, description=line, total=step.pairs * step.steps, completed=done)
            if line != said and not console.is_terminal:
                say(f"{line} ...")
            said = line
            if now.stage in ("render", "look"):
                handle(once)
            elif now.stage == "write":
                handle(signal.SIG_IGN)

        try:
            yield on_progress
        finally:
            for number, how in before.items():
                signal.signal(number, how)
