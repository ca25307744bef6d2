"""Death: programs that are killed at random moments lose nothing that was finished; the next call puts things right.

    python benchmarks/hardening/death.py [--kills 20] [--seed 1] [--only pair] [--write docs/security.md]

Each kind of command runs to its end once, which says how long it takes and what should come of it; then it is killed
at moments drawn evenly over that time. After every kill: each picture that was on the disk is there unchanged; every
folder of a run opens and holds what its record says; the index is whole. Then the same command is called again: it must
end well, keep every finished picture as it is, come to the same pixels and leave no temporary file behind.

Every command is a process of its own, forked from this one, which has loaded the libraries: so each moment falls into
its work, and none into loading. In its first and last ten milliseconds Python itself answers to a signal: then the exit
status is the signal's own.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.hardening.table import Table, arguments
from commands.program import run_program
from compare import Gallery, Run
from compare.homework import open_bundle
from ideation import TwinseedError

WORDS = ("--simple", "a dog", "--expanded", "a dog, at night, in the snow", "--size", "64x64", "--seed", "7")
PAIR = ("pair", *WORDS, "--steps", "6", "--clip", "none")
LONGEST_S = 1200.0  # a machine may be busy


@dataclass(frozen=True)
class Command:
    """What is killed. `arguments` are made from the one run that lies in the folder before it starts, and the place of
    that folder; where it needs no run, the folder is empty."""

    name: str
    arguments: Callable[[str, Path], tuple[str, ...]]
    needs_run: bool = True


TWELVE = tuple(f"a {animal}" for animal in "dog cat bird horse cow pig fish frog bear duck lion fox".split())
BUNDLE = "homework.zip"


def homework(_: str, there: Path) -> tuple[str, ...]:
    """Twelve pairs; the bundle lies beside the folder of the runs."""
    settings = ("--size", "64x64", "--steps", "6", "--clip", "none", "--expander", "offline")
    return ("homework", *TWELVE, *settings, "--seed", "7", "--bundle", str(there / BUNDLE))


COMMANDS = (
    Command("pair --images 4", lambda *_: (*PAIR, "--images", "4"), needs_run=False),
    Command("homework", homework, needs_run=False),
    Command("examine --with ladder", lambda run, _: ("examine", run, "--with", "ladder", "--clip", "none")),
    Command("refine", lambda run, _: ("refine", run, "--steps", "12")),
    Command("report", lambda run, _: ("report", run)),
    Command("runs delete", lambda run, _: ("runs", "delete", run)),
)
SIGNALS = {"SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130}


def load_libraries() -> None:
    """Whatever a command loads by itself, before anything is forked; on one thread, since no other outlives a fork."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch

    import compare.session  # noqa: F401
    from generate.models import open_model

    torch.set_num_threads(1)
    open_model("seedling")


class Process:
    """The program in a forked child, with the library's threads not yet begun; `prepare` is called in there first."""

    def __init__(self, arguments: tuple[str, ...], runs: Path, prepare: Callable[[], None] = lambda: None) -> None:
        self.returncode: int | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if not self._pid:
            prepare()
            self._become(["twinseed", *arguments, f"--runs={runs}"])

    def _become(self, argv: list[str]) -> NoReturn:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(self._said.fileno(), 2)
        # Streams and signals as a program gets them that is started in a terminal, whatever this one was given.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for name in ("SIGTERM", "SIGHUP"):
            signal.signal(signal.Signals[name], signal.SIG_DFL)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv = argv
        code: Any = 1
        try:
            run_program()
        except SystemExit as end:
            code = end.code
        except KeyboardInterrupt:  # before the program took it over: as Python does it
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        deadline = time.monotonic() + seconds
        while self.returncode is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                return False
            else:
                time.sleep(0.002)
        return True

    def send_signal(self, how: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self._pid, how)

    def end(self) -> tuple[int, str]:
        """Waits for it; exit status and standard error."""
        if not self.wait(LONGEST_S):
            self.send_signal(signal.SIGKILL)
            self.wait(LONGEST_S)
            return self.returncode or 1, f"it was still running after {LONGEST_S:g} s"
        self._said.seek(0)
        with self._said:
            return self.returncode or 0, self._said.read().decode(errors="replace")


