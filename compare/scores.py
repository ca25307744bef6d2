"""Scores: how far apart the two pictures are, and the card of both pictures against both prompts."""

from __future__ import annotations

from PIL import Image

from compare.bench import Bench
from compare.findings import CardRecord, ClipRecord, DistanceRecord


def distances_of(bench: Bench) -> dict[str, DistanceRecord]:
    """How far apart the two pictures of each seed are, by seed."""
    return {str(seed): bench.distance(*_pair(bench, seed)) for seed in bench.seeds}


def cards_of(bench: Bench) -> dict[str, CardRecord]:
    """The score card of each seed, by seed: both pictures against both prompts. Empty without a CLIP.

    Scoring each picture against its own prompt alone would change the ruler along with what it measures.
    """
    if bench.clip is None:
        return {}
    on_simple, on_expanded = bench.clip.text_vectors([bench.prompts.simple, bench.prompts.expanded])
    cards = {}
    for seed in bench.seeds:
        simple, expanded = bench.clip.image_vectors(_pair(bench, seed))
        cards[str(seed)] = CardRecord(
            simple_on_simple=round(float(simple @ on_simple), 6),
            expanded_on_simple=round(float(expanded @ on_simple), 6),
            simple_on_expanded=round(float(simple @ on_expanded), 6),
            expanded_on_expanded=round(float(expanded @ on_expanded), 6),
        )
    return cards


def clip_record(bench: Bench) -> ClipRecord | None:
    """Which CLIP scored, and which words of the prompts it did not read. None without a CLIP."""
    if bench.clip is None:
        return None
    return ClipRecord(
        name=bench.clip.name,
        digest=bench.clip.digest,
        limit=bench.clip.limit,
        simple_cut=bench.clip.cut(bench.prompts.simple),
        expanded_cut=bench.clip.cut(bench.prompts.expanded),
    )


def _pair(bench: Bench, seed: int) -> tuple[Image.Image, Image.Image]:
    return bench.pictures["simple", seed], bench.pictures["expanded", seed]
