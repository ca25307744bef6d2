"""The doors of ideation: what they export is there, has an example that is true, and loads nothing heavy."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import ideation
from generate.seedling import SEEDLING_FOLDER

MODULES = ["ideation", *(found.name for found in pkgutil.walk_packages(ideation.__path__, "ideation."))]
DOORS = [name for name in MODULES if hasattr(importlib.import_module(name), "__path__") and not name.endswith(".lists")]
#: What the examples call by a name alone.
GIVEN = {"tokenizer_file": SEEDLING_FOLDER / "tokenizer" / "tokenizer.json"}
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


def test_the_examples_in_the_docstrings_are_true() -> None:
    told = {name: doctest.testmod(module(name), extraglobs=GIVEN) for name in MODULES}
    assert {name: result for name, result in told.items() if result.failed} == {}
    assert sum(result.attempted for result in told.values()) > 40


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
