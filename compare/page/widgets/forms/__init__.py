"""What forms are made of: values that are found again, choices in two languages, the field for a key."""

from __future__ import annotations
