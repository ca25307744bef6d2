"""The score card: both pictures against both prompts, by CLIP. Was the idea kept, were the details gained?"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compare.instruments.context import Context
from compare.instruments.distance import Cosine
from ideation import Vocabulary, built_in_words
from ideation.english import indefinite_article
from ideation.files import Count, StrictModel

#: So many other subjects, and as many other actions, at most.
_MOST_RIVALS = 30
#: A lead over the rivals of which so much is kept is as clear as before, as the verdict has it, too.
CLEAR = 2 / 3


class ClipRecord(StrictModel):
    """The CLIP that scored. `simple_cut` and `expanded_cut` are the words of each prompt beyond its token limit."""

    name: str
    digest: str
    limit: Count
    simple_cut: tuple[str, ...] = ()
    expanded_cut: tuple[str, ...] = ()


class CardRecord(StrictModel):
    """The score card of one seed, 2 x 2: CLIP cosines of picture and prompt, named picture_on_prompt.

    The rivals are the simple prompt with its subject or its action exchanged for others: their mean cosine, of
    whichever exchange costs the picture less. None where the prompt has no known subject or action.
    """

    simple_on_simple: Cosine
    expanded_on_simple: Cosine
    simple_on_expanded: Cosine
    expanded_on_expanded: Cosine
    simple_on_rivals: Cosine | None = None
    expanded_on_rivals: Cosine | None = None


def cards_of(context: Context) -> dict[int, CardRecord]:
    """The score card of each seed, by seed: both pictures against both prompts. Empty without a CLIP.

    Scoring each picture against its own prompt alone would change the ruler along with what it measures.
    """
    if context.clip is None:
        return {}
    on_simple, on_expanded = context.clip.text_vectors([context.prompts.simple, context.prompts.expanded])
    rivals = [context.clip.text_vectors(prompts) for prompts in rivals_of(context.prompts.simple, context.vocabulary)]
    cards = {}
    for seed in context.seeds:
        simple, expanded = context.clip.image_vectors(context.pair(seed))
        cards[seed] = CardRecord(
            simple_on_simple=round(float(simple @ on_simple), 6),
            expanded_on_simple=round(float(expanded @ on_simple), 6),
            simple_on_expanded=round(float(simple @ on_expanded), 6),
            expanded_on_expanded=round(float(expanded @ on_expanded), 6),
            simple_on_rivals=_on_rivals(simple, rivals),
            expanded_on_rivals=_on_rivals(expanded, rivals),
        )
    return cards


def clip_record(context: Context) -> ClipRecord | None:
    """Which CLIP scored, and which words of the prompts it did not read. None without a CLIP."""
    if context.clip is None:
        return None
    return ClipRecord(
        name=context.clip.name,
        digest=context.clip.digest,
        limit=context.clip.limit,
        simple_cut=context.clip.cut(context.prompts.simple),
        expanded_cut=context.clip.cut(context.prompts.expanded),
    )


def rivals_of(simple: str, vocabulary: Vocabulary | None) -> list[list[str]]:
    """The simple prompt with its subject exchanged for others, and with its action: one list each, if it has one that
    is known. Known are the words of the model's `vocabulary`, else the subjects and actions of the built-in lists."""
    if vocabulary is not None:
        terms = vocabulary.terms
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


def mean_card(cards: Sequence[CardRecord]) -> CardRecord:
    """The mean of the score cards of several seeds; what one of them lacks, the mean lacks."""
    means: dict[str, float | None] = {}
    for name in CardRecord.model_fields:
        values: list[float | None] = [getattr(card, name) for card in cards]
        known = [value for value in values if value is not None]
        means[name] = sum(known) / len(known) if len(known) == len(values) else None
    return CardRecord.model_validate(means)
