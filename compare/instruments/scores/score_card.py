"""The score card: both pictures against both prompts, by CLIP. Was the idea kept, were the details gained?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from compare.instruments.context import Context
from compare.instruments.distance import Cosine
from ideation import Vocabulary, built_in_words
from ideation.english import indefinite_article, plural
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
    rivals = []
    for start, end, others in _known_in(simple, vocabulary):
        others = others[:: -(-len(others) // _MOST_RIVALS)]
        if article := _ARTICLE_BEFORE.search(simple, 0, start):
            start = article.start()
            others = [f"{indefinite_article(other)} {other}" for other in others]
        rivals.append([simple[:start] + other + simple[end:] for other in others])
    return rivals


def _known_in(simple: str, vocabulary: Vocabulary | None) -> Iterator[tuple[int, int, list[str]]]:
    """Where the subject stands, and where the action does, each with the others of its kind: of several, several. What
    a model draws as a relative of it is not known to it."""
    if vocabulary is None:
        words = built_in_words()
        for listed in (words.topics, words.actions):
            if found := _any_of(tuple(word.en for word in listed)).search(simple):
                others = [word.en for word in listed if word.en.casefold() != found.group().casefold()]
                yield found.start(), found.end(), others
        return
    named = vocabulary.named(simple)
    for kind in ("subject", "action"):
        first = next((one for one in named if one.term.kind == kind), None)
        if first is not None and not first.near:
            several = simple[first.start : first.end].casefold() in first.term.plurals
            others = [name for name in vocabulary.names(kind) if name != first.term.name]
            yield first.start, first.end, [plural(name) for name in others] if several else others


_ARTICLE_BEFORE = re.compile(r"(?<!\w)an? $", re.IGNORECASE)


@lru_cache(maxsize=4)
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the phrases as whole words, the longest first."""
    either = "|".join(map(re.escape, sorted(phrases, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


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
