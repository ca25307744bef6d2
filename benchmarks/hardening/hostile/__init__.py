"""Hostile files, by what reads them; `everything` has them all."""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[3] / "tests" / "support"))  # where the tests have theirs

from benchmarks.hardening.hostile.case import Hostile, Knock
from benchmarks.hardening.hostile.models import model_folders, names
from benchmarks.hardening.hostile.pictures import pictures
from benchmarks.hardening.hostile.runs import runs
from benchmarks.hardening.hostile.surroundings import devices, folders_that_are_files, plugins
from benchmarks.hardening.hostile.texts import choices, encodings, templates, words, yaml_files
from benchmarks.hardening.hostile.weights import pickles, safetensors
from benchmarks.hardening.hostile.zips import zips


def everything(run: Path) -> Iterator[Hostile]:
    """All of them; `run` is one that the program wrote."""
    yield from pickles()
    yield from safetensors()
    yield from model_folders()
    yield from names(run)
    yield from yaml_files()
    yield from choices()
    yield from templates()
    yield from words()
    yield from encodings()
    yield from pictures()
    yield from runs(run)
    yield from zips(run)
    yield from devices(run)
    yield from folders_that_are_files()
    yield from plugins()


__all__ = ["Hostile", "Knock", "everything"]
