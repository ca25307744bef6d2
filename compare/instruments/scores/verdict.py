"""The verdict: what the score cards of a run allow one to say, and no more.

Pairs of one run share their prompts and differ in the seed, so a verdict is about these two prompts on this model. It
says nothing of other concepts: for that, see many runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from compare.instruments.distance import DistanceRecord
from compare.instruments.scores.score_card import CLEAR, CardRecord
from compare.instruments.scores.unknown_words import UnknownRecord, named, unknown_text
from compare.report.blocks import Block, Chart, Section, Text
from compare.report.charts import Interval, intervals
from compare.report.sentences import points, signed_points
from ideation import PromptPair
from ideation.files import Count, StrictModel

Kind = Literal[
    "same prompts",
    "no difference",
    "one pair",
    "no clip",
    "helped",
    "traded",
    "intent lost",
    "idea unknown",
    "cannot tell",
]

#: What says something of the idea itself.
_ON_THE_IDEA = frozenset[Kind](("helped", "traded", "intent lost"))

#: With fewer seeds the spread between seeds is a guess, and so would be a verdict; their intervals are still shown.
FEWEST_SEEDS = 4

#: Of a lead over the rivals, less than the first part is a lost intent, less than the second a dimmed one. Measured by
#: `benchmarks/findings/verdict.py`: half of the pictures keep more than 0.7 when details are added, and nothing when
#: the subject is another.
LOST, DIMMED = 1 / 3, CLEAR

#: What is called kept has really lost less than this part of the simple pictures' lead, in its own lead and in its fit
#: with the simple prompt: of the pictures with another subject or action 19 in 20 lose more than half. Measured by
#: the same benchmark; see docs/comparison/numbers.md.
BOUND = 1 / 2

#: The same prompt twice may come out a little differently where a device adds in another order: one step of 255.
_NOISE = 1 / 255

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
    `worst` is `intent` in the seed where it is lowest, `bound` the loss of intent that would be a real one, None
    without rivals. `unknown` is what nobody can judge, whatever the numbers are.
    "helped": the gain is real and the intent is seen to be kept; "traded": the gain is real and the intent has become
    less clear; "intent lost": it can hardly be told from its rivals, or has become less clear for no gain; "idea
    unknown": the gain is real, and the intent is nothing that could be seen to be kept or lost.
    """

    kind: Kind
    seeds: Count
    intent: ChangeRecord | None = None
    gain: ChangeRecord | None = None
    worst: float | None = None
    bound: float | None = None
    unknown: UnknownRecord | None = None

    @property
    def told(self) -> Kind:
        """The kind as readers are told it: the numbers may have any, but of an idea whose subject or action was never
        learnt nobody says that it was kept, or that it was lost."""
        if self.unknown is None or not self.unknown.core or self.kind not in _ON_THE_IDEA:
            return self.kind
        return "idea unknown" if self.gain is not None and self.gain.low > 0 else "cannot tell"


def verdict_of(
    prompts: PromptPair,
    distances: Mapping[int, DistanceRecord],
    cards: Mapping[int, CardRecord],
    unknown: UnknownRecord | None = None,
) -> VerdictRecord:
    """The verdict on a pair that was rendered with the seeds of `distances`; `cards` are empty without a CLIP.

    "same prompts" when both are, for then there is nothing to compare, but for pictures further apart than a device's
    noise; "no difference" when all pictures of the two arms are equal; "no clip" and "one pair" when nothing can be
    known. Otherwise the paired differences of the cosines, expanded minus simple picture of the same seed, have a mean
    and its 95 % t interval, and an effect counts as real when its interval leaves out 0.

    Any added detail lowers the cosine with the simple prompt a little, for CLIP dislikes crowded pictures. So the
    intent is judged by its lead, how much better the simple prompt fits than its rivals on the same picture: "intent
    lost" when the expanded pictures keep really less than a third of the simple ones' lead; when they keep really less
    than two thirds, "traded" with a real gain and "intent lost" without. Without rivals, any real loss counts as one of
    clarity.

    "helped" is a real gain and an intent that is kept. That nobody has seen it lost is not enough: both intervals, of
    its lead and of its fit, must leave out a loss of half of the simple pictures' lead or, without rivals, any loss.
    "idea unknown" stands instead of it where subject or action is `unknown`, or where the simple pictures have no real
    lead either. "cannot tell" is all the rest, and whatever has fewer than four seeds.
    """
    seeds = len(distances)
    most = max((one.mean_absolute_difference for one in distances.values()), default=0.0)
    if prompts.simple == prompts.expanded and most <= _NOISE:
        return VerdictRecord(kind="same prompts", seeds=seeds, unknown=unknown)
    if most == 0:
        return VerdictRecord(kind="no difference", seeds=seeds, unknown=unknown)
    if not cards:
        return VerdictRecord(kind="no clip", seeds=seeds, unknown=unknown)
    if len(cards) == 1:
        return VerdictRecord(kind="one pair", seeds=seeds, unknown=unknown)
    losses = [card.expanded_on_simple - card.simple_on_simple for card in cards.values()]
    intent, leads = change(losses), _leads(list(cards.values()))
    gain = change([card.expanded_on_expanded - card.simple_on_expanded for card in cards.values()])
    bound = BOUND * sum(simple for simple, _ in leads) / len(leads) if leads else None
    kind: Kind = "cannot tell"
    if len(cards) >= FEWEST_SEEDS:
        kind = _kind(intent, gain, leads, bound, known=unknown is None or not unknown.core)
    return VerdictRecord(
        kind=kind,
        seeds=seeds,
        intent=intent,
        gain=gain,
        worst=round(min(losses), 6),
        bound=None if bound is None else round(bound, 6),
        unknown=unknown,
    )


