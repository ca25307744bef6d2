"""`%twinseed`: the command line in the cell of a notebook, as `%load_ext twinseed` brings it."""

from __future__ import annotations

import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from commands.program import built
from commands.terminal.console import Plain
from compare.notebook.progress import without_widgets
from ideation import TwinseedError


class CommandFailed(Exception):
    """A command that ended with another exit code than 0: what it had to say is said already, or is in `lines`."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it."""
        return list(self.lines)


def register(shell: Any) -> None:
    """Makes the line magic known to a shell of IPython."""
    without_widgets()
    shell.register_magic_function(run_line, "line", "twinseed")


def run_line(line: str) -> None:
    """What would be typed behind `twinseed`: `%twinseed list styles`, `%twinseed verify homework.zip --no-render`."""
    with redirect_stdout(Plain(sys.stdout)), redirect_stderr(Plain(sys.stderr)):
        code = _done(line)
    if code:
        raise CommandFailed(f"twinseed ended with exit code {code}")


def _done(line: str) -> int:
    """The exit code of the command. Raises `CommandFailed` for what the user can mend."""
    try:
        return built()(shlex.split(line), standalone_mode=False, prog_name="%twinseed") or 0
    except TwinseedError as problem:
        raise CommandFailed(f"error: {problem.message}", f"hint: {problem.hint}") from None
    except ValueError as problem:  # quotation marks that nobody closes
        raise CommandFailed(
            f"error: the line cannot be read: {problem}", "hint: put quotation marks around words that belong together"
        ) from None
    except KeyboardInterrupt:
        raise CommandFailed("stopped; what was finished is kept") from None
    except Exception as problem:
        say = getattr(problem, "format_message", None)  # typer's usage errors: their base class has no public name
        if say is None:
            raise
        raise CommandFailed(
            f"error: {say()}", "hint: %twinseed --help names the commands, %twinseed COMMAND --help the options of one"
        ) from None
