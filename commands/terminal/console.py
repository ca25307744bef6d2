"""The console: what the command line prints besides its data. Tables go to standard output, the rest to standard
error."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from ideation import Clause, told
from templates import Language

if TYPE_CHECKING:
    from compare.session import Progress

#: What asks the program to end. All of it is taken as Ctrl-C is: what was finished is saved first.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


#: What a terminal takes for orders, or what turns the order of letters around: the controls of C0 and C1 but for the
#: ends of lines and tabs, those of bidirectional text, and halves of characters.
_ORDERS = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def visible(text: str) -> str:
    """The text with every order to a terminal written out, in the way of JSON, where it means the same.

    >>> visible("a \\x1b[2Jdog")
    'a \\\\u001b[2Jdog'
    """
    return _ORDERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Plain:
    """A stream through which all that the program prints goes: words of servers, of files and of their names among it,
    none of which may give orders to the terminal. `raw` is the stream itself, for our own bars and colours."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        self.raw.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def say(text: str) -> None:
    """A line for people."""
    print(text, file=sys.stderr, flush=True)


def say_note(note: str, language: Language, place: Clause | None = None) -> None:
    """Says a note on a pair in the language in which its verdict is said, as far as there are words for it; `place`
    says which pair it is."""
    whole = Clause("{place}: {what}", place=place, what=note) if place else note
    if isinstance(whole, Clause) and whole.key == "{place}: {what}":  # else the place would be looked for in the note
        what = str(whole.values["what"])
        whole = Clause(whole.key, place=whole.values["place"], what=what if language == "en" else told(what, language))
        say(f"note: {whole.told(language)}")
    else:
        say(f"note: {note if language == 'en' else told(note, language)}")


@contextmanager
def ended_by_signals() -> Iterator[list[int]]:
    """Within it, whatever asks the program to end does so as Ctrl-C does; yields the numbers of those that came. What
    is ignored, as under nohup, stays so."""
    asked: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    replaced = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in replaced:
        signal.signal(number, end)
    try:
        yield asked
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


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


def folded(name: str, value: str) -> str:
    """A line of a table of names and values, folded between words where somebody reads it: in a terminal to its width,
    in a notebook to that of a narrow cell. For a file or another program it is left whole."""
    notebook = hasattr(sys.stdout, "pub_thread")  # the stream of a kernel
    if not (notebook or sys.stdout.isatty()):
        return name + value
    width = 88 if notebook else max(60, shutil.get_terminal_size().columns)
    return textwrap.fill(
        value,
        width,
        initial_indent=name,
        subsequent_indent=" " * len(name),
        break_long_words=False,
        break_on_hyphens=False,
    )


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
        table.add_row(*(visible(cell(value)) for value in row.values()))
    # Lines are folded to fit a terminal, and left whole for a file or another program.
    width = None if sys.stdout.isatty() else 1000
    Console(file=raw_stream(sys.stdout), highlight=False, markup=False, width=width).print(table)


def raw_stream(stream: Any) -> TextIO:
    """What is behind a stream of ours: for bars, colours and pictures."""
    return stream.raw if isinstance(stream, Plain) else stream


_STAGES = {
    "open": "opening the model",
    "expand": "writing the prompts with",
    "look": "looking closer:",
    "write": "writing the run",
}


def stage_line(now: Progress) -> str:
    """What is being done, in a line."""
    if now.stage == "render" and now.step is not None:
        return f"rendering pair {now.step.pair} of {now.step.pairs}"
    if now.until is not None:
        return visible(f"{now.detail}: waiting until {now.until.astimezone():%H:%M:%S}")
    return visible(f"{_STAGES[now.stage]} {now.detail}".strip())


def stage_steps(now: Progress) -> tuple[int, int | None]:
    """How many steps of how many are done; of what has none, nobody knows."""
    step = now.step
    return (0, None) if step is None else ((step.pair - 1) * step.steps + step.number, step.pairs * step.steps)


@contextmanager
def bars(*columns: Any) -> Iterator[Any]:
    """Bars of rich on standard error, with `console.is_terminal` False where it is none: then nothing is drawn."""
    from rich.console import Console
    from rich.progress import Progress as Bars

    console = Console(file=raw_stream(sys.stderr), highlight=False, markup=False)
    with Bars(*columns, console=console, disable=not console.is_terminal) as drawn:
        yield drawn


@contextmanager
def saved_first() -> Iterator[Callable[[str], None]]:
    """Within it, no second Ctrl-C cuts off the saving of what the first one stopped, and none the writing of a run.
    Yields what hears which stage begins."""
    before = {number: how for number in ENDING if callable(how := signal.getsignal(number))}

    def once(number: int, frame: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        before[number](number, frame)

    def begin(stage: str) -> None:
        for number, how in before.items():
            signal.signal(number, once if stage in ("render", "look") else signal.SIG_IGN if stage == "write" else how)

    try:
        yield begin
    finally:
        begin("")


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on standard error; where that is no terminal, one line a stage and pair."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bars(*columns) as drawn, saved_first() as begin:
        task = drawn.add_task("starting", total=None)
        said = ""

        def on_progress(now: Progress) -> None:
            nonlocal said
            line, (done, total) = stage_line(now), stage_steps(now)
            drawn.update(task, description=line, completed=done, total=total)
            if line != said and not drawn.console.is_terminal:
                say(f"{line} ...")
            said = line
            begin(now.stage)

        yield on_progress


@contextmanager
def counted_progress(what: str) -> Iterator[Callable[[int, int, int, float | None], None]]:
    """A progress bar of work that is counted: called with how much of it is done, has failed, and there is in all, and
    about how many seconds are left. Where standard error is no terminal, a line now and then."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(file=raw_stream(sys.stderr), highlight=False, markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task, told = bars.add_task(what, total=None, left=""), 0.0

        def show(done: int, failed: int, total: int, seconds_left: float | None) -> None:
            nonlocal told
            known = seconds_left is not None and done + failed < total
            left = f"about {duration(seconds_left or 0)} left" if known else ""
            if failed:
                left = f"{failed} failed  {left}"
            bars.update(task, completed=done + failed, total=total, left=left)
            now = time.monotonic()
            if not console.is_terminal and (now - told >= 10 or done + failed == total):
                told = now
                say(f"{done} of {total} {what} done" + (f", {left}" if left else ""))

        yield show


def duration(seconds: float) -> str:
    """A time for people, no more exact than it is known.

    >>> duration(42.3), duration(200), duration(8000)
    ('40 s', '3 min', '2 h 13 min')
    """
    if seconds < 90:
        return f"{5 * round(seconds / 5) or 1} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
