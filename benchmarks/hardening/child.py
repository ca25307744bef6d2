"""A trial in a process of its own: what it raised, how long it took, and how much memory it came to need."""

from __future__ import annotations

import multiprocessing
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ideation import TwinseedError


@dataclass(frozen=True)
class Outcome:
    """`refused` is the message of a `TwinseedError` and `hint` its hint, `crashed` the traceback of anything else; ""
    where it went through. `megabytes` is how far the memory rose above where the trial began, or what a process that it
    started took, if that was more."""

    refused: str = ""
    crashed: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
    value: Any = None
    hint: str = ""


def in_child(trial: Callable[[], Any], limit_s: float) -> Outcome:
    """Runs `trial` in a forked child, with all that is loaded here, and kills it after `limit_s` seconds."""
    return prepared_in_child(lambda: trial, limit_s)


def prepared_in_child(prepare: Callable[[], Callable[[], Any]], limit_s: float) -> Outcome:
    """The same for the trial that `prepare` makes in the child, which is not measured."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(prepare, there), daemon=True)
    process.start()
    there.close()
    try:
        began, others = time.monotonic(), 0.0
        while not here.poll(0.02):
            others = max(others, *(_peak(child) for child in _started_by(process.pid)), 0.0)
            if time.monotonic() - began > limit_s:
                return Outcome(crashed=f"still running after {limit_s:g} s", seconds=limit_s)
        outcome: Outcome = here.recv()
        return replace(outcome, megabytes=max(outcome.megabytes, others))
    except EOFError:
        process.join(5)
        return Outcome(crashed=f"the process ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()
        here.close()


def _run(prepare: Callable[[], Callable[[], Any]], there: Any) -> None:
    trial = prepare()
    before, started = _reset_peak(), time.monotonic()
    refused = hint = crashed = ""
    value: Any = None
    try:
        value = trial()
        if not isinstance(value, bool | str | Path):  # a model, say, which no pipe takes
            value = type(value).__name__
    except TwinseedError as error:
        refused, hint = str(error), str(error.hint)
    except BaseException:
        crashed = traceback.format_exc()
    there.send(Outcome(refused, crashed, time.monotonic() - started, _peak() - before, value, hint))


def _reset_peak() -> float:
    """Sets the peak of this process's memory to what it has now, and returns that, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak(process: int | str = "self") -> float:
    """The most memory that a process ever had, in MB; 0 for one that is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def _started_by(process: int | None) -> list[int]:
    """The processes that it has started, once they are programs of their own: before that they share its memory."""
    try:
        own = Path(f"/proc/{process}/cmdline").read_bytes()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        return [int(child) for child in children if Path(f"/proc/{child}/cmdline").read_bytes() not in (own, b"")]
    except OSError:
        return []
