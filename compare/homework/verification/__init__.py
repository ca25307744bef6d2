"""Verification: whether a run, or a bundle that somebody handed in, is what it says.

Nothing here loads torch, unless pictures are rendered again.
"""

from __future__ import annotations

from compare.homework.verification.finding import Finding, Kind
from compare.homework.verification.redrawing import Redrawn
from compare.homework.verification.verification import (
    MOST_MINUTES,
    Again,
    Verification,
    verify_bundle,
    verify_run,
)

__all__ = [
    "MOST_MINUTES",
    "Again",
    "Finding",
    "Kind",
    "Redrawn",
    "Verification",
    "verify_bundle",
    "verify_run",
]
