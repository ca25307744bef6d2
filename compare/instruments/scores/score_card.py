"""The score card: both pictures against both prompts, by CLIP. Was the idea kept, were the details gained?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.instruments.context import Context
from compare.instruments.distance import Cosine
from compare.report.blocks import Block, Chart, Section, Table, Text
from compare.report.charts import Dumbbell, dumbbells
from compare.report.sentences import points
from ideation import Vocabulary, built_in_words
from ideation.english import indefinite_article
from ideation.values import Count, StrictModel

#: So many other subjects, and as many other actions, at most.
_MOST_RIVALS = 30
#: Two arms whose fits agree to the tenth of a point that is printed are called equal.
_SAME_POINTS = 0.05
#: A loss below so many points is slight.
_SLIGHT_POINTS = 5
#: A lead over the rivals of fewer points is nearly none: the picture might as well show one of them.
_LEAST_LEAD = 2
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


def card_section(cards: Mapping[int, CardRecord], clip: ClipRecord | None, t: dict[str, Any]) -> Section | None:
    """Both pictures against both prompts, by the mean of the seeds and seed by seed."""
    if not cards:
        return None
    card, mean = t["card"], mean_card(list(cards.values()))
    rows = [
        Dumbbell(card["idea"], 100 * mean.simple_on_simple, 100 * mean.expanded_on_simple),
        Dumbbell(card["details"], 100 * mean.simple_on_expanded, 100 * mean.expanded_on_expanded),
    ]
    ends = [end for row in rows for end in (row.simple, row.expanded)]
    room = max(2.0, 0.15 * (max(ends) - min(ends)))
    svg = dumbbells(rows, t["short_arm"]["simple"], t["short_arm"]["expanded"], (min(ends) - room, max(ends) + room))
    alt = "; ".join(
        card["chart_row"].format(label=row.label, simple=points(row.simple / 100), expanded=points(row.expanded / 100))
        for row in rows
    )
    texts = card_texts(list(cards.values()), t)
    blocks: list[Block] = [Text(text, "lead") for text in texts[:2]]
    blocks += [Text(text) for text in texts[2:]]
    blocks.append(Chart("score-card", svg, alt))
    columns = card["columns"]
    if len(cards) > 1:
        head = (card["seed"], *columns.values())
        by_seed = [(str(seed), *(points(getattr(one, name)) for name in columns)) for seed, one in cards.items()]
        blocks.append(Table(head, tuple(by_seed)))
    else:
        square = [
            (card[what], *(points(getattr(mean, f"{arm}_on_{prompt}")) for arm in ("simple", "expanded")))
            for what, prompt in (("idea", "simple"), ("details", "expanded"))
        ]
        blocks.append(Table(("", *card["pictures"].values()), tuple(square)))
    if any(getattr(one, name) < 0 for one in cards.values() for name in columns):
        blocks.append(Text(card["negative"]))
    cut = () if clip is None else clip.expanded_cut or clip.simple_cut
    if clip is not None and cut:
        blocks.append(Text(card["cut"].format(limit=clip.limit, words=" ".join(cut)), "warning"))
    if mean.expanded_on_simple < mean.simple_on_simple:
        blocks.append(Text(card["crowded"], "warning"))
    if clip is not None:
        blocks.append(Text(card["judges"].get(clip.name, card["judge"]).format(name=clip.name)))
    return Section("card", card["title"], (card["about"],), tuple(blocks))


def _how_clear(simple: float, expanded: float) -> str:
    """How clear the idea is by its leads over the rivals on the pictures of either arm."""
    if 100 * simple < _LEAST_LEAD:
        return "unseen"
    if 100 * expanded < _LEAST_LEAD:
        return "lost"
    return "clear" if expanded >= CLEAR * simple else "dim"


def mean_card(cards: Sequence[CardRecord]) -> CardRecord:
    """The mean of the score cards of several seeds; what one of them lacks, the mean lacks."""
    means: dict[str, float | None] = {}
    for name in CardRecord.model_fields:
        values: list[float | None] = [getattr(card, name) for card in cards]
        known = [value for value in values if value is not None]
        means[name] = sum(known) / len(known) if len(known) == len(values) else None
    return CardRecord.model_validate(means)


def card_texts(cards: Sequence[CardRecord], t: dict[str, Any]) -> list[str]:
    """Was the idea kept, were the details gained: by the mean of the seeds, then by how many of them."""
    mean, sentence = mean_card(cards), t["card"]
    said = []
    for what, simple, expanded in (
        ("idea", mean.simple_on_simple, mean.expanded_on_simple),
        ("details", mean.simple_on_expanded, mean.expanded_on_expanded),
    ):
        change = 100 * (expanded - simple)
        how = "same" if abs(change) < _SAME_POINTS else "better" if change > 0 else "worse"
        said.append(sentence[f"{what}_{how}"].format(simple=points(simple), expanded=points(expanded)))
    if mean.simple_on_rivals is not None and mean.expanded_on_rivals is not None:
        simple = mean.simple_on_simple - mean.simple_on_rivals
        expanded = mean.expanded_on_simple - mean.expanded_on_rivals
        lead = sentence["rivals"].format(simple=points(simple), expanded=points(expanded))
        said.append(t["pause"].join((lead, sentence[f"rivals_{_how_clear(simple, expanded)}"])))
    if len(cards) == 1:
        return [*said, sentence["one_seed"]]
    losses = [100 * (card.simple_on_simple - card.expanded_on_simple) for card in cards]
    losses = [loss for loss in losses if loss >= _SAME_POINTS]
    many = "idea_none" if not losses else "idea_all" if len(losses) == len(cards) else "idea_some"
    slightly = "_slightly" if losses and sum(losses) < _SLIGHT_POINTS * len(losses) else ""
    gained = sum(100 * (card.expanded_on_expanded - card.simple_on_expanded) > _SAME_POINTS for card in cards)
    return [
        *said,
        sentence[f"{many}{slightly}"].format(number=len(losses), seeds=len(cards)),
        sentence["details_count"].format(number=gained, seeds=len(cards)),
    ]
