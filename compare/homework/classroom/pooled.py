"""What a whole class says: how often the expanded picture was the better one, for people and for CLIP, and whether the
two agree. The unit is the pair, and pairs of one student or one concept go together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compare.homework.classroom.content import Answer, Class, HandedPair, HandIn, PairId
from compare.homework.classroom.hand_ins.duplicates import same_concept
from compare.statistics import FEWEST_CLUSTERS, Interval, two_way_interval, wilson

#: A fit that differs by no more than half of the hundredths that reports print is no preference of CLIP's.
NO_PREFERENCE = 0.005


@dataclass(frozen=True)
class Part:
    """A share of the pairs, and its 95 % interval by students and concepts; None for too few of either."""

    share: float
    interval: Interval | None


@dataclass(frozen=True)
class Choices:
    """How often the expanded picture won, neither did, and it lost: the mean over `pairs` of each pair's own shares.
    `judgements` are all that were made of them."""

    pairs: int
    students: int
    concepts: int
    judgements: int
    win: Part
    tie: Part
    loss: Part


@dataclass(frozen=True)
class Agreement:
    """In which part of the `pairs` that both people and CLIP have decided they chose the same picture."""

    pairs: int
    same: Part


@dataclass(frozen=True)
class Sides:
    """How many answers chose the picture on the left, of those that chose one, and the Wilson interval of the share.
    Sides are drawn, so that whoever looks at pictures alone comes out near a half."""

    left: int
    chosen: int
    interval: Interval

    @property
    def biased(self) -> bool:
        return not self.interval.holds(0.5)


@dataclass(frozen=True)
class Pooled:
    """All that a class says together; a part is None where nobody has judged. `unjudged` are the pairs that CLIP has
    scored and cannot judge, as words of their idea were never learnt: they count for people alone."""

    clip: Choices | None
    unjudged: int
    people: Choices | None
    agreement: Agreement | None
    sides: Sides | None


@dataclass(frozen=True)
class PairVotes:
    """How people chose between the two pictures of one pair."""

    expanded: int
    tie: int
    simple: int

    @property
    def count(self) -> int:
        return self.expanded + self.tie + self.simple


def pooled(room: Class) -> Pooled:
    """What the pairs on the ballot say together. A pair that was handed in by two students counts once."""
    pairs, votes = room.on_ballot(), votes_of(room)
    clip = {key: _clip_choice(pair) for key, (_, pair) in pairs.items()}
    unjudged = {key for key, choice in clip.items() if choice is not None and pairs[key][1].unlearnt}
    scored = {key: choice for key, choice in clip.items() if choice is not None and key not in unjudged}
    decided = {
        key: (votes[key].expanded > votes[key].simple) == (choice > 0)
        for key, choice in scored.items()
        if choice and key in votes and votes[key].expanded != votes[key].simple
    }
    chosen = [answer for vote in room.votes for answer in vote.answers if answer.choice != "tie"]
    left = sum(answer.choice == "left" for answer in chosen)
    return Pooled(
        _choices({key: (float(c > 0), float(c == 0), float(c < 0)) for key, c in scored.items()}, len(scored), pairs),
        len(unjudged),
        _choices(
            {key: (of.expanded / of.count, of.tie / of.count, of.simple / of.count) for key, of in votes.items()},
            sum(of.count for of in votes.values()),
            pairs,
        ),
        Agreement(len(decided), _part([float(one) for one in decided.values()], [pairs[key] for key in decided]))
        if decided
        else None,
        Sides(left, len(chosen), wilson(left, len(chosen))) if chosen else None,
    )


def votes_of(room: Class) -> dict[PairId, PairVotes]:
    """How people chose, by pair, of those that somebody voted on."""
    pairs = room.on_ballot()
    counts: dict[PairId, Counter[str]] = {}
    for vote in room.votes:
        for answer in vote.answers:
            if answer.pair in pairs:
                counts.setdefault(answer.pair, Counter())[chosen_arm(answer, pairs[answer.pair][1])] += 1
    return {key: PairVotes(of["expanded"], of["tie"], of["simple"]) for key, of in counts.items()}


def chosen_arm(answer: Answer, pair: HandedPair) -> str:
    """ "simple", "expanded" or "tie"."""
    if answer.choice == "tie":
        return "tie"
    left_is_simple = answer.left == pair.seeds[0].simple
    return "simple" if left_is_simple == (answer.choice == "left") else "expanded"


def _clip_choice(pair: HandedPair) -> int | None:
    """Which picture fits the simple prompt better on average over the seeds, by CLIP: 1 the expanded, -1 the simple, 0
    neither; None where it was not asked."""
    scores = [seed.clip for seed in pair.seeds if seed.clip is not None]
    if not scores:
        return None
    mean = sum(scores) / len(scores)
    return 0 if abs(mean) <= NO_PREFERENCE else 1 if mean > 0 else -1


def _choices(
    shares: dict[PairId, tuple[float, float, float]],
    judgements: int,
    pairs: dict[PairId, tuple[HandIn, HandedPair]],
) -> Choices | None:
    if not shares:
        return None
    where = [pairs[key] for key in shares]
    win, tie, loss = (_part(list(values), where) for values in zip(*shares.values(), strict=True))
    students, concepts = _clusters(where)
    return Choices(len(shares), len(set(students)), len(set(concepts)), judgements, win, tie, loss)


def _part(values: Sequence[float], where: Sequence[tuple[HandIn, HandedPair]]) -> Part:
    """The mean of shares, with its interval. Where all are 0 or all are 1, nothing varies, and the interval is that of
    as many throws as there are clusters of the rarer kind."""
    share = float(np.mean(values))
    students, concepts = _clusters(where)
    fewest = min(len(set(students)), len(set(concepts)))
    if fewest < FEWEST_CLUSTERS:
        return Part(share, None)
    if share in (0.0, 1.0):
        return Part(share, wilson(round(share * fewest), fewest))
    found = two_way_interval(values, students, concepts)
    return Part(share, Interval(max(0.0, found.low), min(1.0, found.high)))


def _clusters(where: Sequence[tuple[HandIn, HandedPair]]) -> tuple[list[str], list[str]]:
    return [hand_in.student for hand_in, _ in where], [same_concept(pair.concept) for _, pair in where]
