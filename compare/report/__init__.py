"""Reports: what they are built of, and how that is written as HTML, Markdown and PDF. Nothing here knows of records.

>>> sentences("en")["report"]["motto"]
'One seed, two prompts'
"""

from __future__ import annotations

from compare.report.blocks import Block, Booklet, Card, Chapter, Report, Section, marks_in
from compare.report.fonts import FontError
from compare.report.html import booklet_html, card_text, html_text, policy_hash
from compare.report.markdown import markdown_zip
from compare.report.pdf import PdfError, booklet_pdf, pdf_bytes
from compare.report.sentences import sentences

__all__ = [
    "Block",
    "Booklet",
    "Card",
    "Chapter",
    "FontError",
    "PdfError",
    "Report",
    "Section",
    "booklet_html",
    "booklet_pdf",
    "card_text",
    "html_text",
    "markdown_zip",
    "marks_in",
    "pdf_bytes",
    "policy_hash",
    "sentences",
]
