"""Hostile bundles: zip files that are handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hostile_zips import hostile_zips

from benchmarks.hardening.hostile.case import Hostile, Knock
from compare.homework import open_bundle, write_bundle
from compare.runs import Run


def zips(real: Path) -> Iterator[Hostile]:
    """`real` is a run that the program wrote, of which a good bundle is made first."""
    good = real.parent / "good.zip"
    write_bundle(good, [Run.open(real)], student=None, language="en", created=datetime(2026, 1, 1, tzinfo=UTC))
    yield Hostile("bundles that are as they should be", "the good one", lambda _: _knock(good), "")
    for hostile in hostile_zips(good.read_bytes()):
        yield Hostile("bundles", hostile.name, _written(hostile.content), "hand-in.zip is refused")


def _written(content: bytes) -> Callable[[Path], Knock]:
    def build(folder: Path) -> Knock:
        path = folder / "hand-in.zip"
        path.write_bytes(content)
        return _knock(path)

    return build


def _knock(path: Path) -> Knock:
    def knock() -> Any:
        with open_bundle(path) as bundle:
            return all(isinstance(run, Run) and not list(run.damage()) for _, run in bundle.runs())

    return knock
