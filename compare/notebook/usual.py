"""The usual session: what the functions of `twinseed` share, so that the second pair finds the model open."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from compare.notebook.session import Session
from compare.runs.gallery import usual_folder

P = ParamSpec("P")
R = TypeVar("R")


@lru_cache(maxsize=1)
def _session(runs: Path) -> Session:
    return Session(runs=runs)


def usual_session() -> Session:
    """The session that is usual now: that of the usual folder of runs."""
    return _session(usual_folder().absolute())


def _of_the_usual(method: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """The method of whichever session is usual when it is called."""

    @wraps(method)
    def function(*args: P.args, **kwargs: P.kwargs) -> R:
        return method(usual_session(), *args, **kwargs)

    signature = inspect.signature(method)
    function.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return function


pair = _of_the_usual(Session.pair)
expand = _of_the_usual(Session.expand)
open_run = _of_the_usual(Session.open_run)
