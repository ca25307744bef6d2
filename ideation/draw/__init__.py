"""Drawing concepts: word lists, Seedling's vocabulary, the randomizer's order of all combinations, and patterns with
wildcards."""

from ideation.draw.pattern import PatternError, Place
from ideation.draw.pattern_plan import MAX_LISTED, PatternPlan, digits
from ideation.draw.randomizer import DrawError, draw, draw_many, pinned, seed_of
from ideation.draw.vocabulary import (
    KINDS,
    MAX_NAMED,
    Named,
    Term,
    Vocabulary,
    phrases_at,
    phrasings,
    quoted,
    seedling_vocabulary,
)
from ideation.draw.wildcard_files import read_wildcards
from ideation.draw.wildcards import Entry, Wildcards, built_in_wildcards
from ideation.draw.word_lists import (
    WordListError,
    WordLists,
    built_in_words,
    read_words,
    seedling_words,
    unread_files,
)

__all__ = [
    "KINDS",
    "MAX_LISTED",
    "MAX_NAMED",
    "DrawError",
    "Entry",
    "Named",
    "PatternError",
    "PatternPlan",
    "Place",
    "Term",
    "Vocabulary",
    "Wildcards",
    "WordListError",
    "WordLists",
    "built_in_wildcards",
    "built_in_words",
    "digits",
    "draw",
    "draw_many",
    "phrases_at",
    "phrasings",
    "pinned",
    "quoted",
    "read_wildcards",
    "read_words",
    "seed_of",
    "seedling_vocabulary",
    "seedling_words",
    "unread_files",
]
