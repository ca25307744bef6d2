"""Tables of concepts: a row for each pair, from whatever program people write tables with."""

from __future__ import annotations

from compare.homework.table.columns import COLUMNS
from compare.homework.table.grid import Fault, TableError
from compare.homework.table.rows import (
    MAX_OBSERVATIONS,
    Assignment,
    Table,
    looks_like_file,
    read_table,
    table_of_concepts,
    with_observations,
)

__all__ = [
    "COLUMNS",
    "MAX_OBSERVATIONS",
    "Assignment",
    "Fault",
    "Table",
    "TableError",
    "looks_like_file",
    "read_table",
    "table_of_concepts",
    "with_observations",
]
