"""The seeds of rows that name none: drawn once and kept beside the runs, before anything is rendered.

Whoever gives the same concepts again, stopped on the way or with a row more, gets the same seeds, and so finds what was
made of them. A seed belongs to a concept and to how often it stands in the table, whatever else is asked for: with more
steps or another style the pictures begin with the same noise.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from compare.runs.folder import Busy, locked, put_away, write_whole
from ideation import Clause, TwinseedError, read_plain_file, seed_of
from ideation.values import Seed, Sha256, StrictModel

SEEDS_FILE = "homework-seeds.json"
_MAX_FILE = 16_000_000
_PATIENCE_S = 10.0


class SeedsError(TwinseedError):
    """The seeds that were drawn cannot be kept."""


class _Kept(StrictModel):
    version: Literal[1] = 1
    seeds: dict[Sha256, Seed]


def kept_seeds(root: Path, concepts: Sequence[str]) -> tuple[list[int], tuple[Clause, ...]]:
    """A seed for each concept, in order, and notes; `root` is the folder of the runs, which must be there.

    Those that were drawn now are on the disk before they are returned. Raises `SeedsError`.
    """
    file = root / SEEDS_FILE
    keys = list(_keys(concepts))
    try:
        with locked(root, SEEDS_FILE, _PATIENCE_S):
            kept, notes = _read(file)
            new = {key: seed_of(None) for key in keys if key not in kept.seeds}
            if new:
                kept = _Kept(seeds=kept.seeds | new)
                write_whole(file, (kept.model_dump_json(indent=2) + "\n").encode())
    except Busy as busy:
        raise SeedsError(
            "another program is at work on {file}", hint="wait until it is done, and try again", file=file
        ) from busy
    except OSError as error:
        raise SeedsError(
            "the seeds cannot be kept in {file}: {reason}",
            hint="choose a folder you may write to, with --runs FOLDER or TWINSEED_RUNS, or name the seeds",
            file=file,
            reason=error.strerror,
        ) from error
    return [kept.seeds[key] for key in keys], notes


def _keys(concepts: Sequence[str]) -> list[str]:
    """What each is kept under: the concept, and which of its like it is."""
    seen = Counter[str]()
    keys = []
    for concept in concepts:
        words = " ".join(concept.split())
        keys.append(hashlib.sha256(f"{seen[words]} {words}".encode()).hexdigest())
        seen[words] += 1
    return keys


def _read(file: Path) -> tuple[_Kept, tuple[Clause, ...]]:
    """What is kept so far. A file that cannot be read is put into the trash. Raises `OSError`."""
    try:
        return _Kept.model_validate_json(read_plain_file(file, _MAX_FILE)), ()
    except FileNotFoundError:
        return _Kept(seeds={}), ()
    except ValidationError:
        aside = put_away(file, file.name)
        note = Clause(
            "{file} could not be read and lies in {aside} now: concepts without a seed get new ones",
            file=file,
            aside=aside,
        )
        return _Kept(seeds={}), (note,)
