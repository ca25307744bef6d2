"""Ideation: words. From word lists to concepts, and from a concept to a simple and an expanded prompt.

>>> concept = draw(built_in_words(), seed=7, index=0)
>>> prompts = OfflineExpander().draft(DraftRequest(concept, seed=7, token_limit=77))
>>> prompts.simple == concept.text and prompts.expanded.startswith(prompts.simple.split(",")[0])
True
"""

from ideation.chinese import TranslationError
from ideation.concept import Concept, ConceptError, Word, guess_language, typed_concept
from ideation.draw import (
    DrawError,
    PatternError,
    PatternPlan,
    Wildcards,
    WordListError,
    WordLists,
    built_in_wildcards,
    built_in_words,
    draw,
    draw_many,
    pinned,
    read_wildcards,
    read_words,
    seed_of,
    seedling_words,
)
from ideation.errors import Clause, TwinseedError, nearest
from ideation.expanders import (
    EXPANDERS,
    DraftedPrompts,
    DraftRequest,
    Expander,
    ExpanderError,
    ExpansionCache,
    InstructionTemplate,
    cache_folder,
    checked_template,
    choose_expander,
    known_expanders,
)
from ideation.expanders.offline import OfflineExpander
from ideation.expansion import (
    ExpanderRow,
    GivenPromptError,
    TokenMode,
    compare_expander,
    expand,
    given_pair,
    named_expanders,
    require_prompt,
)
from ideation.faithfulness import Faithfulness
from ideation.plain_file import read_plain_file, require_plain_file
from ideation.prompt_pair import PromptPair, TokenCount
from ideation.prompt_syntax import AdapterMention, ParsedPrompt, PromptSyntaxError, marks_in, parse_prompt, spoken
from ideation.token_budget import CLIP_LIMIT, TokenBudget, TokenizerError
from ideation.vocabulary import KINDS, Term, Vocabulary, seedling_vocabulary

__all__ = [
    "CLIP_LIMIT",
    "EXPANDERS",
    "KINDS",
    "AdapterMention",
    "Clause",
    "Concept",
    "ConceptError",
    "DraftRequest",
    "DraftedPrompts",
    "DrawError",
    "Expander",
    "ExpanderError",
    "ExpanderRow",
    "ExpansionCache",
    "Faithfulness",
    "GivenPromptError",
    "InstructionTemplate",
    "OfflineExpander",
    "ParsedPrompt",
    "PatternError",
    "PatternPlan",
    "PromptPair",
    "PromptSyntaxError",
    "Term",
    "TokenBudget",
    "TokenCount",
    "TokenMode",
    "TokenizerError",
    "TranslationError",
    "TwinseedError",
    "Vocabulary",
    "Wildcards",
    "Word",
    "WordListError",
    "WordLists",
    "built_in_wildcards",
    "built_in_words",
    "cache_folder",
    "checked_template",
    "choose_expander",
    "compare_expander",
    "draw",
    "draw_many",
    "expand",
    "given_pair",
    "guess_language",
    "known_expanders",
    "marks_in",
    "named_expanders",
    "nearest",
    "parse_prompt",
    "pinned",
    "read_plain_file",
    "read_wildcards",
    "read_words",
    "require_plain_file",
    "require_prompt",
    "seed_of",
    "seedling_vocabulary",
    "seedling_words",
    "spoken",
    "typed_concept",
]
