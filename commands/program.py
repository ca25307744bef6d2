"""The program: its commands in order, and how it ends."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import Annotated, Any, NoReturn

import typer

from commands.classroom.class_ import class_
from commands.classroom.homework import homework
from commands.classroom.verify import verify
from commands.pairs.examine import examine
from commands.pairs.ladder import ladder
from commands.pairs.pair import pair
from commands.pairs.refine import refine
from commands.pairs.report import report
from commands.pairs.runs import runs_app
from commands.pairs.study import study
from commands.pairs.sweep import sweep
from commands.prompts.expand import expand
from commands.prompts.ideas import ideas
from commands.setup.doctor import doctor
from commands.setup.listing import list_names
from commands.setup.page import page
from commands.setup.version import show_version
from commands.terminal.completion import Shell, ready_for_questions, show_script
from commands.terminal.console import Plain, ended_by_signals, say
from ideation import TwinseedError

app = typer.Typer(
    help="Two pictures from one seed: what did the extra words of an expanded prompt do?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    print_version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print what matters for a bug report: versions, system, device.",
            callback=show_version,
            is_eager=True,
            expose_value=False,
        ),
    ] = False,
    show_completion: Annotated[
        Shell | None,
        typer.Option(
            metavar="SHELL",
            help="Print what completes commands and names in bash, zsh, fish or powershell.",
            callback=show_script,
            is_eager=True,
            expose_value=False,
        ),
    ] = None,
) -> None:
    """What goes before a command."""


# In the order in which the help names them.
app.command()(ideas)
app.command()(expand)
app.command()(pair)
app.command()(sweep)
app.command()(ladder)
app.command()(examine)
app.command()(refine)
app.command()(report)
app.command()(homework)
app.command()(verify)
app.command()(study)
app.command("class")(class_)
app.add_typer(runs_app, name="runs")
app.command()(page)
app.command("list")(list_names)
app.command()(doctor)


@cache
def built() -> Any:
    """All commands with their options, as typer makes them of the functions: once, which takes longer than most do."""
    return typer.main.get_command(app)


def run_program() -> NoReturn:
    """The program `twinseed`: exit 0 done, 1 a problem the user can mend, 2 wrong usage, 130 after Ctrl-C, 128 and its
    number after another signal that asks the program to end."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # 繁體中文 must come out on every system, whatever its code page
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    with redirect_stdout(Plain(sys.stdout)), redirect_stderr(Plain(sys.stderr)), ended_by_signals() as asked:
        code = _run()
        if code == 130:  # which typer makes of Ctrl-C as well
            say("stopped")
            code = 128 + (asked[0] if asked else signal.SIGINT)
    sys.exit(code)


def _run() -> int:
    """Does what was typed, and returns the exit code."""
    ready_for_questions()
    try:
        code = built()([_in_utf8(word) for word in sys.argv[1:]], standalone_mode=False, prog_name="twinseed")
        sys.stdout.flush()
    except TwinseedError as problem:
        say(f"error: {problem.message}\nhint: {problem.hint}")
        return 1
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        say("error: there is not enough memory for this\nhint: close other programs, or ask for less at once")
        return 1
    except OSError as problem:
        # Whoever read the output may have enough of it, as `head` does; a disk may have no room for it.
        if problem.errno not in (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        if problem.errno != errno.EPIPE:
            say(f"error: no room left: {problem.strerror}\nhint: make room on the disk, or send the output elsewhere")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries once more at its end, and complains
        return 1
    except Exception as problem:
        show = getattr(problem, "show", None)  # typer's usage errors: their base class has no public name
        if show is None:
            raise
        show()
        return 2
    return code or 0


def _in_utf8(word: str) -> str:
    """What was typed, which under LANG=C comes as the bytes that were not understood. Other bytes, as in the names of
    old files, stay as they are."""
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        return word


def _open_what_is_closed() -> None:
    """Sends what would go to a closed output nowhere. Left closed, its number would go to the next file that is opened,
    and a stray message of some library into that file."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    # No context manager: they stay open for as long as the program runs.
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
