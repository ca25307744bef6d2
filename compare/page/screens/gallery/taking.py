"""Taking: several runs made into one report, and into one file to hand in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from compare.homework.bundle import Student, report_of_runs, student_of, write_bundle
from compare.homework.words import with_own_words
from compare.page.context import PageContext
from compare.page.text import plain
from compare.page.widgets.downloads import take
from compare.runs import RECORD_FILE, Gallery
from ideation import TwinseedError
from templates import Language

#: Runs of one report: each brings its pictures along.
MOST_TOGETHER = 100


def show_taking(page: PageContext, names: list[str]) -> None:
    """A button that folds out what these runs are made into: nothing is made for somebody who does not want it."""
    g = page.t["gallery"]
    with st.popover(g["take"], icon=":material/folder_zip:", key="take-box", on_change="rerun") as box:
        if not box.open:
            return
        with page.shown():
            if len(names) > MOST_TOGETHER:
                raise TwinseedError(
                    "{count} runs are too many for one report",
                    hint="choose {most} or fewer",
                    count=len(names),
                    most=MOST_TOGETHER,
                )
            typed = page.visitor.forms.get("homework", {})
            student = student_of(typed.get("student-name"), typed.get("student-number"))
            changed = tuple((page.open(name).folder / RECORD_FILE).stat().st_mtime_ns for name in names)
            asked = (page.gallery, tuple(names), changed, page.language)
            take(g["report"], _report(*asked, student), "runs.html", "text/html")
            take(g["bundle"], _bundle(*asked, student), "runs.zip", "application/zip")
            st.caption(g["by_nobody"] if student is None else plain(g["by_name"].format(student=student.line)))


@st.cache_data(max_entries=2, show_spinner=False, hash_funcs={Student: Student.model_dump_json})  # type: ignore[untyped-decorator]
def _report(
    _gallery: Gallery,
    names: tuple[str, ...],
    changed: tuple[int, ...],  # noqa: ARG001 - kept while nobody writes one of the records again
    language: Language,
    student: Student | None,
) -> bytes:
    runs = [_gallery.open(name) for name in names]
    return report_of_runs(runs, student=student, language=language, created=_now()).encode()


@st.cache_data(max_entries=2, show_spinner=False, hash_funcs={Student: Student.model_dump_json})  # type: ignore[untyped-decorator]
def _bundle(
    _gallery: Gallery,
    names: tuple[str, ...],
    changed: tuple[int, ...],  # noqa: ARG001
    language: Language,
    student: Student | None,
) -> bytes:
    """The bundle, without what somebody else than the student wrote."""
    own = with_own_words([_gallery.open(name) for name in names], student)
    with TemporaryDirectory(prefix="twinseed-") as folder:
        file = Path(folder, "runs.zip")
        write_bundle(file, own, student=student, language=language, created=_now())
        return file.read_bytes()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
