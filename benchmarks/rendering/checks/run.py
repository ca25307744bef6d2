"""Runs: stopped on the way, and by the command line with all that can be asked of them."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import warnings

from benchmarks.rendering.checks.place import (
    EXPANDED,
    SEED,
    SIMPLE,
    Place,
    draw,
    pixels,
    require,
    told,
)
from generate.render import RenderCancelled, RenderInterrupted, Step


def stopping(place: Place) -> str:
    """Cancelled in the middle of the second of three pairs."""
    found = list[str]()
    for name in ("seedling", "z-image"):
        model = place.model(name)
        usual = pixels(draw(model))

        def stop(step: Step) -> None:
            if (step.pair, step.number) == (2, 2):
                raise RenderCancelled("enough")

        try:
            draw(model, images=3, on_step=stop)
            require(False, "it went on")
        except RenderInterrupted as stopped:
            kept = stopped.finished.settings.images
        after = told(pixels(draw(model)), usual)
        found.append(f"{name}: {kept} kept, then {after}")
        require((kept, after) == (1, "bit for bit"), found)
    return "; ".join(found)


def command(*arguments: str) -> tuple[int, str, str]:
    """The program in this process: its status, and what it wrote."""
    from twinseed import main

    out, error, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["twinseed", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            main()
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), error.getvalue()
    finally:
        sys.argv = before
    raise AssertionError("unreachable")


def record(place: Place) -> str:
    """A run by the command line, on the disk; verified, gone on with, and looked into with every instrument."""
    runs = ("--runs", str(place.folder / "runs"))
    began = time.perf_counter()
    code, out, error = command(
        "pair",
        SIMPLE,
        "--expanded",
        EXPANDED,
        "--seed",
        str(SEED),
        "--images",
        "2",
        "--device",
        place.device,
        *runs,
        "--json",
    )
    require(code == 0, error)
    made = json.loads(out)
    run = next(entry.name for entry in (place.folder / "runs").iterdir() if entry.is_dir())
    found = [f"pair in {made['certificate']['dtype']}, {time.perf_counter() - began:.1f} s"]
    wanted = ("ruler", "placebo", "ladder", "morph", "attention", "sweep")
    few = ("ruler.seeds=2", "sweep.steps=[4]", 'sweep.schedulers=["Euler a"]', "morph.frames=3")
    measured = [part for one in wanted for part in ("--with", one)] + [part for one in few for part in ("--set", one)]
    for words in (("verify", run), ("examine", run, *measured), ("verify", run), ("refine", run), ("report", run)):
        began = time.perf_counter()
        code, out, error = command(*words, *runs)
        require(code == 0, f"{words[0]}: {out} {error}")
        found.append(f"{words[0]} {time.perf_counter() - began:.1f} s")
        if words[0] == "verify":
            found.append(
                " ".join(line.strip() for line in (out + error).splitlines() if "pixel" in line or "equal" in line)
            )
    return "; ".join(found)
