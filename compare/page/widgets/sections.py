"""The report's sections as widgets: the same blocks, the same sentences, on the page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from compare.instruments import INSTRUMENTS
from compare.page.text import plain
from compare.report.blocks import Audited, Block, Chart, Grid, Moving, Report, Section, Shot, Strip, Table, Text, Words
from compare.runs.gallery import Gallery
from compare.runs.record import Record
from compare.view import report_of
from templates import Language

#: The sections that are on the page as they are in the report, in its order; the page shows the others in its own way.
VERDICT = ("verdict",)
OPEN = ("audit", "card")
FOLDED = ("apart", *INSTRUMENTS, "observations", "notes")
SHOT_WIDTH = 148
CHART_WIDTH = 520


def show_sections(
    gallery: Gallery,
    name: str,
    record: Record,
    language: Language,
    sections: Sequence[str] = OPEN + FOLDED,
    *,
    opened: bool = False,
) -> None:
    """What the instruments found out about the run `name`: those of its `sections` that there are. Whatever is folded
    at first is not where they are `opened`."""
    folder = gallery.folder(name)
    report = _report(gallery, name, (folder / "record.json").stat().st_mtime_ns, language)
    for section in report.sections:
        if section.name not in sections:
            continue
        if section.name in OPEN or (section.name in VERDICT and record.findings is not None):
            st.subheader(section.title, anchor=False)
            _show(section, report, folder)
        elif section.name in FOLDED:
            with st.expander(plain(section.title), key=f"section-{section.name}", expanded=opened):
                _show(section, report, folder)


@st.cache_data(max_entries=8, show_spinner=False)  # type: ignore[untyped-decorator]
def _report(_gallery: Gallery, name: str, changed: int, language: Language) -> Report:  # noqa: ARG001
    """Kept while nobody writes the record again (`changed` is when): charts take a moment, and the script runs after
    every click."""
    return report_of((run := _gallery.open(name)).record, run.files(), language)


def _show(section: Section, report: Report, folder: Path) -> None:
    for about in section.about:
        st.caption(plain(about))
    for number, block in enumerate(section.blocks):
        _block(block, report, folder, f"{section.name}-{number}")


def _block(block: Block, report: Report, folder: Path, key: str) -> None:
    match block:
        case Text(text, tone):
            if tone == "warning":
                st.caption(f":material/info: {plain(text)}")
            else:
                st.markdown(f"**{plain(text)}**" if tone in ("lead", "heading") else plain(text))
        case Words(words, by):
            st.html(
                f'<blockquote class="tw-words" dir="auto">{html.escape(words)}'
                f"{f'<footer>{html.escape(by)}</footer>' if by else ''}</blockquote>"
            )
        case Strip(shots):
            _strip(shots, report, folder, key)
        case Grid():
            _grid(block, report, folder)
        case Moving(file, alt, label):
            if st.toggle(plain(label), key=f"play-{file}"):
                st.image(str(folder / file), width=320, alt=alt)
        case Chart(_, svg, alt, caption):
            st.image(svg, width=CHART_WIDTH, alt=alt)
            if caption:
                st.caption(plain(caption))
        case Table(head, rows):
            st.html(f'<div class="tw-scroll" tabindex="0">{_table(head, rows)}</div>')
        case Audited():
            st.html(_audited(block))
        case _:
            pass  # what remains is about prompts, certificate and settings, which the page shows in its own way


def _strip(shots: Sequence[Shot], report: Report, folder: Path, key: str) -> None:
    """One row, or several where there is room; on a phone one that is swiped."""
    with st.container(horizontal=True, gap="small", key=f"strip-{key}"):
        for number, shot in enumerate(shots):
            with st.container(width=SHOT_WIDTH, gap="xsmall", key=f"shot-{key}-{number}"):
                _image(shot, report, folder)
                st.caption(plain(" · ".join(filter(None, (shot.caption, shot.detail)))))


def _grid(grid: Grid, report: Report, folder: Path) -> None:
    widths = [1.2, *[1.0] * len(grid.columns)]
    for column, label in zip(st.columns(widths, gap="small"), (grid.corner, *grid.columns), strict=True):
        column.caption(plain(label))
    for label, cells in grid.rows:
        first, *columns = st.columns(widths, gap="small", vertical_alignment="center")
        first.markdown(plain(label))
        for column, shots in zip(columns, cells, strict=True):
            with column:
                for shot in shots:
                    _image(shot, report, folder)


def _image(shot: Shot, report: Report, folder: Path) -> None:
    drawn = report.drawn.get(shot.file)
    st.image(str(folder / shot.file) if drawn is None else drawn, width="stretch", alt=shot.alt)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{html.escape(cell)}</th>' if number == 0 else f"<td>{html.escape(cell)}</td>"
            for number, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f'<table class="tw-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _audited(block: Audited) -> str:
    signs = {key.mark: key for key in block.legend}
    prompt = "".join(
        html.escape(one.text)
        if one.mark not in signs
        else f'<span class="tw-mark {one.mark}">{html.escape(one.text)}</span><sup>{html.escape(signs[one.mark].sign)}'
        "</sup>"
        for one in block.stretches
    )
    keys = "".join(
        f"<dt><sup>{html.escape(key.sign)}</sup> {html.escape(key.name)}</dt><dd>{html.escape(key.about)}</dd>"
        for key in block.legend
    )
    return f'<p class="tw-prompt" dir="auto" lang="en">{prompt}</p><dl class="tw-keys">{keys}</dl>'
