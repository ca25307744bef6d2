"""Twinseed: two pictures from one seed, and what the extra words of an expanded prompt did.

>>> import twinseed
>>> run = twinseed.pair("a dog riding a bicycle", seed=7, steps=4)
>>> run.prompts.simple, run.seeds, run.record.certificate.holds
('a dog riding a bicycle', [7], True)
>>> run.expanded.size
(256, 256)
>>> twinseed.open_run(run.name).record == run.record
True

In a notebook a run shows itself; `run.report()` is its report, `run.refine()` the run with more steps, and
`run.examine("ladder")` the run with what that instrument finds. `study(["a dog", "a cat"], seeds=4)` is a whole study,
with its `sentence`, its `scores` and its report; `homework(["a dog", "a cat"], student="...")` makes a file to hand in,
and `bundle([run, run], "homework.zip", student="...")` one of runs that are there.

`help(twinseed.pair)` says what can be given for each argument. `%load_ext twinseed` makes `%twinseed list styles` and
all other commands work in a cell. Nothing is loaded before it is used.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    # `X as X`: what is not in `__all__` is given out all the same.
    from compare.notebook import Idea as Idea
    from compare.notebook import NotebookRun as NotebookRun
    from compare.notebook import ReportFile as ReportFile
    from compare.notebook import Session, bundle, expand, ideas, open_run, pair
    from compare.notebook.homework import HandIn as HandIn
    from compare.notebook.homework import homework
    from compare.notebook.studies import StudyResult as StudyResult
    from compare.notebook.studies import open_study, study

#: What people call. What that returns is documented where it is: `help(twinseed.NotebookRun)`.
__all__ = ["Session", "bundle", "expand", "homework", "ideas", "open_run", "open_study", "pair", "study"]

#: What the names here stand for is loaded from these, when it is first asked for.
_FROM = {
    "HandIn": "compare.notebook.homework",
    "Idea": "compare.notebook",
    "NotebookRun": "compare.notebook",
    "ReportFile": "compare.notebook",
    "Session": "compare.notebook",
    "StudyResult": "compare.notebook.studies",
    "bundle": "compare.notebook",
    "expand": "compare.notebook",
    "homework": "compare.notebook.homework",
    "ideas": "compare.notebook",
    "open_run": "compare.notebook",
    "open_study": "compare.notebook.studies",
    "pair": "compare.notebook",
    "study": "compare.notebook.studies",
}

#: Our packages. Their names are common ones, so that another distribution, or a folder that Python looks into first,
#: may have one that is called so too.
_OURS = ("commands", "compare", "generate", "ideation", "templates")


class ShadowedError(ImportError):
    """Python finds another package where it should find one of ours, and what to do about it."""

    def __init__(self, name: str, found: str | None) -> None:
        self.message = f"the package {name} of Twinseed is hidden by another one: {found!r}"
        self.hint = "give Twinseed an environment of its own, or start it in a folder that has no such file or folder"
        super().__init__(f"{self.message}; {self.hint}")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("twinseed")
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _require_ours()
    return getattr(import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return [*_FROM, "__version__"]


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext twinseed` does: `%twinseed` is the command line then."""
    _require_ours()
    from commands.magic import register

    register(shell)


def main() -> NoReturn:
    """The program `twinseed`."""
    try:
        _require_ours()
    except ShadowedError as problem:
        sys.exit(f"error: {problem.message}\nhint: {problem.hint}")

    # Libraries are millions of objects that stay: looking for garbage among them as often as Python does takes longer
    # than a second of each start.
    gc.set_threshold(10_000, 10, 10)

    from commands.program import run_program

    try:
        run_program()
    finally:
        # Or the interpreter looks through them all again on its way out, for more than a second. Triton, which comes
        # with CUDA, would take what was not looked through for lost, and say so at length.
        if "triton" not in sys.modules:
            gc.freeze()


def _require_ours() -> None:
    """Raises `ShadowedError` where one of our packages is not the one beside this file."""
    here = os.path.dirname(os.path.abspath(__file__))
    for name in _OURS:
        spec = find_spec(name)
        found = None if spec is None else spec.origin or next(iter(spec.submodule_search_locations or ()), None)
        if found is None or not _is_in(here, name, found):
            raise ShadowedError(name, found)


def _is_in(here: str, name: str, found: str) -> bool:
    return os.path.realpath(found).startswith(os.path.join(os.path.realpath(here), name) + os.sep)


if __name__ == "__main__":
    main()
