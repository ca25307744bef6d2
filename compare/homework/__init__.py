"""Homework: many pairs made, handed in as one file, and looked through.

Nothing here loads torch before it is used.
"""

from __future__ import annotations

from compare.homework.archive import BundleError
from compare.homework.bundle import (
    Bundle,
    BundledRun,
    FailedConcept,
    OpenBundle,
    Student,
    open_bundle,
    student_of,
    write_bundle,
)

__all__ = [
    "Bundle",
    "BundleError",
    "BundledRun",
    "FailedConcept",
    "OpenBundle",
    "Student",
    "open_bundle",
    "student_of",
    "write_bundle",
]
