"""The verdict: what the score cards of a run allow one to say, and no more.

Pairs of one run share their prompts and differ in the seed, so a verdict is about these two prompts on this model. It
says nothing of other concepts: for that, see many runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from compare.findings import CardRecord, ChangeRecord, DistanceRecord, VerdictRecord
from ideation.prompt_pair import PromptPair

#: With fewer seeds the spread between seeds is a guess, and so would be a verdict; their intervals are still shown.
FEWEST_SEEDS = 3

#: The same prompt twice may come out a little differently where a device adds in another order: one step of 255.
_NOISE = 1 / 255


def verdict_of(
    prompts: PromptPair, distances: Mapping[str, DistanceRecord], cards: Mapping[str, CardRecord]
) -> VerdictRecord:
    """The verdict on a pair that was rendered with the seeds of `distances`; `cards` are empty without a CLIP.

    "no difference" when all pictures of the two arms are equal; "no clip" and "one pair" when nothing can be known.
    Otherwise the paired differences of the cosines, expanded minus simple picture of the same seed, have a mean and its
    95 % t interval. An effect counts as real when its interval leaves out 0: "helped" when the gain on the expanded
    prompt is real and no loss on the simple prompt, "intent lost" when that loss alone is, "traded" when both are,
    "cannot tell" when neither is, and always below three seeds.
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
    gained, lost = gain.low > 0, intent.high < 0
    if len(cards) < FEWEST_SEEDS or not (gained or lost):
        return VerdictRecord(kind="cannot tell", seeds=seeds, intent=intent, gain=gain)
    kind = "traded" if gained and lost else "helped" if gained else "intent lost"
    return VerdictRecord(kind=kind, seeds=seeds, intent=intent, gain=gain)


def change(differences: Sequence[float]) -> ChangeRecord:
    """The mean of two or more paired differences and its 95 % interval by Student's t."""
    mean, error = float(np.mean(differences)), float(stats.sem(differences))
    reach = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    return ChangeRecord(mean=round(mean, 6), low=round(mean - reach, 6), high=round(mean + reach, 6))
