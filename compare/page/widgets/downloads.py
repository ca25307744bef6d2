"""What of a run can be taken home: its report in every format, and its record."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compare.page.text import plain
from compare.runs.gallery import Gallery
from compare.runs.record import RECORD_FILE
from compare.runs.run import REPORT_FILE
from ideation import TwinseedError
from templates import Language


def show_downloads(gallery: Gallery, name: str, t: dict[str, Any], language: Language) -> None:
    """Buttons for the run `name`: the report in the page's language, also as PDF and Markdown, and the record."""
    d, folder = t["downloads"], gallery.folder(name)
    changed = (folder / RECORD_FILE).stat().st_mtime_ns
    with st.container(horizontal=True):
        take(d["report"], _html(gallery, name, changed, language), f"{name}-{REPORT_FILE}", "text/html")
        take(d["record"], (folder / RECORD_FILE).read_bytes(), f"{name}-{RECORD_FILE}", "application/json")
        # Open or closed is known to the server, so that a PDF is set only for somebody who wants one.
        others = st.popover(d["others"], icon=":material/file_export:", on_change="rerun", key=f"others-{name}")
        with others:
            if others.open:
                try:
                    take(d["pdf"], _pdf(gallery, name, changed, language), f"{name}.pdf", "application/pdf")
                except TwinseedError as problem:  # no font for Chinese, say: Markdown is still to be had
                    st.caption("\n\n".join(map(plain, problem.told(language))))
                take(d["markdown"], _markdown(gallery, name, changed, language), f"{name}.zip", "application/zip")


def take(label: str, content: bytes, file: str, mime: str) -> None:
    """A button that gives the browser a file of that name."""
    st.download_button(label, content, file, mime, icon=":material/download:", on_click="ignore", key=f"take-{file}")


@st.cache_data(max_entries=4, show_spinner=False)  # type: ignore[untyped-decorator]
def _html(_gallery: Gallery, name: str, changed: int, language: Language) -> bytes:  # noqa: ARG001
    """The one that is kept may be in another language, and is nobody's to change for being looked at."""
    from compare.view import render_report

    run = _gallery.open(name)
    return render_report(run.record, run.files(), language).encode()


@st.cache_data(max_entries=4, show_spinner=False)  # type: ignore[untyped-decorator]
def _pdf(_gallery: Gallery, name: str, changed: int, language: Language) -> bytes:  # noqa: ARG001
    from compare.view import pdf_report

    run = _gallery.open(name)
    return pdf_report(run.record, run.files(), language)


@st.cache_data(max_entries=4, show_spinner=False)  # type: ignore[untyped-decorator]
def _markdown(_gallery: Gallery, name: str, changed: int, language: Language) -> bytes:  # noqa: ARG001
    from compare.view import markdown_report

    run = _gallery.open(name)
    return markdown_report(run.record, run.files(), language)
