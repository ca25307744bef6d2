"""Checkpoints: the state of a run, so that growing can stop at any moment and go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import torch


class Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


def save_checkpoint(file: Path, parts: dict[str, Any], steps: int) -> None:
    """Writes all parts and the number of steps done; the old file stays whole until the new one is."""
    partial = file.with_suffix(".partial")
    torch.save({"steps": steps, **{name: part.state_dict() for name, part in parts.items()}}, partial)
    os.replace(partial, file)


def load_checkpoint(file: Path, parts: dict[str, Any], device: str) -> int:
    """Fills the parts from the file and returns the steps done; 0 where there is no file yet."""
    if not file.is_file():
        return 0
    stored = torch.load(file, map_location=device, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(stored[name])
    return int(stored["steps"])
