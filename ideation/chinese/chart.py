"""The chart: the cheapest way to read a row of characters, over all ways to cut it into words and to join them.

A bottom-up chart (Cocke, Younger and Kasami) that keeps the best item of each category for each stretch. Words and
phrases are found together, because which words there are depends on what they would say: 下象棋 is playing chess, and
廟口下 is under a temple entrance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Lookup:
    """A word that was looked up in the dictionary, and the meaning that was taken."""

    chinese: str
    english: str


class Edge(NamedTuple):
    """A word from `start` to `end`: its category, what it means, and how dear it is."""

    start: int
    end: int
    category: str
    meaning: Any
    cost: float
    lookups: tuple[Lookup, ...] = ()


class Rule(NamedTuple):
    """How two neighbours become one of `category`; `join` returns None where they do not."""

    category: str
    cost: float
    join: Callable[[Any, Any], Any]


class Lift(NamedTuple):
    """What can also stand for something of `category`; `turn` returns None where it cannot."""

    category: str
    cost: float
    turn: Callable[[Any], Any]


class Reading(NamedTuple):
    """The pieces that a row of characters falls into, as (category, meaning), what they cost, and the words that were
    looked up. `gaps` are the stretches that no word covers; `loose` counts joints that hold only for want of better,
    and `doubtful` those of them that hold worse than two nouns side by side."""

    pieces: tuple[tuple[str, Any], ...]
    cost: float
    lookups: tuple[Lookup, ...]
    gaps: tuple[tuple[int, int], ...]
    loose: int
    doubtful: int


class _Item(NamedTuple):
    cost: float
    meaning: Any
    lookups: tuple[Lookup, ...]
    loose: int
    doubtful: int


_Cell = dict[str, _Item]

#: Categories of words that say something by themselves.
_CONTENT = frozenset(("n", "np", "a", "v", "v!", "vp"))

#: A joint that costs this much or more is loose.
LOOSE = 0.9
#: One that costs more than this is doubtful.
_DOUBTFUL = 1.0
#: What each piece beyond the first costs, and a character that is in no word.
_BREAK = 2.5
_GAP = 100.0
#: No phrase is longer: the work grows with the cube of it.
_LONGEST = 40


def read(
    length: int,
    edges: Iterable[Edge],
    rules: Mapping[tuple[str, str], Sequence[Rule]],
    lifts: Mapping[str, Sequence[Lift]],
    whole: Mapping[str, float],
) -> Reading:
    """The cheapest reading of `length` characters as pieces of the categories in `whole`, with what each costs more."""
    cells: dict[tuple[int, int], _Cell] = {}
    # Only the places where a word begins or ends matter; `ends[i]` are those that a stretch from i reaches.
    for edge in edges:
        _add(cells.setdefault((edge.start, edge.end), {}), edge.category, _item(edge), lifts)
    for width in range(2, min(length, _LONGEST) + 1):
        for start in range(length - width + 1):
            end = start + width
            cell = cells.get((start, end), {})
            for middle in range(start + 1, end):
                left, right = cells.get((start, middle)), cells.get((middle, end))
                if left and right:
                    _join(left, right, cell, rules, lifts, narrow=width == 2)
            if cell:
                cells[start, end] = cell
    return _cheapest_row(length, cells, whole)


def _item(edge: Edge) -> _Item:
    return _Item(edge.cost, edge.meaning, edge.lookups, 0, 0)


def _join(
    left: _Cell,
    right: _Cell,
    cell: _Cell,
    rules: Mapping[tuple[str, str], Sequence[Rule]],
    lifts: Mapping[str, Sequence[Lift]],
    *,
    narrow: bool,
) -> None:
    for first, one in list(left.items()):
        for second, other in list(right.items()):
            for rule in rules.get((first, second), ()):
                cost = one.cost + other.cost + rule.cost
                known = cell.get(rule.category)
                if known is not None and known.cost <= cost:
                    continue
                meaning = rule.join(one.meaning, other.meaning)
                if meaning is not None:
                    # Two single characters make a word of their own more often than not: 白菜 is no white vegetable.
                    characters = narrow and first in _CONTENT and second in _CONTENT
                    loose = one.loose + other.loose + (characters or rule.cost >= LOOSE)
                    doubtful = one.doubtful + other.doubtful + (characters or rule.cost > _DOUBTFUL)
                    lookups = one.lookups + other.lookups
                    _add(cell, rule.category, _Item(cost, meaning, lookups, loose, doubtful), lifts)


def _add(cell: _Cell, category: str, item: _Item, lifts: Mapping[str, Sequence[Lift]]) -> None:
    known = cell.get(category)
    if known is not None and known.cost <= item.cost:
        return
    cell[category] = item
    for lift in lifts.get(category, ()):
        meaning = lift.turn(item.meaning)
        if meaning is not None:
            loose, doubtful = item.loose + (lift.cost >= LOOSE), item.doubtful + (lift.cost > _DOUBTFUL)
            _add(cell, lift.category, _Item(item.cost + lift.cost, meaning, item.lookups, loose, doubtful), lifts)


def _cheapest_row(length: int, cells: Mapping[tuple[int, int], _Cell], whole: Mapping[str, float]) -> Reading:
    best: list[Reading | None] = [Reading((), -_BREAK, (), (), 0, 0)] + [None] * length
    from_here: dict[int, list[tuple[int, str, _Item]]] = {}
    for (start, end), cell in cells.items():
        for category, item in cell.items():
            if category in whole:
                from_here.setdefault(start, []).append((end, category, item))
    for start in range(length):
        so_far = best[start]
        if so_far is None:
            continue
        for end, category, item in from_here.get(start, ()):
            cost = so_far.cost + _BREAK + item.cost + whole[category]
            known = best[end]
            if known is None or cost < known.cost:
                best[end] = Reading(
                    (*so_far.pieces, (category, item.meaning)),
                    cost,
                    so_far.lookups + item.lookups,
                    so_far.gaps,
                    so_far.loose + item.loose,
                    so_far.doubtful + item.doubtful,
                )
        known = best[start + 1]
        cost = so_far.cost + _GAP
        if known is None or cost < known.cost:
            gaps = so_far.gaps
            gap = (gaps[-1][0], start + 1) if gaps and gaps[-1][1] == start else (start, start + 1)
            gaps = (*(gaps[:-1] if gaps and gaps[-1][1] == start else gaps), gap)
            best[start + 1] = Reading(so_far.pieces, cost, so_far.lookups, gaps, so_far.loose, so_far.doubtful)
    found = best[length]
    assert found is not None  # noqa: S101 - for the type checker: a gap leads everywhere
    return found
