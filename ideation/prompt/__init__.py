"""Prompts: what their brackets mean, what is said in them, the pair of them, and what an encoder has room for."""

from ideation.prompt.marks import MarkedText, carry_marks, concept_sentence
from ideation.prompt.pair import PromptPair, TokenCount
from ideation.prompt.phrases import ARTICLES, phrases_of
from ideation.prompt.plain_text import PlainText, as_prompt, concept_as_prompt, plain_answer
from ideation.prompt.syntax import (
    AdapterMention,
    ParsedPrompt,
    PromptSyntaxError,
    Stretch,
    marks_in,
    name_of_embedding,
    parse_prompt,
    self_contained,
    spoken,
)
from ideation.prompt.token_budget import (
    CLIP_LIMIT,
    EstimatedBudget,
    TokenBudget,
    TokenizerError,
    estimated_tokens,
    read_part,
)

__all__ = [
    "ARTICLES",
    "CLIP_LIMIT",
    "AdapterMention",
    "EstimatedBudget",
    "MarkedText",
    "ParsedPrompt",
    "PlainText",
    "PromptPair",
    "PromptSyntaxError",
    "Stretch",
    "TokenBudget",
    "TokenCount",
    "TokenizerError",
    "as_prompt",
    "carry_marks",
    "concept_as_prompt",
    "concept_sentence",
    "estimated_tokens",
    "marks_in",
    "name_of_embedding",
    "parse_prompt",
    "phrases_of",
    "plain_answer",
    "read_part",
    "self_contained",
    "spoken",
]
