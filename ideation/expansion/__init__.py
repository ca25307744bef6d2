"""Expansion: from a concept to a prompt pair, also through several expanders, with a row of figures for each."""

from ideation.expansion.comparison import ExpanderRow, compare_expander, named_expanders
from ideation.expansion.given import GivenPromptError, require_prompt
from ideation.expansion.notes import foreign_words, notes_on, notes_on_language, reads_english_alone
from ideation.expansion.pair import TokenMode, expand, given_pair
from ideation.expansion.unlearnt import is_on_unlearnt, notes_on_unlearnt, says_no_more_than_unlearnt

__all__ = [
    "ExpanderRow",
    "GivenPromptError",
    "TokenMode",
    "compare_expander",
    "expand",
    "foreign_words",
    "given_pair",
    "is_on_unlearnt",
    "named_expanders",
    "notes_on",
    "notes_on_language",
    "notes_on_unlearnt",
    "reads_english_alone",
    "require_prompt",
    "says_no_more_than_unlearnt",
]
