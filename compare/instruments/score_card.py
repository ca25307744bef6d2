"""Scores: how far apart the two pictures are, and the card of both pictures against both prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.instruments.context import Bench
from compare.instruments.results import CardRecord, ClipRecord, DistanceRecord
from ideation.draw.word_lists import built_in_words
from ideation.english.grammar import indefinite_article
from ideation.vocabulary import seedling_vocabulary

#: So many other subjects, and as many other actions, at most.
_MOST_RIVALS = 30


def distances_of(bench: Bench) -> dict[int, DistanceRecord]:
    """How far apart the two pictures of each seed are, by seed."""
    return {seed: bench.distance(*_pair(bench, seed)) for seed in bench.seeds}


def cards_of(bench: Bench) -> dict[int, CardRecord]:
    """The score card of each seed, by seed: both pictures against both prompts. Empty without a CLIP.

    Scoring each picture against its own prompt alone would change the ruler along with what it measures.
    """
    if bench.clip is None:
        return {}
    on_simple, on_expanded = bench.clip.text_vectors([bench.prompts.simple, bench.prompts.expanded])
    rivals = [bench.clip.text_vectors(prompts) for prompts in rivals_of(bench.prompts.simple, bench.settings.model)]
    cards = {}
    for seed in bench.seeds:
        simple, expanded = bench.clip.image_vectors(_pair(bench, seed))
        cards[seed] = CardRecord(
            simple_on_simple=round(float(simple @ on_simple), 6),
            expanded_on_simple=round(float(expanded @ on_simple), 6),
            simple_on_expanded=round(float(simple @ on_expanded), 6),
            expanded_on_expanded=round(float(expanded @ on_expanded), 6),
            simple_on_rivals=_on_rivals(simple, rivals),
            expanded_on_rivals=_on_rivals(expanded, rivals),
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


def rivals_of(simple: str, model: str) -> list[list[str]]:
    """The simple prompt with its subject exchanged for others, and with its action: one list each, if it has one that
    is known. Known are Seedling's words for Seedling, else the subjects and actions of the built-in lists."""
    if model == "seedling":
        terms = seedling_vocabulary().terms
        lists = [[(term.name, term.phrases) for term in terms[kind]] for kind in ("subject", "action")]
    else:
        words = built_in_words()
        lists = [[(word.en, (word.en,)) for word in listed] for listed in (words.topics, words.actions)]
    rivals = []
    for entries in lists:
        named = {phrase.casefold(): name for name, phrases in entries for phrase in phrases}
        longest_first = sorted(named, key=len, reverse=True)
        found = re.search(
            r"(?<!\w)(?P<article>an? )?(?P<name>" + "|".join(map(re.escape, longest_first)) + r")(?!\w)",
            simple,
            re.IGNORECASE,
        )
        if found is not None:
            others = [name for name, _ in entries if name != named[found["name"].casefold()]]
            others = others[:: -(-len(others) // _MOST_RIVALS)]
            if found["article"]:
                others = [f"{indefinite_article(other)} {other}" for other in others]
            rivals.append([simple[: found.start()] + other + simple[found.end() :] for other in others])
    return rivals


def _on_rivals(picture: NDArray[np.float32], rivals: Sequence[NDArray[np.float32]]) -> float | None:
    return round(max(float((vectors @ picture).mean()) for vectors in rivals), 6) if rivals else None


def _pair(bench: Bench, seed: int) -> tuple[Image.Image, Image.Image]:
    return bench.pictures["simple", seed], bench.pictures["expanded", seed]
