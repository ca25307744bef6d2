"""The table of an attack: how often each kind was tried, what survived, what was lost.

Each command of this folder fills one, prints it and, with `--write docs/security.md`, puts it between its markers
there; it ends with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Row:
    """One kind of attack. `losses` says of each that was lost what happened; `figures` are the worst of all trials."""

    tried: int = 0
    losses: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)


class Table:
    """Trials by kind, in the order in which they came."""

    def __init__(self, name: str, columns: tuple[str, ...] = ()) -> None:
        #: The name of the command and of its place in the document.
        self.name = name
        #: What was measured besides, with its unit: "MB", "seconds".
        self.columns = columns
        self.rows: dict[str, Row] = {}

    def add(self, kind: str, lost: str = "", **figures: float) -> None:
        """One trial. `lost` is "" where it survived; of each figure the largest stays."""
        row = self.rows.setdefault(kind, Row())
        row.tried += 1
        if lost:
            row.losses.append(lost)
            print(f"LOST {kind}: {lost}", file=sys.stderr, flush=True)
        for name, figure in figures.items():
            row.figures[name] = max(figure, row.figures.get(name, figure))

    @property
    def lost(self) -> int:
        return sum(len(row.losses) for row in self.rows.values())

    @property
    def tried(self) -> int:
        return sum(row.tried for row in self.rows.values())

    def markdown(self) -> str:
        head = ["what", "tried", "survived", "lost", *self.columns]
        lines = [_line(head), _line(["---"] * len(head))]
        for kind, row in self.rows.items():
            figures = [_figure(row.figures.get(name)) for name in self.columns]
            lines.append(_line([kind, row.tried, row.tried - len(row.losses), len(row.losses), *figures]))
        blank = [""] * len(self.columns)
        lines.append(_line(["**all**", self.tried, self.tried - self.lost, self.lost, *blank]))
        return "\n".join(lines)

    def finish(self, command: str, write: Path | None) -> int:
        """Prints the table, puts it into the document, and returns the exit code."""
        said = f"`{command}`\n\n{self.markdown()}\n\n{machine()}"
        print(said)
        if write:
            write.write_text(placed(write.read_text(encoding="utf-8"), self.name, said), encoding="utf-8")
        return 1 if self.lost else 0


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that all commands of this folder have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown file with this table's markers")
    return parser


def placed(document: str, name: str, said: str) -> str:
    """The document with that between the markers of the name. Raises `ValueError` where they are missing."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if not re.search(f"{begin}.*{end}", document, re.DOTALL):
        raise ValueError(f"no {begin} ... {end} in there")
    before, _, rest = document.partition(begin)
    return f"{before}{begin}\n{said}\n{end}{rest.partition(end)[2]}"


def machine() -> str:
    """What the figures were measured on."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return (
        f"Measured on {platform.system()} with {os.cpu_count()} cores ({wide}), Python {platform.python_version()}, "
        f"torch {version('torch')}, OMP_WAIT_POLICY={os.environ.get('OMP_WAIT_POLICY', 'not set')}."
    )


def _figure(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"


def _line(cells: list[object] | list[str]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"
