"""A trial in a process of its own: what it raised, how long it took, and how much memory it came to need."""

from __future__ import annotations

import multiprocessing
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ideation import TwinseedError


@dataclass(frozen=True)
class Outcome:
    """`refused` is the message of a `TwinseedError`, `crashed` the traceback of anything else; both "" where it went
    through. `megabytes` is how far the memory rose above where the trial began."""

    refused: str = ""
    crashed: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
    value: Any = None


def in_child(trial: Callable[[], Any], limit_s: float) -> Outcome:
    """Runs `trial` in a forked child, with all that is loaded here, and kills it after `limit_s` seconds."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(trial, there), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(limit_s):
            return Outcome(crashed=f"still running after {limit_s:g} s", seconds=limit_s)
        outcome: Outcome = here.recv()
        return outcome
    except EOFError:
        process.join(5)
        return Outcome(crashed=f"the process ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()
        here.close()


def _run(trial: Callable[[], Any], there: Any) -> None:
    before, started = _reset_peak(), time.monotonic()
    refused = crashed = ""
    value: Any = None
    try:
        value = trial()
        if not isinstance(value, bool | str | Path):  # a model, say, which no pipe takes
            value = type(value).__name__
    except TwinseedError as error:
        refused = str(error)
    except BaseException:
        crashed = traceback.format_exc()
    there.send(Outcome(refused, crashed, time.monotonic() - started, _peak() - before, value))


def _reset_peak() -> float:
    """Sets the peak of this process's memory to what it has now, and returns that, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
