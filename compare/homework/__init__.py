"""Homework: many pairs made, handed in as one file, and looked through.

Nothing here loads torch before it is used: `Batch` does, and is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from compare.homework.archive import BundleError
from compare.homework.bundle import (
    Bundle,
    BundledRun,
    FailedConcept,
    OpenBundle,
    Student,
    open_bundle,
    require_place,
    student_of,
    write_bundle,
)
from compare.homework.plan import Plan, Task, plan_of
from compare.homework.table import Assignment, Table, TableError, read_table, table_of_concepts, with_observations

if TYPE_CHECKING:
    from compare.homework.batch import Batch, BatchProgress, BatchStopped, Done, Failed, Outcome

_WITH_TORCH = ("Batch", "BatchProgress", "BatchStopped", "Done", "Failed", "Outcome")


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module("compare.homework.batch"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Assignment",
    "Batch",
    "BatchProgress",
    "BatchStopped",
    "Bundle",
    "BundleError",
    "BundledRun",
    "Done",
    "Failed",
    "FailedConcept",
    "OpenBundle",
    "Outcome",
    "Plan",
    "Student",
    "Table",
    "TableError",
    "Task",
    "open_bundle",
    "plan_of",
    "read_table",
    "require_place",
    "student_of",
    "table_of_concepts",
    "with_observations",
    "write_bundle",
]
