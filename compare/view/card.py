"""The card of a run: at a glance in the cell of a notebook, what its report tells at length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compare.report import card_text, sentences
from compare.report.blocks import Card, Marked, Seal
from compare.runs.record import Record
from compare.view.facts import certificate_section
from compare.view.report import pair_block, pair_section, verdict_of
from ideation import told
from templates import Language


def notes_on_run(record: Record, asked: Sequence[str] = ()) -> tuple[str, ...]:
    """What was said of the request, of the prompts, and of what was found, in English."""
    return (*asked, *record.prompts.warnings, *(record.findings.notes if record.findings is not None else ()))


def card_html(
    record: Record, pictures: Mapping[str, bytes], language: Language = "en", notes: Sequence[str] = ()
) -> str:
    """The card as a piece of HTML that needs nothing around it; `notes` are what was said of the request."""
    t = sentences(language)["report"]
    seal = next(
        block for block in certificate_section(record.certificate, record.settings, t).blocks if isinstance(block, Seal)
    )
    card = Card(
        language,
        record.concept.text,
        record.concept.language,
        tuple(pair_block(record, seed, t) for seed in record.seeds),
        tuple(block for block in pair_section(record, t).blocks if isinstance(block, Marked)),
        verdict_of(record, language),
        seal,
        tuple(dict.fromkeys(told(note, language) for note in notes_on_run(record, notes))),
    )
    return card_text(card, pictures)
