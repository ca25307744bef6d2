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

from compare.notebook.arguments import bound_to, refused, told_of
from compare.notebook.idea import Idea
from compare.request import PairOptions

P = ParamSpec("P")
S = TypeVar("S")
R = TypeVar("R")

#: Those that hold several: one alone may be given as it is.
_SEVERAL = ("style", "lora", "instruments", "set_options")


def asked_with(
    options: Callable[P, PairOptions],
) -> Callable[[Callable[[S, PairOptions], R]], Callable[Concatenate[S, P], R]]:
    """For a method that takes options: it takes their fields as arguments of its own instead, and its help names them.
    Raises `ArgumentError` for what is none of them, or cannot be."""

    def wrap(method: Callable[[S, PairOptions], R]) -> Callable[Concatenate[S, P], R]:
        own = next(iter(inspect.signature(method).parameters.values()))
        given_as = inspect.signature(options)

        @wraps(method)
        def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            given = bound_to(method, given_as, args, kwargs)
            return method(self, read_options(PairOptions(*given.args, **given.kwargs)))

        asked.__signature__ = inspect.Signature([own, *given_as.parameters.values()])  # type: ignore[attr-defined]
        asked.__doc__ = f"{inspect.cleandoc(method.__doc__ or '')}\n\n{told_of(given_as.parameters)}"
        return asked

    return wrap


def read_options(given: PairOptions) -> PairOptions:
    """The options with the shorthands of Python resolved, each of its own type. Raises `ArgumentError`."""
    values: dict[str, Any] = {field.name: getattr(given, field.name) for field in fields(given)}
    if isinstance(given.concept, Idea) and given.drawn is None:
        values["drawn"] = given.concept.drawn
    for name, value in values.items():
        if name in _SEVERAL and value is not None:
            if not isinstance(value, str | list | tuple):
                raise refused(name, value)
            values[name] = (value,) if isinstance(value, str) else tuple(value)
        elif isinstance(value, str):
            values[name] = Path(value).expanduser() if name == "like" else str(value)
        elif hasattr(value, "__index__") and not isinstance(value, bool):  # numpy's numbers are numbers
            values[name] = index(value)
    try:
        return TypeAdapter(PairOptions).validate_python(values)
    except ValidationError as error:
        name = str(error.errors(include_url=False, include_context=False)[0]["loc"][0])
        raise refused(name, getattr(given, name)) from error
