"""What runs are called in lists to choose from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import streamlit as st

from compare.page.text import moment
from compare.runs import RunRow


def run_titles(rows: Iterable[RunRow]) -> dict[str, str]:
    """Titles by the names of the runs, no two of them alike: the browser tells the server a choice by its title."""
    seen = Counter[str]()
    titles = {}
    for row in rows:
        title = f"{row.concept} · {moment(row.created, st.context.timezone)}"
        seen[title] += 1
        titles[row.name] = title if seen[title] == 1 else f"{title} ({seen[title]})"
    return titles
