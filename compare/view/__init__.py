"""The view of a run: its record and pictures as a report, in the reader's language, and the ways to write that down.

What a report is made of, and how it is written, is in `compare.report`, which knows nothing of records.
"""

from __future__ import annotations

from compare.view.card import card_html, notes_on_run
from compare.view.facts import offences_text
from compare.view.homework import Failure, Homework, homework_html, homework_pdf
from compare.view.report import (
    judged_verdict,
    markdown_report,
    marked_prompt,
    pdf_report,
    render_report,
    report_of,
    unseen_note,
    verdict_of,
)

__all__ = [
    "Failure",
    "Homework",
    "card_html",
    "homework_html",
    "homework_pdf",
    "judged_verdict",
    "markdown_report",
    "marked_prompt",
    "notes_on_run",
    "offences_text",
    "pdf_report",
    "render_report",
    "report_of",
    "unseen_note",
    "verdict_of",
]
