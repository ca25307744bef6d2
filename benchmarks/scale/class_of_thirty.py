"""Times `twinseed class` on the hand-ins of thirty students with five pairs each.

    python benchmarks/scale/class_of_thirty.py                    # makes the bundles, merges them, prints seconds
    python benchmarks/scale/class_of_thirty.py --keep FOLDER      # keeps the runs, and takes those that are there

The bundles are made of real pictures: Seedling draws each pair with a seed of its own in few steps, CLIP scores it, and
every bundle is written as `twinseed homework` writes it. That takes some minutes and is not timed. What is timed is the
command itself, in a process of its own, from its start to its end: opening and verifying every bundle without rendering
again, all pictures, the page, the tables and the ballot. Three times; the folder is a new one each time.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from compare import PairRequest, Session
from compare.homework import student_of, write_bundle
from compare.request import PairOptions
from compare.runs import Gallery, Run

ROOT = Path(__file__).parents[2]
NAMES = ("林小美", "王大明", "陳怡君", "張家豪", "李淑芬", "Ana Ruiz", "Jonas Weber", "Priya Nair")
SEEN = (
    "The light is warmer and there is more behind it, but the subject has become smaller.",
    "擴充之後天空變成夕陽，主角還在，只是動作沒有那麼清楚。",
    "Hardly any difference. I would have expected more of so many words.",
)


def main(
    keep: Annotated[Path | None, typer.Option(help="Where the bundles stay.")] = None,
    students: Annotated[int, typer.Option()] = 30,
    pairs: Annotated[int, typer.Option()] = 5,
    steps: Annotated[int, typer.Option()] = 6,
    times: Annotated[int, typer.Option()] = 3,
) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        bundles = _bundles(folder, students, pairs, steps)
        wall, cpu = [], []
        for at in range(times):
            out = Path(temporary) / f"class-{at}"
            seconds, used, data = _merge(bundles, out)
            found = data["class"]["hand_ins"]
            if [len(one["pairs"]) for one in found] != [pairs] * students or data["class"]["refused"]:
                raise SystemExit("not all pairs are in the class")
            if faults := [one["faults"] for one in found if one["faults"]]:
                raise SystemExit(f"honest bundles have faults: {faults}")
            wall.append(seconds)
            cpu.append(used)
            size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        print(
            f"{students} bundles of {pairs} pairs: {statistics.median(wall):.1f} s "
            f"({', '.join(f'{one:.1f}' for one in wall)}), {statistics.median(cpu):.1f} s of processor time; "
            f"the folder has {size / 1e6:.1f} MB, {os.cpu_count()} cores"
        )


def _merge(bundles: list[Path], out: Path) -> tuple[float, float, dict[str, dict[str, list[dict[str, list[str]]]]]]:
    """Seconds, processor seconds and what the command printed."""
    command = [sys.executable, str(ROOT / "twinseed.py"), "class", *map(str, bundles), "--out", str(out), "--json"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, used, json.loads(done.stdout)


def _bundles(folder: Path, students: int, pairs: int, steps: int) -> list[Path]:
    """The bundles in that folder, made anew of its runs; of those that are not there, too."""
    session = Session(Gallery(folder / "runs"), environ={})
    rows = session.gallery.listing(limit=-1).rows
    there = {run.record.request.settings.seed: run for run in (session.gallery.open(row.name) for row in rows)}
    paths = []
    for student in range(students):
        runs = []
        for at in range(pairs):
            index = student * pairs + at
            seed = 1000 + 10 * index
            runs.append(there.get(seed) or _drawn(session, index, seed, 1 if at else 2, steps))
        paths.append(folder / f"homework-{student + 1:02}.zip")
        name = NAMES[student % len(NAMES)] if student < len(NAMES) else f"Student {student + 1}"
        write_bundle(
            paths[-1],
            runs,
            student=student_of(name, f"B112{student + 1:05}"),
            language="en" if student % 2 else "zh-TW",
            created=datetime.now(UTC),
        )
        print(f"{student + 1} of {students} bundles", file=sys.stderr, flush=True)
    return paths


def _drawn(session: Session, index: int, seed: int, images: int, steps: int) -> Run:
    options = PairOptions(drawn=f"{index}@7", seed=str(seed), images=images, steps=steps, expander="offline")
    seen = [*SEEN, None][index % (len(SEEN) + 1)]
    return session.run(PairRequest.from_options(options)[0], observations=seen)


if __name__ == "__main__":
    typer.run(main)
