"""Death: programs that are killed at random moments lose nothing that was finished; the next call puts things right.

    python benchmarks/hardening/death.py [--kills 20] [--seed 1] [--only pair] [--write docs/security.md]

Each kind of command runs to its end once, which says how long it takes and what should come of it; then it is killed
at moments drawn evenly over that time. After every kill: each picture that was on the disk is there unchanged; every
folder of a run opens and holds what its record says; the index is whole. Then the same command is called again: it must
end well, keep every finished picture as it is, come to the same pixels and leave no temporary file behind.

Before its first line of code runs, and in the last ten milliseconds, Python itself answers to a signal: then the exit
status is the signal's own.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.hardening.table import REPOSITORY, Table, arguments
from compare.runs.gallery import Gallery
from compare.runs.run import Run
from ideation import TwinseedError

WORDS = ("--simple", "a dog", "--expanded", "a dog, at night, in the snow", "--size", "64x64", "--seed", "7")
PAIR = ("pair", *WORDS, "--steps", "6", "--clip", "none")
LONGEST_S = 300.0


@dataclass(frozen=True)
class Command:
    """What is killed. `on` makes its arguments from the one run that lies in the folder before it starts; without, the
    folder is empty."""

    name: str
    arguments: Callable[[str], tuple[str, ...]]
    needs_run: bool = True


COMMANDS = (
    Command("pair --images 4", lambda _: (*PAIR, "--images", "4"), needs_run=False),
    Command("examine --with ladder", lambda run: ("examine", run, "--with", "ladder", "--clip", "none")),
    Command("refine", lambda run: ("refine", run, "--steps", "12")),
    Command("report", lambda run: ("report", run)),
    Command("runs delete", lambda run: ("runs", "delete", run)),
)
SIGNALS = {"SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130}


def start(arguments: tuple[str, ...], runs: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "twinseed.py", *arguments, *((f"--runs={runs}",) if arguments else ())],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(arguments: tuple[str, ...], runs: Path) -> tuple[int, str]:
    """Exit code and standard error of the command, left alone."""
    _, err = (process := start(arguments, runs)).communicate(timeout=LONGEST_S)
    return process.returncode, err.decode(errors="replace")


def folders(runs: Path) -> list[Path]:
    return sorted(path for path in runs.glob("*") if path.is_dir() and not path.name.startswith("."))


def pictures(runs: Path) -> dict[Path, bytes]:
    return {path.relative_to(runs): path.read_bytes() for folder in folders(runs) for path in folder.glob("*.png")}


def pixels(runs: Path) -> set[tuple[str, ...]]:
    """Of each whole run the pictures' pixels, by which runs are compared: their names hold the time."""
    found = set()
    for folder in folders(runs):
        record = Run.open(folder).record
        if record.complete:
            found.add(tuple(sorted(f"{one.arm} {one.seed} {one.pixels_sha256}" for one in record.renders)))
    return found


def faults(runs: Path) -> Iterator[str]:
    """What is wrong with a folder of runs, whoever was killed in it."""
    for folder in folders(runs):
        try:
            run = Run.open(folder)
            yield from run.faults()
        except TwinseedError as error:
            yield str(error)
        if run.report.exists() and not run.report.read_text(encoding="utf-8").rstrip().endswith("</html>"):
            yield f"{run.report} is half a report"
    if runs.is_dir():
        names = {row.name for row in Gallery(runs).runs()}
        if names != {folder.name for folder in folders(runs)}:
            yield f"the gallery shows {names}"
    index = runs / "twinseed.db"
    if index.exists():
        with sqlite3.connect(index) as connection:
            if (said := connection.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                yield f"the index: {said}"


def leftovers(runs: Path) -> list[str]:
    hidden = [path.name for path in runs.rglob(".*") if path.name not in (".trash",)]
    return [name for name in hidden if not name.startswith("twinseed.db")]


def kill(command: Command, seed_run: Path, how: signal.Signals, after_s: float, wanted: set[tuple[str, ...]]) -> str:
    """One trial: what was lost, or ""."""
    with tempfile.TemporaryDirectory() as there:
        runs = Path(there, "runs")
        if command.needs_run:
            shutil.copytree(seed_run.parent, runs)
        arguments = command.arguments(seed_run.name)
        process = start(arguments, runs)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        before = pictures(runs)
        process.send_signal(how)
        _, err = process.communicate(timeout=LONGEST_S)
        ended = process.returncode
        if how != signal.SIGKILL and ended not in (0, SIGNALS[how.name], -how):
            return f"{how.name} after {after_s:.1f} s ended with {ended}: {err.decode(errors='replace')[-300:]}"
        gone = [path for path, content in before.items() if not _same(runs, path, content)]
        if gone:
            return f"after {after_s:.1f} s these pictures were gone or changed: {gone}"
        if wrong := list(faults(runs)):
            return f"after {after_s:.1f} s: {wrong}"
        kept = pictures(runs)
        deleted = command.name == "runs delete" and not folders(runs)
        code, said = (0, "") if deleted else finish(arguments, runs)
        if code:
            return f"after {after_s:.1f} s the next call ended with {code}: {said[-300:]}"
        if wrong := list(faults(runs)):
            return f"after {after_s:.1f} s and a next call: {wrong}"
        gone = [path for path, content in kept.items() if not _same(runs, path, content)]
        if gone:
            return f"the next call made these pictures again: {gone}"
        if (came := pixels(runs)) != wanted and not wanted <= came:
            return f"after {after_s:.1f} s and a next call the pictures are others"
        if left := leftovers(runs):
            return f"after {after_s:.1f} s and a next call there are {left}"
    return ""


def _same(runs: Path, path: Path, content: bytes) -> bool:
    """The picture is where it was, or in the trash of a run that was deleted."""
    places = (runs / path, runs / ".trash" / path)
    return any(place.is_file() and place.read_bytes() == content for place in places)


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of each command [default: 20]")
    parser.add_argument("--signals", type=int, default=4, help="of each gentler signal, on pair [default: 4]")
    parser.add_argument("--seed", type=int, default=1, help="for the moments [default: 1]")
    parser.add_argument("--only", metavar="WORD", help="the commands that have it in their name")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    table = Table("death")
    with tempfile.TemporaryDirectory() as there:
        base = Path(there, "base")
        code, said = finish((*PAIR, "--images", "2"), base)
        assert code == 0, said
        (seed_run,) = folders(base)
        for command in COMMANDS:
            if options.only and options.only not in command.name:
                continue
            whole = Path(there, "whole")
            if command.needs_run:
                shutil.copytree(base, whole)
            began = time.monotonic()
            code, said = finish(command.arguments(seed_run.name), whole)
            took, wanted = time.monotonic() - began, pixels(whole)
            assert code == 0, said
            shutil.rmtree(whole)
            print(f"{command.name} takes {took:.1f} s", file=sys.stderr, flush=True)
            for number in range(options.kills):
                # Evenly over its time, so that every part of it is hit.
                moment = (number + draw.random()) / options.kills * took
                table.add(f"SIGKILL in `{command.name}`", kill(command, seed_run, signal.SIGKILL, moment, wanted))
            if command is COMMANDS[0]:
                for name in SIGNALS:
                    for number in range(options.signals):
                        moment = (number + draw.random()) / options.signals * took
                        lost = kill(command, seed_run, signal.Signals[name], moment, wanted)
                        table.add(f"{name} in `{command.name}`", lost)
    return table.finish("python benchmarks/hardening/death.py --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
