"""`twinseed verify`: whether a run is what its record says."""

from __future__ import annotations

import json

import typer

from commands.options import AsJson, RunName, Runs, run_of


def verify(run: RunName, runs: Runs = None, as_json: AsJson = False) -> None:
    """Hold a run's pictures against its record: files, hashes, marks, certificate. Nothing is rendered again."""
    gallery, name = run_of(run, runs)
    faults = list(gallery.open(name).faults())
    if as_json:
        print(json.dumps({"run": name, "faults": faults, "rendered": False}, ensure_ascii=False))
    else:
        print("\n".join(faults) or "files, hashes, marks and certificate hold; nothing was rendered again")
    if faults:
        raise typer.Exit(1)
