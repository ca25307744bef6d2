"""Expanders that ask a large language model: Gemini, any server that speaks OpenAI's language, or one on this machine.

A provider's package, and torch for the local one, is loaded by the first question, not by the import.
"""

from ideation.expanders.llm.gemini import DEFAULT_GEMINI_MODEL, GeminiExpander
from ideation.expanders.llm.local import LocalExpander
from ideation.expanders.llm.openai_compatible import DEFAULT_OPENAI_MODEL, OpenAIExpander
from ideation.expanders.llm.response import RESPONSE_SCHEMA, read_response

__all__ = [
    "DEFAULT_GEMINI_MODEL",
    "DEFAULT_OPENAI_MODEL",
    "RESPONSE_SCHEMA",
    "GeminiExpander",
    "LocalExpander",
    "OpenAIExpander",
    "read_response",
]