def finish(arguments: tuple[str, ...], runs: Path, prepare: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """Exit code and standard error of the command, left alone."""
    return Process(arguments, runs, prepare).end()


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
            yield from map(str, run.faults())
        except TwinseedError as error:
            yield str(error)
        if run.report.exists() and not run.report.read_text(encoding="utf-8").rstrip().endswith("</html>"):
            yield f"{run.report} is half a report"
    if runs.is_dir():
        names = {row.name for row in Gallery(runs).runs(limit=-1)}
        if names != {folder.name for folder in folders(runs)}:
            yield f"the gallery shows {names}"
    bundle = runs.parent / BUNDLE
    if bundle.exists():
        try:
            with open_bundle(bundle) as opened:
                yield from (str(run) for _, run in opened.runs() if not isinstance(run, Run))
        except TwinseedError as error:
            yield str(error)
    index = runs / "twinseed.db"
    if index.exists():
        with sqlite3.connect(index) as connection:
            if (said := connection.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                yield f"the index: {said}"


def leftovers(runs: Path) -> list[str]:
    hidden = [path.name for path in runs.rglob(".*") if path.name not in (".trash",)]
    return [name for name in hidden if not name.startswith("twinseed.db")]


def kill(
    command: Command, seed_run: Path, how: signal.Signals, after_s: float, wanted: set[tuple[str, ...]]
) -> str | None:
    """One trial: what was lost, or ""; None where the command had come to its end before it could be killed."""
    with tempfile.TemporaryDirectory() as there:
        runs = Path(there, "runs")
        if command.needs_run:
            shutil.copytree(seed_run.parent, runs)
        arguments = command.arguments(seed_run.name, runs.parent)
        process = Process(arguments, runs)
        if process.wait(after_s):
            return None
        before = pictures(runs)
        process.send_signal(how)
        ended, said = process.end()
        if how != signal.SIGKILL and ended not in (0, SIGNALS[how.name], -how):
            return f"{how.name} after {after_s:.1f} s ended with {ended}: {said[-300:]}"
        gone = [path for path, content in before.items() if not _same(runs, path, content)]
        if gone:
            return f"after {after_s:.1f} s these pictures were gone or changed: {gone}"
        if wrong := list(faults(runs)):
            return f"after {after_s:.1f} s: {wrong}"
        kept = pictures(runs)
        unfinished = [folder.name for folder in folders(runs) if not _finished(folder)]
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
        if unfinished and len(folders(runs)) != len(wanted):
            return f"after {after_s:.1f} s the next call did not go on with {unfinished}, but made a run of its own"
        if left := leftovers(runs):
            return f"after {after_s:.1f} s and a next call there are {left}"
    return ""


def killed(command: Command, seed_run: Path, how: signal.Signals, after_s: float, wanted: set[tuple[str, ...]]) -> str:
    """The same at that moment, or at an earlier one where the command is quicker than it was when it was timed."""
    while (lost := kill(command, seed_run, how, after_s, wanted)) is None:
        after_s *= 0.8
    return lost


def _finished(folder: Path) -> bool:
    run = Run.open(folder)
    return run.record.complete and run.report.is_file()


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
    load_libraries()
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
            code, said = finish(command.arguments(seed_run.name, whole.parent), whole)
            took, wanted = time.monotonic() - began, pixels(whole)
            assert code == 0, said
            shutil.rmtree(whole)
            print(f"{command.name} takes {took:.1f} s", file=sys.stderr, flush=True)
            for number in range(options.kills):
                # Evenly over its time, so that every part of it is hit.
                moment = (number + draw.random()) / options.kills * took
                lost = killed(command, seed_run, signal.SIGKILL, moment, wanted)
                table.add(f"SIGKILL in `{command.name}`", lost)
            if command is COMMANDS[0]:
                for name in SIGNALS:
                    for number in range(options.signals):
                        moment = (number + draw.random()) / options.signals * took
                        lost = killed(command, seed_run, signal.Signals[name], moment, wanted)
                        table.add(f"{name} in `{command.name}`", lost)
    return table.finish("python benchmarks/hardening/death.py --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
