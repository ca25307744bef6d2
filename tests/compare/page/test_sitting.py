"""A sitting of the blind test: shuffled pairs and sides, and what the choices say."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import get_args

import pytest

from compare.instruments.scores import CardRecord
from compare.page.screens.blind_test.sitting import Ballot, Choice, Sitting, outcome_of

NOW = datetime(2026, 11, 23, 14, 25, 30, tzinfo=UTC)
PAIRS = [(f"run {number}", number) for number in range(200)]


def card(gain: float) -> CardRecord:
    return CardRecord(
        simple_on_simple=0.25, expanded_on_simple=0.25 + gain, simple_on_expanded=0.2, expanded_on_expanded=0.3
    )


def test_pairs_and_sides_are_shuffled_and_none_comes_twice() -> None:
    sitting = Sitting.of(PAIRS, 100, random.Random(1))
    ballots = sitting.ballots
    assert len({(one.run, one.seed) for one in ballots}) == len(ballots) == 100
    assert [one.run for one in ballots] != [run for run, _ in PAIRS[:100]]
    assert 30 < sum(one.left == "simple" for one in ballots) < 70
    assert all({one.left, one.right} == {"simple", "expanded"} for one in ballots)
    assert len(Sitting.of(PAIRS[:3], 100, random.Random(1)).ballots) == 3


def test_votes_are_counted_by_arm_and_by_side_and_against_clip() -> None:
    choices: list[Choice] = ["left", "right", "tie", "left", "left"]
    ballots = [Ballot(f"run {at}", at, "expanded" if at != 3 else "simple") for at in range(len(choices))]
    sitting = Sitting(tuple(ballots))
    for choice in choices:
        assert sitting.next is not None
        sitting = sitting.with_vote(sitting.next.vote(choice, NOW))
    assert sitting.next is None
    cards = {("run 0", 0): card(0.1), ("run 1", 1): card(0.1), ("run 2", 2): card(0.1), ("run 4", 4): card(0.001)}
    found = outcome_of(sitting, cards)
    assert (found.expanded, found.simple, found.ties, found.left) == (2, 2, 1, 3)
    assert (found.judged, found.agreed) == (2, 1), "a tie, a pair without a score and one too close to call are none"
    assert found.share is not None
    assert found.share.low < 0.5 < found.share.high


@pytest.mark.parametrize("choice", get_args(Choice))
def test_nothing_is_said_of_nothing(choice: Choice) -> None:
    sitting = Sitting((Ballot("run", 1, "simple"),))
    none = outcome_of(sitting, {})
    assert (none.chosen, none.share, none.side) == (0, None, None)
    vote = sitting.ballots[0].vote(choice, NOW)
    assert vote.choice == {"left": "simple", "right": "expanded", "tie": None}[choice]
