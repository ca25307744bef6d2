"""The verdict: what the score cards of a run allow one to say, and no more.

Pairs of one run share their prompts and differ in the seed, so a verdict is about these two prompts on this model. It
says nothing of other concepts: for that, see many runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy import stats

from compare.instruments.results import CardRecord, ChangeRecord, DistanceRecord, VerdictRecord
from ideation.prompt_pair import PromptPair

#: With fewer seeds the spread between seeds is a guess, and so would be a verdict; their intervals are still shown.
FEWEST_SEEDS = 3

#: Of a lead over the rivals, less than the first part is a lost intent, less than the second a dimmed one. Measured by
#: `benchmarks/verdict.py`: half of the pictures keep more than 0.7 when details are added, and nothing when the subject
#: is another.
LOST, DIMMED = 1 / 3, 2 / 3

#: The same prompt twice may come out a little differently where a device adds in another order: one step of 255.
_NOISE = 1 / 255


def verdict_of(
    prompts: PromptPair, distances: Mapping[str, DistanceRecord], cards: Mapping[str, CardRecord]
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
    kind: Literal["cannot tell", "helped", "traded", "intent lost"] = "cannot tell"
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
    """The mean of two or more paired differences and its 95 % interval by Student's t."""
    mean, error = float(np.mean(differences)), float(stats.sem(differences))
    reach = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    return ChangeRecord(mean=round(mean, 6), low=round(mean - reach, 6), high=round(mean + reach, 6))
