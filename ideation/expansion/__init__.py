"""Expansion: from a concept to a prompt pair, also through several expanders, with a row of figures for each."""

from ideation.expansion.comparison import ExpanderRow, compare_expander, named_expanders
from ideation.expansion.given import GivenPromptError, require_prompt
from ideation.expansion.notes import notes_on
from ideation.expansion.pair import TokenMode, expand, given_pair

__all__ = [
    "ExpanderRow",
    "GivenPromptError",
    "TokenMode",
    "compare_expander",
    "expand",
    "given_pair",
    "named_expanders",
    "notes_on",
    "require_prompt",
]
