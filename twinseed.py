"""Twinseed: two pictures from one seed, and what the extra words of an expanded prompt did. `main` is its program."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import NoReturn

#: Our packages. Their names are common ones, so that another distribution, or a folder that Python looks into first,
#: may have one that is called so too.
_OURS = ("commands", "compare", "generate", "ideation", "templates")


class ShadowedError(ImportError):
    """Python finds another package where it should find one of ours, and what to do about it."""

    def __init__(self, name: str, found: str | None) -> None:
        self.message = f"the package {name} of Twinseed is hidden by another one: {found!r}"
        self.hint = "give Twinseed an environment of its own, or start it in a folder that has no such file or folder"
        super().__init__(f"{self.message}; {self.hint}")


def main() -> NoReturn:
    """The program `twinseed`."""
    try:
        _require_ours()
    except ShadowedError as problem:
        sys.exit(f"error: {problem.message}\nhint: {problem.hint}")

    from commands.program import run_program

    run_program()


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
