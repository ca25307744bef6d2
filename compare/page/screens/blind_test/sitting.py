"""A sitting: pairs in an order that nobody can foresee, sides too, the choices made, and what they say together."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from compare.instruments.scores import CardRecord
from compare.runs import Vote
from compare.statistics import Interval, wilson
from generate.picture import ARMS, Arm

Choice = Literal["left", "tie", "right"]
#: CLIP's scores that are no further apart say nothing.
NO_PREFERENCE = 0.005


@dataclass(frozen=True)
class Ballot:
    """A pair that is shown: the run, the seed, and which arm is on the left."""

    run: str
    seed: int
    left: Arm

    @property
    def right(self) -> Arm:
        return "simple" if self.left == "expanded" else "expanded"

    def vote(self, choice: Choice, cast: datetime) -> Vote:
        """The choice as it is kept with the run."""
        chosen: dict[Choice, Arm | None] = {"left": self.left, "right": self.right, "tie": None}
        return Vote(seed=self.seed, left=self.left, choice=chosen[choice], cast=cast)


@dataclass(frozen=True)
class Sitting:
    """The ballots in their order, and the votes cast so far, on the first of them."""

    ballots: tuple[Ballot, ...]
    votes: tuple[Vote, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, int]], most: int, chance: random.Random) -> Sitting:
        """At most so many of the pairs, each a run and a seed, shuffled; sides are tossed for each."""
        shuffled = list(pairs)
        chance.shuffle(shuffled)
        return cls(tuple(Ballot(run, seed, chance.choice(ARMS)) for run, seed in shuffled[:most]))

    @property
    def next(self) -> Ballot | None:
        """The ballot to be voted on now."""
        return self.ballots[len(self.votes)] if len(self.votes) < len(self.ballots) else None

    def with_vote(self, vote: Vote) -> Sitting:
        return replace(self, votes=(*self.votes, vote))

    @property
    def cast(self) -> tuple[tuple[Ballot, Vote], ...]:
        return tuple(zip(self.ballots, self.votes, strict=False))


@dataclass(frozen=True)
class Outcome:
    """How often each arm was chosen; how often the left side was, of the choices that were no tie; and of those on
    which CLIP has an opinion (`judged`), on how many it had the same."""

    expanded: int
    simple: int
    ties: int
    left: int
    judged: int
    agreed: int

    @property
    def chosen(self) -> int:
        return self.expanded + self.simple

    @property
    def share(self) -> Interval | None:
        """Where the share of the expanded arm, of all choices that were no tie, may truly lie."""
        return wilson(self.expanded, self.chosen) if self.chosen else None

    @property
    def side(self) -> Interval | None:
        """The same of the left side. An interval without one half in it: somebody favours a side."""
        return wilson(self.left, self.chosen) if self.chosen else None


def outcome_of(sitting: Sitting, cards: Mapping[tuple[str, int], CardRecord]) -> Outcome:
    """What the votes say. `cards` has CLIP's scores by run and seed, where there are any."""
    made = [(ballot, vote.choice) for ballot, vote in sitting.cast]
    opinions = [
        (choice, clip_choice(cards[ballot.run, ballot.seed]))
        for ballot, choice in made
        if choice is not None and (ballot.run, ballot.seed) in cards
    ]
    judged = [(choice, opinion) for choice, opinion in opinions if opinion is not None]
    return Outcome(
        expanded=sum(choice == "expanded" for _, choice in made),
        simple=sum(choice == "simple" for _, choice in made),
        ties=sum(choice is None for _, choice in made),
        left=sum(choice == ballot.left for ballot, choice in made),
        judged=len(judged),
        agreed=sum(choice == opinion for choice, opinion in judged),
    )


def clip_choice(card: CardRecord) -> Arm | None:
    """The arm whose picture fits the simple prompt better, which both are to show; None where that cannot be told."""
    gain = card.expanded_on_simple - card.simple_on_simple
    return None if abs(gain) < NO_PREFERENCE else "expanded" if gain > 0 else "simple"
