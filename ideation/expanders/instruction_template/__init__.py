"""Instruction templates: what an LLM is told, filled in where a stranger's template can do no harm."""

from ideation.expanders.instruction_template.template import (
    BUILT_IN_TEMPLATES,
    MAX_TEMPLATE_CHARACTERS,
    VARIABLES,
    InstructionTemplate,
    InstructionTemplateError,
    find_template,
)

__all__ = [
    "BUILT_IN_TEMPLATES",
    "MAX_TEMPLATE_CHARACTERS",
    "VARIABLES",
    "InstructionTemplate",
    "InstructionTemplateError",
    "find_template",
]
