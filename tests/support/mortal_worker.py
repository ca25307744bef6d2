"""A worker of a study whose process dies. Ray's processes import it from here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sample_study import NOW

from compare.study import Outcome, Unit


@dataclass(frozen=True)
class Mortal:
    """A worker, and whoever hires it: dies on concept 3 always, and on concept 5 the first time."""

    seen: str

    def __call__(self, number: int, writer: Any) -> Mortal:
        return self

    def work(self, unit: Unit) -> Outcome:
        if unit.concept == 3:
            os._exit(1)
        mark = Path(self.seen) / unit.name
        if unit.concept == 5 and not mark.exists():
            mark.touch()
            os._exit(1)
        return Outcome(unit=unit.name, concept=unit.concept, arm=unit.arm, model=unit.model, status="done", at=NOW)

    def close(self) -> None:
        """Nothing is open."""
