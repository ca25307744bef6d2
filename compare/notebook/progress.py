"""Progress while somebody waits for a cell or a script: a bar of tqdm, as it suits where it runs."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from compare.report import sentences
from templates import Language

if TYPE_CHECKING:  # torch comes along with a session
    from compare.homework import BatchProgress
    from compare.session import Progress


@contextmanager
def shown_progress(language: Language) -> Iterator[Callable[[Progress], None]]:
    """A bar that says what is being done, and goes away at the end; in a script whose messages go to a file, none."""
    said = sentences(language)["notebook"]["progress"]
    without_widgets()
    with _bar(desc=said["start"], total=1, leave=False, bar_format="{desc} {bar:24} {elapsed}") as bar:

        def on_progress(now: Progress) -> None:
            _show(bar, _line(now, said), *_steps(now))

        yield on_progress


@contextmanager
def batch_progress(language: Language) -> Iterator[tuple[Callable[[BatchProgress], None], Callable[[], None]]]:
    """The same for many pairs, one after the other: what hears how far they are, and what says that all are done and
    the file is written."""
    said = sentences(language)["notebook"]["progress"]
    without_widgets()
    with _bar(desc=said["start"], total=1, leave=False, bar_format="{desc} {bar:24} {elapsed}") as bar:

        def on_progress(now: BatchProgress) -> None:
            line = said["concept"].format(number=now.number, count=now.count, concept=_plain(now.concept[:40]))
            if now.pair is not None:
                line += " · " + _line(now.pair, said)
            done, total = (0, 1) if now.pair is None else _steps(now.pair)
            ended = now.number - (now.ended is None)
            part = 0 if now.ended is not None else done / total
            # What is looked at or written has no steps: the bar stays where it was.
            _show(bar, line, max(bar.n, round(100 * (ended + part))), 100 * now.count)

        yield on_progress, lambda: _show(bar, said["bundle"], bar.total, bar.total)


def _steps(now: Progress) -> tuple[int, int]:
    """How many steps of how many are done."""
    step = now.step
    return (0, 1) if step is None else ((step.pair - 1) * step.steps + step.number, step.pairs * step.steps)


def _show(bar: Any, line: str, done: int, total: int) -> None:
    if bar.total != total:
        bar.reset(total)
    bar.set_description_str(line, refresh=False)
    bar.n = done
    bar.refresh()


def _line(now: Progress, said: dict[str, str]) -> str:
    """What is being done."""
    step = now.step
    if step is not None and now.stage == "render":
        return said["render" if step.pairs == 1 else "render_many"].format(pair=step.pair, pairs=step.pairs)
    until = "" if now.until is None else f"{now.until.astimezone():%H:%M:%S}"
    line = said[now.stage].format(detail=now.detail, until=until)
    if step is not None:
        line = said["picture_of"].format(what=line, number=step.pair, count=step.pairs)
    return _plain(line)


def _plain(line: str) -> str:
    """The words of servers and of others in it give no orders to a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def without_widgets() -> None:
    """In a notebook without ipywidgets, libraries that draw bars warn of it when they are loaded. Ours are plain there,
    and it is nothing that anybody has to mend."""
    if in_notebook() and find_spec("ipywidgets") is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import tqdm.auto  # noqa: F401 - it warns when it is first loaded, and never again


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
