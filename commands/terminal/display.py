"""The display: what is shown of a run besides text. Small pictures in a terminal that can, the report in a browser."""

from __future__ import annotations

import logging
import os
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from commands.terminal.console import raw_stream, say

if TYPE_CHECKING:
    from PIL.Image import Image

    from compare.runs.run import Run

#: How wide a pair may be, in columns of the terminal, and how high, in lines.
_COLUMNS, _LINES = 60, 16
_GAP = 1 / 32  # of a picture's width, between the two


def open_report(report: Path) -> None:
    """Opens it in the browser; where none can be opened, as on a server, says what to do with it."""
    if not webbrowser.open(report.resolve().as_uri()):
        say(
            f"note: no browser could be opened here; the report is one file, {report}: open it yourself, or copy it to "
            "where there is a browser, or name one in the variable BROWSER"
        )


def show_pictures(run: Run) -> None:
    """Prints the run's first pair, simple and expanded side by side, in a terminal that says it can show pictures;
    elsewhere nothing."""
    if not _may_have_pictures():
        return
    # Else it tells people, with a traceback, that a terminal does not say how large its letters are.
    logging.getLogger("textual_image").addHandler(logging.NullHandler())
    # Asks the terminal when it is imported, and finds out in which way, if any, it shows pictures.
    from textual_image.renderable import Image, SixelImage, TGPImage

    if Image not in (SixelImage, TGPImage):
        return
    from rich.console import Console

    console = Console(file=raw_stream(sys.stdout), highlight=False, markup=False)
    pair = _side_by_side(run.image("simple"), run.image("expanded"))
    console.print(Image(pair, "auto", "auto"), width=min(_COLUMNS, console.width), height=_LINES)


def _may_have_pictures() -> bool:
    """Whether somebody sits at a terminal, wants colours, and has typed nothing yet that the terminal's answer to a
    question would be mixed up with."""
    environ = os.environ
    plain = environ.get("NO_COLOR") or environ.get("CI") or environ.get("TERM", "dumb") in ("dumb", "linux")
    if sys.platform == "win32":
        plain = environ.get("NO_COLOR") or environ.get("CI")
    terminals = (sys.__stdin__, sys.__stdout__)
    if plain or not all(one is not None and not one.closed and one.isatty() for one in terminals):
        return False
    if 0 in os.get_terminal_size(1):  # nobody has said how large it is, and so nobody may be looking
        return False
    return find_spec("textual_image") is not None and not _typed_ahead()


def _typed_ahead() -> bool:
    if sys.platform == "win32":
        import msvcrt

        return bool(msvcrt.kbhit())
    import select

    return bool(select.select([0], [], [], 0)[0])


def _side_by_side(simple: Image, expanded: Image) -> Image:
    from PIL import Image as Images

    gap = max(1, round(simple.width * _GAP))
    both = Images.new("RGBA", (simple.width + gap + expanded.width, max(simple.height, expanded.height)))
    both.paste(simple, (0, 0))
    both.paste(expanded, (simple.width + gap, 0))
    return both
