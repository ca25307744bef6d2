"""Libraries: the versions of all that pictures depend on, without loading any of it."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import cache

_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow")


def library_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that pictures depend on.

    >>> list(library_versions())
    ['python', 'torch', 'diffusers', 'transformers', 'numpy', 'pillow']
    """
    return {"python": platform.python_version()} | {name: _version(name) for name in _LIBRARIES}


@cache
def _version(library: str) -> str:
    """Looked up once: every time, it is read and parsed from a file."""
    return importlib.metadata.version(library)
