"""Scores: what is found out about every pair without being asked, from its own pictures alone."""

from __future__ import annotations

from compare.instruments.scores.card_section import card_section
from compare.instruments.scores.phrase_audit import PhraseRecord, audit, audit_section, mark_of
from compare.instruments.scores.score_card import CardRecord, ClipRecord, cards_of, clip_record
from compare.instruments.scores.unknown_words import UnknownRecord, undrawn_in, unknown_in, unknown_to
from compare.instruments.scores.verdict import Kind, VerdictRecord, verdict_of, verdict_section, verdict_text

__all__ = [
    "CardRecord",
    "ClipRecord",
    "Kind",
    "PhraseRecord",
    "UnknownRecord",
    "VerdictRecord",
    "audit",
    "audit_section",
    "card_section",
    "cards_of",
    "clip_record",
    "mark_of",
    "undrawn_in",
    "unknown_in",
    "unknown_to",
    "verdict_of",
    "verdict_section",
    "verdict_text",
]
