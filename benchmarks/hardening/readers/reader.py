"""A reader: a door that takes in text or bytes of strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Reader:
    """`build` makes the door, which may keep files in the folder that it is given. `samples` are what usually comes,
    all of them text, or all of them bytes."""

    name: str
    build: Callable[[Path], Callable[[Any], Any]]
    samples: tuple[Any, ...]

    @property
    def is_of_bytes(self) -> bool:
        return isinstance(self.samples[0], bytes)


def plain(name: str, door: Callable[[Any], Any], *samples: str | bytes) -> Reader:
    """A door that is given the text itself."""
    return Reader(name, lambda _: door, samples)


def in_file(name: str, file: str, door: Callable[[Path], Any], *samples: str | bytes) -> Reader:
    """A door that is given the path of a file with the text in it."""

    def build(folder: Path) -> Callable[[str | bytes], Any]:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)

        def read(content: str | bytes) -> Any:
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
            return door(path)

        return read

    return Reader(name, build, samples)
