"""The examples in the docstrings of `generate` are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = """
generate generate.families generate.models generate.models.catalog generate.models.resolve generate.schedulers
""".split()


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name: str) -> None:
    result = doctest.testmod(import_module(name), optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert result.attempted > 0
    assert result.failed == 0
