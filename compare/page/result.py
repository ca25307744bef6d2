"""The result: a run's pictures, what the words were, and everything to take home."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from compare.page.downloads import show_downloads
from compare.page.other_model import show_other_model
from compare.page.sections import VERDICT, show_sections
from compare.page.slider import slider
from compare.page.text import plain
from compare.report import marks_in, sentences
from compare.report.blocks import Stretch
from compare.runs.gallery import Gallery
from compare.runs.record import Record
from compare.view import marked_prompt, offences_text, unseen_note
from ideation import told
from ideation.english import diff
from templates import Language

#: A longer concept is set smaller.
MOST_HEADER_CHARACTERS = 120


def show_run(gallery: Gallery, name: str, t: dict[str, Any], language: Language) -> Record:
    """Shows the run `name` and returns its record. `t` are the page's sentences. Raises `TwinseedError`."""
    report = sentences(language)["report"]
    run = gallery.open(name)
    record, pictures, folder = run.record, run.files(), run.folder
    settings, prompts = record.settings, record.prompts
    (st.header if len(record.concept.text) <= MOST_HEADER_CHARACTERS else st.subheader)(
        plain(record.concept.text), anchor=False
    )
    line = t["result"]["line"].format(
        model=settings.model,
        scheduler=settings.scheduler,
        steps=settings.num_inference_steps,
        guidance=f"{settings.guidance_scale:g}",
        width=settings.width,
        height=settings.height,
        expander=report["prompts"]["expanders"].get(prompts.expander, prompts.expander),
        seed=record.seeds[0],
    )
    st.html(f'<p class="tw-line">{html.escape(line)}</p>')
    for number, seed in enumerate(record.seeds):
        _show_seed(record, seed, pictures, str(folder), t, report, words=number == 0)
        if number == 0:
            show_sections(gallery, name, record, language, VERDICT)
    _show_notes(record, report, language)
    show_sections(gallery, name, record, language)
    show_other_model(record, name, t)
    show_downloads(gallery, name, t, language)
    return record


def _show_seed(
    record: Record,
    seed: int,
    pictures: dict[str, bytes],
    folder: str,
    t: dict[str, Any],
    report: dict[str, Any],
    *,
    words: bool,
) -> None:
    simple, expanded = record.pair(seed)
    if len(record.seeds) > 1:
        st.html(f'<p class="tw-seed">{html.escape(t["result"]["seed"].format(seed=seed))}</p>')
    wide, narrow = st.columns([2, 1], gap="medium")
    with wide:
        for column, render in zip(st.columns(2, gap="small", wrap=False), (simple, expanded), strict=True):
            prompt = getattr(record.prompts, render.arm)
            alt = report["alt"].format(arm=report["short_arm"][render.arm], seed=seed, prompt=prompt)
            with column:
                st.image(f"{folder}/{render.file}", width="stretch", alt=alt)
                st.download_button(
                    report["short_arm"][render.arm],
                    pictures[render.file],
                    f"{render.arm}-{seed}.png",
                    "image/png",
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                    key=f"{folder}-{render.file}",
                )
        if words:
            _show_prompts(record, report)
    with narrow:
        slider(pictures[simple.file], pictures[expanded.file], report, seed, key=f"slider-{folder}-{seed}")
        if words:
            st.html(f'<p class="tw-line">{html.escape(t["result"]["slide"])}</p>')


def _show_prompts(record: Record, report: dict[str, Any]) -> None:
    prompts = record.prompts
    pieces = diff(prompts.simple, prompts.expanded)
    marked = {
        "simple": marked_prompt(pieces, "simple"),
        "expanded": marked_prompt(pieces, "expanded", prompts.tokens.dropped),
    }
    for column, arm in zip(st.columns(2, gap="small"), marked, strict=True):
        column.html(
            f'<p class="tw-arm">{html.escape(report["arm"][arm])}</p>'
            f'<p class="tw-prompt" dir="auto" lang="en">{"".join(map(_marked, marked[arm]))}</p>'
        )
    tags = {"added": "ins", "removed": "u", "unseen": "s"}
    marks = marks_in([*marked["simple"], *marked["expanded"]])
    keys = [f"<{tags[mark]}>{html.escape(report['legend'][mark])}</{tags[mark]}>" for mark in marks]
    if keys:
        st.html(f'<p class="tw-legend">{" · ".join(keys)}</p>')


def _marked(part: Stretch) -> str:
    text = html.escape(part.text)
    if part.unseen:
        return f"<s>{text}</s>"
    return {"same": text, "added": f"<ins>{text}</ins>", "removed": f"<u>{text}</u>"}[part.mark]


def _show_notes(record: Record, report: dict[str, Any], language: Language) -> None:
    certificate, prompts, sentences = record.certificate, record.prompts, report["certificate"]
    if certificate.holds:
        st.html(
            f'<p class="tw-seal"><b>✓ {html.escape(sentences["holds"])}</b> '
            f"<span>{html.escape(sentences['holds_about'])}</span></p>"
        )
    else:
        found = [] if certificate.same_seed else [sentences["other_seed"]]
        if certificate.offences:
            found.append(sentences["differs"].format(names=offences_text(certificate, report)))
        st.error(plain(f"{' '.join(found)} {sentences['fails_about']}"))
    unseen = unseen_note(prompts, report)
    notes = [*([unseen] if unseen else []), *(told(warning, language) for warning in prompts.warnings)]
    if notes:
        st.warning("\n\n".join(map(plain, notes)), icon=":material/info:")
