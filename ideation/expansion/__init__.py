"""Expansion: from a concept to a prompt pair, also through several expanders, with a row of figures for each."""

from ideation.expansion.comparison import ExpanderRow, compare_expander, named_expanders
from ideation.expansion.given import GivenPromptError, require_prompt
from ideation.expansion.notes import foreign_words, notes_on, notes_on_language, reads_english_alone
from ideation.expansion.pair import TokenMode, expand, given_pair

__all__ = [
    "ExpanderRow",
    "GivenPromptError",
    "TokenMode",
    "compare_expander",
    "expand",
    "foreign_words",
    "given_pair",
    "named_expanders",
    "notes_on",
    "notes_on_language",
    "reads_english_alone",
    "require_prompt",
]
