"""Faithfulness: what a concept asks for, and whether both prompts still say it."""

from ideation.faithfulness.kept import Faithfulness, check
from ideation.faithfulness.request_parser import requirements_of
from ideation.faithfulness.requirement import Requirement, Said

__all__ = ["Faithfulness", "Requirement", "Said", "check", "requirements_of"]