def _kind(
    intent: ChangeRecord,
    gain: ChangeRecord,
    leads: Sequence[tuple[float, float]],
    bound: float | None,
    *,
    known: bool,
) -> Kind:
    """The kind by the rules of `verdict_of`, for seeds enough."""
    gained = gain.low > 0
    # What CLIP does not see in the simple pictures either is not there to be lost.
    seen = bool(leads) and change([simple for simple, _ in leads]).low > 0
    lost = seen and _kept_less(leads, LOST)
    dimmed = _kept_less(leads, DIMMED) if seen else intent.high < 0
    if lost or (dimmed and not gained):
        return "intent lost"
    if not gained:
        return "cannot tell"
    if dimmed:
        return "traded"
    if not known or (leads and not seen):
        return "idea unknown"
    if bound is None:
        return "helped" if intent.low >= 0 else "cannot tell"
    return "helped" if intent.low > -bound and _kept_more(leads, BOUND) else "cannot tell"


def _kept_less(leads: Sequence[tuple[float, float]], part: float) -> bool:
    """Whether the expanded pictures keep really less than `part` of the simple pictures' lead over the rivals."""
    return change([expanded - part * simple for simple, expanded in leads]).high < 0


def _kept_more(leads: Sequence[tuple[float, float]], part: float) -> bool:
    return change([expanded - part * simple for simple, expanded in leads]).low > 0


def _leads(cards: Sequence[CardRecord]) -> list[tuple[float, float]]:
    """How much better the simple prompt fits than its rivals, on either picture of each seed; empty without rivals."""
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
    from scipy import special  # loads in half the time of its statistics

    mean, count = float(np.mean(differences)), len(differences)
    reach = float(special.stdtrit(count - 1, 0.975) * np.std(differences, ddof=1) / np.sqrt(count))
    return ChangeRecord(mean=round(mean, 6), low=round(mean - reach, 6), high=round(mean + reach, 6))


def verdict_section(
    verdict: VerdictRecord,
    distances: Mapping[int, DistanceRecord],
    t: dict[str, Any],
    *,
    fair: bool,
    undrawn: Sequence[str] = (),
) -> Section:
    """What the numbers allow one to say, first of all; with the arguments of `verdict_text`."""
    blocks: list[Block] = [Text(verdict_text(verdict, distances, t, fair=fair, undrawn=undrawn), "lead")]
    if verdict.told == "helped":
        blocks.append(Text(t["verdict"]["helped_means"]))
    judged = verdict.unknown is None or not verdict.unknown.core
    changes = [
        (t["verdict"][name], change)
        for name, change in (("gain", verdict.gain), ("intent", verdict.intent if judged else None))
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
    verdict: VerdictRecord,
    distances: Mapping[int, DistanceRecord],
    t: dict[str, Any],
    *,
    fair: bool,
    undrawn: Sequence[str] = (),
) -> str:
    """The verdict in one to four sentences; `fair` is whether the pair's certificate holds, `undrawn` what was added if
    the model draws nothing of it: then it is not the seeds that are too few. What is unknown of subject or action comes
    first, because everything after it is about the rest alone."""
    said, intent, gain = t["verdict"], verdict.intent, verdict.gain
    changed = [one.mean_absolute_difference for one in distances.values()]
    texts = [
        said["undrawn" if undrawn and _blames_seeds(verdict) else _sentence_key(verdict)].format(
            words=named(undrawn, t),
            seeds=verdict.seeds,
            difference=f"{100 * sum(changed) / max(1, len(changed)):.1f}",
            gain="" if gain is None else signed_points(gain.mean),
            loss="" if intent is None else points(abs(intent.mean)),
            low="" if intent is None else signed_points(intent.low),
            high="" if intent is None else signed_points(intent.high),
            worst="" if verdict.worst is None else signed_points(verdict.worst),
            bound="" if verdict.bound is None else points(verdict.bound),
        )
    ]
    if verdict.unknown is not None:
        texts.insert(0 if verdict.unknown.core else 1, unknown_text(verdict.unknown, t))
    if not fair:
        texts.append(said["not_words"])
    return str(t["pause"]).join(texts)


def _blames_seeds(verdict: VerdictRecord) -> bool:
    """Whether the verdict's sentence says that more seeds may tell."""
    return verdict.kind == "one pair" or (
        verdict.told == "cannot tell"
        and (verdict.gain is None or verdict.gain.low <= 0 or verdict.seeds < FEWEST_SEEDS)
    )


def _sentence_key(verdict: VerdictRecord) -> str:
    """The name of the verdict's sentence. "helped" names its price where the loss of the idea is as real as the gain:
    the lead over the rivals is kept, and still the simple prompt fits less well. "cannot tell" says of what."""
    intent, gain = verdict.intent, verdict.gain
    if intent is None or gain is None:
        return verdict.kind.replace(" ", "_")
    if verdict.told != verdict.kind:
        return verdict.told.replace(" ", "_")
    if verdict.kind == "helped" and intent.high < 0:
        return "helped_small_price" if -intent.mean <= _SMALL_PRICE * gain.mean else "helped_price"
    if verdict.kind == "helped" and verdict.bound is None:
        return "helped_no_rivals"
    if verdict.kind == "idea unknown" and (verdict.unknown is None or not verdict.unknown.core):
        return "idea_unseen"
    if verdict.kind == "cannot tell" and verdict.seeds < FEWEST_SEEDS:
        return "too_few"
    if verdict.kind == "cannot tell" and gain.low > 0:
        if verdict.bound is None:
            return "cannot_tell_no_rivals"
        return "cannot_tell_idea" if intent.low <= -verdict.bound else "cannot_tell_lead"
    return verdict.kind.replace(" ", "_")
