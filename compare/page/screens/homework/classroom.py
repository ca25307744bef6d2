"""The class: many bundles on one page, in tables, and in a ballot."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st

from compare.homework import OpenBundle
from compare.homework.verification import Finding, Redrawn, verify_bundle
from compare.page.context import PageContext
from compare.page.screens.homework.uploads import MOST_MEGABYTES, on_disk
from compare.page.text import plain
from compare.page.widgets.progress import show_notices


@dataclass(frozen=True)
class MergedClass:
    """A class to be taken home: its folder as a ZIP, and what is to be known of it."""

    content: bytes
    students: int
    pairs: int
    notes: tuple[str, ...]
    refused: tuple[str, ...]


def show_classroom(page: PageContext) -> None:
    h, state = page.t["homework"], st.session_state
    st.caption(h["class_about"])
    uploads = st.file_uploader(
        h["class_files"], ["zip"], accept_multiple_files=True, key="class-files", max_upload_size=MOST_MEGABYTES
    )
    st.text_input(h["class_title"], key="class-title", max_chars=80)
    st.toggle(h["anonymous"], key="class-anonymous", help=h["anonymous_help"])
    if st.button(h["merge"], key="merge", type="primary", icon=":material/groups:", disabled=not uploads):
        state["class"] = None
        with page.telling(), st.spinner(h["merging"]):
            state["class"] = _merged(uploads, page)
    show_notices(page)
    merged: MergedClass | None = state.get("class")
    if merged is not None:
        _show(merged, h)


def _merged(uploads: list[Any], page: PageContext) -> MergedClass:
    from compare.homework.classroom import ClassOptions, merge_class  # with a writer of spreadsheets: only when needed

    state = st.session_state
    options = ClassOptions(
        title=" ".join(state["class-title"].split()) or None, language=page.language, anonymous=state["class-anonymous"]
    )
    with on_disk(uploads) as files, TemporaryDirectory(prefix="twinseed-") as place:
        merged = merge_class(files, Path(place, "class"), options, check=_seen, created=datetime.now(UTC))
        stored = io.BytesIO()
        with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path for path in merged.folder.rglob("*") if path.is_file()):
                archive.write(file, Path("class", file.relative_to(merged.folder)))
    room = merged.room
    return MergedClass(
        stored.getvalue(),
        len(room.hand_ins),
        sum(len(one.pairs) for one in room.hand_ins),
        tuple(note.told(page.language) for note in merged.notes),
        tuple(_refusal(one.file, one.why[page.language]) for one in room.refused),
    )


def _refusal(file: str, why: str) -> str:
    """Why a file was refused, with its name, which most reasons have in them."""
    return why if file in why else f"{file}: {why}"


def _seen(bundle: OpenBundle) -> Iterable[Finding | Redrawn]:
    """All that can be seen without rendering."""
    return verify_bundle(bundle, None)


def _show(merged: MergedClass, h: dict[str, Any]) -> None:
    st.success(h["merged"].format(students=merged.students, pairs=merged.pairs), icon=":material/groups:")
    for line in merged.refused:
        st.warning(plain(line), icon=":material/error:")
    for line in merged.notes:
        st.caption(plain(line))
    st.download_button(
        h["take_class"],
        merged.content,
        "class.zip",
        "application/zip",
        key="take-class",
        type="primary",
        icon=":material/folder_zip:",
        on_click="ignore",
    )
