"""The options of a pair as keyword arguments: the fields of `PairOptions`, which are said there and nowhere else."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from operator import index
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from pydantic import TypeAdapter, ValidationError

from compare.notebook.idea import Idea
from compare.request import PairOptions, RequestError
from ideation import nearest

P = ParamSpec("P")
S = TypeVar("S")
R = TypeVar("R")

#: Those that hold several: one alone may be given as it is.
_SEVERAL = ("style", "lora", "instruments", "set_options")


def asked_with(
    options: Callable[P, PairOptions],
) -> Callable[[Callable[[S, PairOptions], R]], Callable[Concatenate[S, P], R]]:
    """For a method that takes options: it takes their fields as arguments of its own instead."""

    def wrap(method: Callable[[S, PairOptions], R]) -> Callable[Concatenate[S, P], R]:
        own = next(iter(inspect.signature(method).parameters.values()))
        given_as = inspect.signature(options).parameters

        @wraps(method)
        def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in given_as:
                    closest = nearest(name, list(given_as))
                    raise TypeError(f"{method.__name__}() has no argument {name!r}: {closest}")
            return method(self, _read(options(*args, **kwargs)))

        asked.__signature__ = inspect.Signature([own, *given_as.values()])  # type: ignore[attr-defined]
        return asked

    return wrap


def _read(given: PairOptions) -> PairOptions:
    """The options with the shorthands of Python resolved, each of its own type. Raises `RequestError`."""
    values: dict[str, Any] = {field.name: getattr(given, field.name) for field in fields(given)}
    if isinstance(given.concept, Idea) and given.drawn is None:
        values["drawn"] = given.concept.drawn
    for name, value in values.items():
        if name in _SEVERAL:
            values[name] = (value,) if isinstance(value, str) else tuple(value)
        elif isinstance(value, str):
            values[name] = Path(value).expanduser() if name == "like" else str(value)
        elif hasattr(value, "__index__") and not isinstance(value, bool):  # numpy's numbers are numbers
            values[name] = index(value)
    try:
        return TypeAdapter(PairOptions).validate_python(values)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        name = str(problem["loc"][0])
        raise RequestError(
            "{name} is {given!r}",
            hint="give it as help(twinseed.pair) says",
            name=name,
            given=str(values[name])[:60],
        ) from error
