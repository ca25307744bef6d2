"""The examples in the docstrings are true, in every module that has some; those of ideation: `test_doors.py`."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import compare
import generate
import ideation
import templates
from generate.seedling import SEEDLING_FOLDER

PACKAGES = (templates, ideation, generate, compare)
#: What the examples call by a name alone.
GIVEN = {"tokenizer_file": SEEDLING_FOLDER / "tokenizer" / "tokenizer.json"}


def modules_with_examples() -> list[str]:
    """By the text of their files, so that nothing is imported to find out."""
    names = [package.__name__ for package in PACKAGES]
    for package in PACKAGES:
        names += [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    root = Path(compare.__file__).parent.parent
    files = {name: root.joinpath(*name.split(".")) for name in names}
    sources = {name: file / "__init__.py" if file.is_dir() else file.with_suffix(".py") for name, file in files.items()}
    return [name for name, source in sources.items() if ">>> " in source.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_are_true(name: str) -> None:
    flags = doctest.IGNORE_EXCEPTION_DETAIL | doctest.ELLIPSIS
    result = doctest.testmod(import_module(name), extraglobs=GIVEN, optionflags=flags)
    assert result.attempted > 0
    assert result.failed == 0
