"""The doors of ideation: what they export is there, has an example (whose truth is tested in test_doctests)."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import ideation

MODULES = ["ideation", *(found.name for found in pkgutil.walk_packages(ideation.__path__, "ideation."))]
DOORS = [name for name in MODULES if hasattr(importlib.import_module(name), "__path__") and not name.endswith(".lists")]
#: What an example would need a key, a file or a server for.
WITHOUT_EXAMPLE = {"require_prompt", "read_words", "read_wildcards", "compare_expander"}


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.mark.parametrize("name", DOORS)
def test_a_door_says_what_it_exports_and_exports_nothing_else(name: str) -> None:
    door = module(name)
    assert door.__doc__
    assert len(set(door.__all__)) == len(door.__all__)
    kinds = [(0 if n.isupper() else 1 if n[0].isupper() else 2, n) for n in door.__all__]
    assert kinds == sorted(kinds)
    shown = {n for n, value in vars(door).items() if not n.startswith("_") and not inspect.ismodule(value)}
    assert shown - {"annotations"} == set(door.__all__)


def test_every_public_function_of_a_door_has_an_example() -> None:
    functions = {f"{name}.{n}": getattr(module(name), n) for name in DOORS for n in module(name).__all__}
    missing = sorted(
        name
        for name, value in functions.items()
        if inspect.isroutine(inspect.unwrap(value))
        and name.rpartition(".")[2] not in WITHOUT_EXAMPLE
        and ">>> " not in (value.__doc__ or "")
    )
    assert missing == []
