"""The console: what the command line prints besides its data. Tables go to standard output, the rest to standard
error."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compare.session import Progress


def say(text: str) -> None:
    """A line for people."""
    print(text, file=sys.stderr, flush=True)


def cell(value: Any) -> str:
    """A value of a table for people: no brackets, no None."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {cell(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def file_size(count: int) -> str:
    """So many bytes, for people: "33 MB"."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


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
    interrupt = signal.getsignal(signal.SIGINT)
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=None)
        said = ""

        def once(*_: object) -> None:
            # A second Ctrl-C must not cut off the saving of what the first one stopped.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise KeyboardInterrupt

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
                signal.signal(signal.SIGINT, once)
            elif now.stage == "write":
                signal.signal(signal.SIGINT, signal.SIG_IGN)

        try:
            yield on_progress
        finally:
            signal.signal(signal.SIGINT, interrupt)
