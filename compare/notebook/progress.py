"""Progress while somebody waits for a cell or a script: a bar of tqdm, as it suits where it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from compare.report import sentences
from templates import Language

if TYPE_CHECKING:  # torch comes along with a session
    from compare.session import Progress


@contextmanager
def shown_progress(language: Language) -> Iterator[Callable[[Progress], None]]:
    """A bar that says what is being done, and goes away at the end; in a script whose messages go to a file, none."""
    said = sentences(language)["notebook"]["progress"]
    with _bar(desc=said["start"], total=1, leave=False, bar_format="{desc} {bar:24} {elapsed}") as bar:

        def on_progress(now: Progress) -> None:
            step = now.step
            done, total = (
                (0, 1) if step is None else ((step.pair - 1) * step.steps + step.number, step.pairs * step.steps)
            )
            if bar.total != total:
                bar.reset(total)
            bar.set_description_str(_line(now, said), refresh=False)
            bar.n = done
            bar.refresh()

        yield on_progress


def _line(now: Progress, said: dict[str, str]) -> str:
    """What is being done; the words of servers in it give no orders to a terminal."""
    step = now.step
    if step is not None:
        return said["render" if step.pairs == 1 else "render_many"].format(pair=step.pair, pairs=step.pairs)
    until = "" if now.until is None else f"{now.until.astimezone():%H:%M:%S}"
    line = said[now.stage].format(detail=now.detail, until=until)
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def _bar(**how: Any) -> Any:
    if not in_notebook():
        from tqdm.std import tqdm

        return tqdm(disable=None, **how)  # None: only where somebody can see it
    if find_spec("ipywidgets") is None:
        from tqdm.std import tqdm

        return tqdm(file=sys.stdout, **how)
    from tqdm.notebook import tqdm as in_cell

    return in_cell(**how)


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")
