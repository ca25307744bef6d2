"""The verdict: what the score cards of a run allow one to say, and no more.

Pairs of one run share their prompts and differ in the seed, so a verdict is about these two prompts on this model. It
says nothing of other concepts: for that, see many runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from compare.instruments.distance import DistanceRecord
from compare.instruments.scores.score_card import CLEAR, CardRecord
from compare.report.blocks import Block, Chart, Section, Text
from compare.report.charts import Interval, intervals
from compare.report.sentences import points
from ideation import PromptPair
from ideation.values import Count, StrictModel

Kind = Literal["no difference", "one pair", "no clip", "helped", "traded", "intent lost", "cannot tell"]

#: With fewer seeds the spread between seeds is a guess, and so would be a verdict; their intervals are still shown.
FEWEST_SEEDS = 3

#: Of a lead over the rivals, less than the first part is a lost intent, less than the second a dimmed one. Measured by
#: `benchmarks/verdict.py`: half of the pictures keep more than 0.7 when details are added, and nothing when the subject
#: is another.
LOST, DIMMED = 1 / 3, CLEAR

#: The same prompt twice may come out a little differently where a device adds in another order: one step of 255.
_NOISE = 1 / 255

#: Fewer seeds than this and a verdict on them comes with a warning.
_FEW_SEEDS = 4
#: A price is small where it is no more than this part of the gain.
_SMALL_PRICE = 1 / 3


class ChangeRecord(StrictModel):
    """The mean over seeds of a paired difference of cosines, expanded minus simple, with its 95 % interval."""

    mean: float
    low: float
    high: float


class VerdictRecord(StrictModel):
    """What the numbers allow one to say, by the rules of `verdict_of`.

    `intent` is how much better the expanded pictures fit the simple prompt (below 0: worse), `gain` how much better
    they fit the expanded one. Both are None without a CLIP or with a single seed, where no interval can be had.
    "helped": the gain is real and the intent is as clear as before; "traded": the gain is real and the intent has
    become less clear; "intent lost": it can hardly be told from its rivals, or has become less clear for no gain.
    """

    kind: Kind
    seeds: Count
    intent: ChangeRecord | None = None
    gain: ChangeRecord | None = None


def verdict_of(
    prompts: PromptPair, distances: Mapping[int, DistanceRecord], cards: Mapping[int, CardRecord]
) -> VerdictRecord:
    """The verdict on a pair that was rendered with the seeds of `distances`; `cards` are empty without a CLIP.

    "no difference" when all pictures of the two arms are equal; "no clip" and "one pair" when nothing can be known.
    Otherwise the paired differences of the cosines, expanded minus simple picture of the same seed, have a mean and its
    95 % t interval, and an effect counts as real when its interval leaves out 0.

    Any added detail lowers the cosine with the simple prompt a little, for CLIP dislikes crowded pictures. So the
    intent is judged by its lead, how much better the simple prompt fits than its rivals on the same picture: "intent
    lost" when the expanded pictures keep really less than a third of the simple ones' lead; when they keep really less
    than two thirds, "traded" with a real gain and "intent lost" without. "helped" is a real gain and, as far as
    the mean tells, a lead that is not lost; "cannot tell" is all the rest, and whatever has fewer than three seeds.
    Without rivals, any real loss counts as one of clarity.
    """
    seeds = len(distances)
    most = max((one.mean_absolute_difference for one in distances.values()), default=0.0)
    if most == 0 or (prompts.simple == prompts.expanded and most <= _NOISE):
        return VerdictRecord(kind="no difference", seeds=seeds)
    if not cards:
        return VerdictRecord(kind="no clip", seeds=seeds)
    if len(cards) == 1:
        return VerdictRecord(kind="one pair", seeds=seeds)
    intent = change([card.expanded_on_simple - card.simple_on_simple for card in cards.values()])
    gain = change([card.expanded_on_expanded - card.simple_on_expanded for card in cards.values()])
    gained = gain.low > 0
    lost, dimmed = _lost(list(cards.values()), LOST), _lost(list(cards.values()), DIMMED)
    if lost is None or dimmed is None:
        lost, dimmed = False, intent.high < 0
    kind: Kind = "cannot tell"
    if len(cards) >= FEWEST_SEEDS:
        if lost or (dimmed and not gained):
            kind = "intent lost"
        elif gained and dimmed:
            kind = "traded"
        elif gained and _keeps(cards.values()):
            kind = "helped"
    return VerdictRecord(kind=kind, seeds=seeds, intent=intent, gain=gain)


def _lost(cards: Sequence[CardRecord], part: float) -> bool | None:
    """Whether the expanded pictures keep really less than `part` of the simple pictures' lead over the rivals.

    None without rivals, and where CLIP does not see the intent in the simple pictures either: what is not there cannot
    be lost.
    """
    leads = _leads(cards)
    if len(leads) < len(cards) or change([simple for simple, _ in leads]).low <= 0:
        return None
    return change([expanded - part * simple for simple, expanded in leads]).high < 0


def _keeps(cards: Collection[CardRecord]) -> bool:
    leads = _leads(cards)
    return len(leads) < len(cards) or sum(expanded - LOST * simple for simple, expanded in leads) > 0


def _leads(cards: Iterable[CardRecord]) -> list[tuple[float, float]]:
    """How much better the simple prompt fits than its rivals, on either picture of each seed."""
    return [
        (card.simple_on_simple - card.simple_on_rivals, card.expanded_on_simple - card.expanded_on_rivals)
        for card in cards
        if card.simple_on_rivals is not None and card.expanded_on_rivals is not None
    ]


def change(differences: Sequence[float]) -> ChangeRecord:
    """The mean of two or more paired differences and its 95 % interval by Student's t.

    >>> change([0.02, 0.03, 0.04])
    ChangeRecord(mean=0.03, low=0.005159, high=0.054841)
    """
    from scipy import stats  # takes a moment to load, and many who read a verdict make none

    mean, error = float(np.mean(differences)), float(stats.sem(differences))
    reach = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    return ChangeRecord(mean=round(mean, 6), low=round(mean - reach, 6), high=round(mean + reach, 6))


def verdict_section(
    verdict: VerdictRecord, distances: Mapping[int, DistanceRecord], t: dict[str, Any], *, fair: bool
) -> Section:
    """What the numbers allow one to say, first of all."""
    blocks: list[Block] = [Text(verdict_text(verdict, distances, t, fair=fair), "lead")]
    if verdict.kind == "helped":
        blocks.append(Text(t["verdict"]["helped_means"]))
    changes = [
        (t["verdict"][name], change)
        for name, change in (("gain", verdict.gain), ("intent", verdict.intent))
        if change is not None
    ]
    if changes:
        rows = [Interval(label, 100 * c.mean, 100 * c.low, 100 * c.high) for label, c in changes]
        alt = "; ".join(
            t["verdict"]["chart_row"].format(label=label, mean=points(c.mean), low=points(c.low), high=points(c.high))
            for label, c in changes
        )
        svg = intervals(rows, t["verdict"]["worse"], t["verdict"]["better"])
        blocks.append(Chart("verdict", svg, alt, t["verdict"]["about"]))
    return Section("verdict", t["verdict"]["title"], (), tuple(blocks))


def verdict_text(
    verdict: VerdictRecord, distances: Mapping[int, DistanceRecord], t: dict[str, Any], *, fair: bool
) -> str:
    """The verdict in one to four sentences; `fair` is whether the pair's certificate holds."""
    said, intent, gain = t["verdict"], verdict.intent, verdict.gain
    changed = [one.mean_absolute_difference for one in distances.values()]
    texts = [
        said[_sentence_key(verdict)].format(
            seeds=verdict.seeds,
            difference=f"{100 * sum(changed) / max(1, len(changed)):.1f}",
            gain="" if gain is None else points(abs(gain.mean)),
            loss="" if intent is None else points(abs(intent.mean)),
        )
    ]
    if 1 < verdict.seeds < _FEW_SEEDS and verdict.kind != "no clip":
        texts.append(said["few_seeds"].format(seeds=verdict.seeds))
    if not fair:
        texts.append(said["not_words"])
    return str(t["pause"]).join(texts)


def _sentence_key(verdict: VerdictRecord) -> str:
    """The name of the verdict's sentence. "helped" names its price where the loss of the idea is as real as the gain:
    the lead over the rivals is kept, and still the simple prompt fits less well."""
    intent, gain = verdict.intent, verdict.gain
    if verdict.kind == "helped" and intent is not None and gain is not None and intent.high < 0:
        return "helped_small_price" if -intent.mean <= _SMALL_PRICE * gain.mean else "helped_price"
    return verdict.kind.replace(" ", "_")
