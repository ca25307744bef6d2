"""The command line: its commands in order, and how the program ends. Each command is a file in `commands/`."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from commands.console import ENDING, say
from commands.doctor import doctor
from commands.examine import examine
from commands.expand import expand
from commands.ideas import ideas
from commands.ladder import ladder
from commands.listing import list_names
from commands.page import page
from commands.pair import pair
from commands.refine import refine
from commands.report import report
from commands.sweep import sweep
from commands.verify import verify
from ideation import TwinseedError

app = typer.Typer(
    help="Two pictures from one seed: what did the extra words of an expanded prompt do?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# In the order in which the help names them.
app.command()(ideas)
app.command()(expand)
app.command()(pair)
app.command()(sweep)
app.command()(ladder)
app.command()(examine)
app.command()(refine)
app.command()(report)
app.command()(verify)
app.command()(page)
app.command("list")(list_names)
app.command()(doctor)


def main() -> NoReturn:
    """The program `twinseed`: exit 0 done, 1 a problem the user can mend, 2 wrong usage, 130 after Ctrl-C, 128 and its
    number after another signal that asks the program to end."""
    number = int(signal.SIGINT)

    def end(asked: int, _: FrameType | None) -> None:
        nonlocal number
        number = asked
        raise KeyboardInterrupt

    # Read when torch is loaded: threads that wait for one another had better sleep than spin, or whatever else runs on
    # the machine makes rendering several times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if isinstance(sys.stdout, io.TextIOWrapper):  # 繁體中文 must come out on every system, whatever its code page
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    # What is ignored, as under nohup, stays so.
    replaced = [one for one in ENDING if signal.getsignal(one) is signal.SIG_DFL]
    for one in replaced:
        signal.signal(one, end)
    try:
        code = app(standalone_mode=False, prog_name="twinseed")
        sys.stdout.flush()
    except TwinseedError as problem:
        say(f"error: {problem.message}\nhint: {problem.hint}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    except OSError as problem:
        # Whoever read the output may have enough of it, as `head` does; a disk may have no room for it.
        if problem.errno not in (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        if problem.errno != errno.EPIPE:
            say(f"error: no room left: {problem.strerror}\nhint: make room on the disk, or send the output elsewhere")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries once more at its end, and complains
        code = 1
    except Exception as problem:
        show = getattr(problem, "show", None)  # typer's usage errors: their base class has no public name
        if show is None:
            raise
        show()
        code = 2
    finally:
        for one in replaced:
            signal.signal(one, signal.SIG_DFL)
    if code == 130:  # which typer makes of Ctrl-C as well
        say("stopped")
        code = 128 + number
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
