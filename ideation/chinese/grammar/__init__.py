"""The grammar: how Chinese words make phrases, and what these say in English."""

from ideation.chinese.grammar.table import LIFTS, RULES, WHOLE

__all__ = ["LIFTS", "RULES", "WHOLE"]
