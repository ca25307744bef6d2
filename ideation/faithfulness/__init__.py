"""Faithfulness: what a concept asks for, and whether both prompts still say it."""

from ideation.faithfulness.kept import Faithfulness, check
from ideation.faithfulness.request_parser import Thing, requirements_of, things_in
from ideation.faithfulness.requirement import NUMBERS, Requirement, Said

__all__ = ["NUMBERS", "Faithfulness", "Requirement", "Said", "Thing", "check", "requirements_of", "things_in"]
