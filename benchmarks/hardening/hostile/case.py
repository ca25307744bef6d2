"""A hostile file: what it is called in the table, how it is built, and what the refusal must name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What a knock at the door of a reader is: it raises a `TwinseedError`, or returns whether all is as it should be.
Knock = Callable[[], Any]


@dataclass(frozen=True)
class Hostile:
    """`build` writes it under the folder that it is given and returns the door to knock at. `named` must stand in the
    refusal; "" where the text is harmless and the door returns True."""

    kind: str
    name: str
    build: Callable[[Path], Knock]
    named: str


class Touch:
    """Unpickled by a careless program, it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)
