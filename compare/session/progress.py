"""Progress: what a session tells whoever watches it at work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from generate.render.batch import Step


@dataclass(frozen=True)
class Progress:
    """`stage` is "open", "expand", "wait", "render", "look" or "write"; `detail` says of what or why, or names the
    instrument; `step` counts while pictures are rendered; `until` is the time when waiting for a server ends."""

    stage: str
    detail: str = ""
    step: Step | None = None
    until: datetime | None = None


OnProgress = Callable[[Progress], None]


def in_silence(_: Progress) -> None:
    """Nobody listens."""
