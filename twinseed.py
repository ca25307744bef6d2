"""Twinseed: two pictures from one seed, and what the extra words of an expanded prompt did.

>>> import twinseed
>>> run = twinseed.pair("a dog riding a bicycle", seed=7, steps=4)
>>> run.prompts.simple, run.seeds, run.record.certificate.holds
('a dog riding a bicycle', [7], True)
>>> run.expanded.size
(128, 128)
>>> twinseed.open_run(run.name).record == run.record
True

In a notebook a run shows itself; `run.report()` is its report, `run.refine()` the run with more steps, and
`run.examine("ladder")` the run with what that instrument finds; `study(["a dog", "a cat"], seeds=4)` is a whole study,
which has its `sentence`, its `scores` and its report; `bundle([run, run], "homework.zip", student="Lin Mei")` writes
runs to one file to hand in. Nothing is loaded before it is used. `main` is the program of the command line.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from compare.notebook import Idea, NotebookRun, ReportFile, Session, bundle, expand, ideas, open_run, pair
    from compare.study import StudyResult, open_study
    from compare.study import run_study as study

__all__ = [
    "Idea",
    "NotebookRun",
    "ReportFile",
    "Session",
    "StudyResult",
    "bundle",
    "expand",
    "ideas",
    "main",
    "open_run",
    "open_study",
    "pair",
    "study",
]

#: What is not in `compare.notebook` but in `compare.study`, and its name there.
_OF_STUDIES = {"StudyResult": "StudyResult", "open_study": "open_study", "study": "run_study"}

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
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _require_ours()
    if name in _OF_STUDIES:
        return getattr(import_module("compare.study"), _OF_STUDIES[name])
    return getattr(import_module("compare.notebook"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


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
