"""Faithfulness: what a concept asks for, and whether both prompts still say it."""

from ideation.faithfulness.kept import Faithfulness, check
from ideation.faithfulness.request_parser import Thing, requirements_of, things_in
from ideation.faithfulness.requirement import Requirement, Said

__all__ = ["Faithfulness", "Requirement", "Said", "Thing", "check", "requirements_of", "things_in"]
