"""The section of the score card: was the idea kept, were the details gained, in sentences and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compare.instruments.scores.score_card import CLEAR, CardRecord, ClipRecord, mean_card
from compare.instruments.scores.verdict import ChangeRecord, VerdictRecord
from compare.report.blocks import Block, Chart, Section, Table, Text
from compare.report.charts import Dumbbell, dumbbells
from compare.report.sentences import points

#: Noise that nobody sees, of two steps of 255, moves the fit of a picture by so many points or less in 19 of 20 cases;
#: two arms that are no further apart are called nearly the same. Measured by `benchmarks/findings/score_noise.py`.
_SAME_POINTS = 0.7
#: Fits that agree to the tenth of a point that is printed are equal.
_EQUAL_POINTS = 0.05
#: The chart's scale is so many points wide at least, so that a small difference looks small.
_LEAST_SPAN = 20
#: A loss below so many points is slight.
_SLIGHT_POINTS = 5
#: A lead over the rivals of fewer points is nearly none: the picture might as well show one of them.
_LEAST_LEAD = 2


def card_section(
    cards: Mapping[int, CardRecord], clip: ClipRecord | None, t: dict[str, Any], verdict: VerdictRecord | None = None
) -> Section | None:
    """Both pictures against both prompts, by the mean of the seeds and seed by seed; of a single seed the table shows
    all that a chart would. `verdict` knows what is chance, and whether the idea can be judged at all."""
    if not cards:
        return None
    card, mean = t["card"], mean_card(list(cards.values()))
    texts = card_texts(list(cards.values()), t, verdict)
    blocks: list[Block] = [Text(text, "lead") for text in texts[:2]]
    blocks += [Text(text) for text in texts[2:]]
    columns = card["columns"]
    if len(cards) > 1:
        blocks.append(_chart(mean, t))
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
    if mean.expanded_on_simple < mean.simple_on_simple and _judges_idea(verdict):
        blocks.append(Text(card["crowded"], "warning"))
    if clip is not None:
        blocks.append(Text(card["judges"].get(clip.name, card["judge"]).format(name=clip.name)))
    return Section("card", card["title"], (card["about"],), tuple(blocks))


def _chart(mean: CardRecord, t: dict[str, Any]) -> Chart:
    card = t["card"]
    rows = [
        Dumbbell(card["idea"], 100 * mean.simple_on_simple, 100 * mean.expanded_on_simple),
        Dumbbell(card["details"], 100 * mean.simple_on_expanded, 100 * mean.expanded_on_expanded),
    ]
    ends = [end for row in rows for end in (row.simple, row.expanded)]
    room = max(2.0, 0.15 * (max(ends) - min(ends)), (_LEAST_SPAN - max(ends) + min(ends)) / 2)
    svg = dumbbells(rows, t["short_arm"]["simple"], t["short_arm"]["expanded"], (min(ends) - room, max(ends) + room))
    alt = "; ".join(
        card["chart_row"].format(label=row.label, simple=points(row.simple / 100), expanded=points(row.expanded / 100))
        for row in rows
    )
    return Chart("score-card", svg, alt)


def _how_clear(simple: float, expanded: float) -> str:
    """How clear the idea is by its leads over the rivals on the pictures of either arm."""
    if 100 * simple < _LEAST_LEAD:
        return "unseen"
    if 100 * expanded < _LEAST_LEAD:
        return "lost"
    return "clear" if expanded >= CLEAR * simple else "dim"


def card_texts(cards: Sequence[CardRecord], t: dict[str, Any], verdict: VerdictRecord | None = None) -> list[str]:
    """Was the idea kept, were the details gained: by the mean of the seeds, then by how many of them. Of an idea that
    cannot be judged no more is said than that, and its numbers."""
    mean, sentence, judged = mean_card(cards), t["card"], _judges_idea(verdict)
    intent, gain = (None, None) if verdict is None else (verdict.intent, verdict.gain)
    idea, details = (
        (mean.simple_on_simple, mean.expanded_on_simple),
        (mean.simple_on_expanded, mean.expanded_on_expanded),
    )
    said = [
        sentence[f"idea_{_compared(*idea, intent) if judged else 'unjudged'}"].format(**_fits(*idea)),
        sentence[f"details_{_compared(*details, gain)}"].format(**_fits(*details)),
    ]
    if judged and mean.simple_on_rivals is not None and mean.expanded_on_rivals is not None:
        simple = mean.simple_on_simple - mean.simple_on_rivals
        expanded = mean.expanded_on_simple - mean.expanded_on_rivals
        lead = sentence["rivals"].format(simple=_lead(simple, sentence), expanded=_lead(expanded, sentence))
        said.append(t["pause"].join((lead, sentence[f"rivals_{_how_clear(simple, expanded)}"])))
    if len(cards) == 1:
        return [*said, sentence["one_seed" if judged else "one_seed_unjudged"]]
    if judged:
        said.append(_losses(cards, sentence))
    gained = sum(100 * (card.expanded_on_expanded - card.simple_on_expanded) > _EQUAL_POINTS for card in cards)
    return [*said, sentence["details_count"].format(number=gained, seeds=len(cards))]


def _judges_idea(verdict: VerdictRecord | None) -> bool:
    return verdict is None or verdict.unknown is None or not verdict.unknown.core


def _compared(simple: float, expanded: float, change: ChangeRecord | None) -> str:
    """Which arm's pictures fit better: neither, where the difference is within what nobody sees, or, of several seeds,
    may be chance."""
    if abs(100 * (expanded - simple)) < _SAME_POINTS:
        return "same"
    if change is not None and change.low <= 0 <= change.high:
        return "chance"
    return "better" if expanded > simple else "worse"


def _fits(simple: float, expanded: float) -> dict[str, str]:
    return {"simple": points(simple), "expanded": points(expanded)}


def _lead(lead: float, sentence: dict[str, Any]) -> str:
    """How much better or worse the simple prompt fits than its rivals."""
    how = "lead_none" if abs(100 * lead) < _EQUAL_POINTS else "lead_better" if lead > 0 else "lead_worse"
    return str(sentence[how]).format(points=points(abs(lead)))


def _losses(cards: Sequence[CardRecord], sentence: dict[str, Any]) -> str:
    """In how many seeds the expanded picture fits the simple prompt less well."""
    losses = [100 * (card.simple_on_simple - card.expanded_on_simple) for card in cards]
    losses = [loss for loss in losses if loss >= _EQUAL_POINTS]
    many = "idea_none" if not losses else "idea_all" if len(losses) == len(cards) else "idea_some"
    slightly = "_slightly" if losses and sum(losses) < _SLIGHT_POINTS * len(losses) else ""
    return str(sentence[f"{many}{slightly}"]).format(number=len(losses), seeds=len(cards))
