"""The classroom: the bundles of a class on one page, with tables, a blind ballot and what all say together."""

from __future__ import annotations

from compare.homework.classroom.ballot import one_each, read_votes
from compare.homework.classroom.content import CLASS_FILE, Class, ClassError, HandedPair, HandIn, SeedPair, read_class
from compare.homework.classroom.hand_ins.hand_in import Check
from compare.homework.classroom.merge import ClassOptions, Merged, bundles_in, count_ballots, merge_class
from compare.homework.classroom.pooled import Pooled, pooled, votes_of

__all__ = [
    "CLASS_FILE",
    "Check",
    "Class",
    "ClassError",
    "ClassOptions",
    "HandIn",
    "HandedPair",
    "Merged",
    "Pooled",
    "SeedPair",
    "bundles_in",
    "count_ballots",
    "merge_class",
    "one_each",
    "pooled",
    "read_class",
    "read_votes",
    "votes_of",
]
