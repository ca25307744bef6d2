"""Ideation: words. From word lists to concepts, and from a concept to a simple and an expanded prompt."""

from ideation.chinese.translation import TranslationError
from ideation.concept import Concept, ConceptError, Word, guess_language, typed_concept
from ideation.draw.pattern import PatternError
from ideation.draw.pattern_plan import PatternPlan
from ideation.draw.randomizer import DrawError, draw, draw_many, pinned
from ideation.draw.wildcards import Wildcards, built_in_wildcards, read_wildcards
from ideation.draw.word_lists import WordListError, WordLists, built_in_words, read_words, seedling_words
from ideation.errors import TwinseedError
from ideation.expanders import EXPANDERS, choose_expander
from ideation.expanders.offline.expander import OfflineExpander
from ideation.expanders.protocol import Draft, DraftRequest, Expander
from ideation.expansion import expand, given_pair
from ideation.prompt_pair import PromptPair, TokenCount
from ideation.token_budget import TokenBudget
from ideation.vocabulary import Vocabulary, seedling_vocabulary

__all__ = [
    "EXPANDERS",
    "Concept",
    "ConceptError",
    "Draft",
    "DraftRequest",
    "DrawError",
    "Expander",
    "OfflineExpander",
    "PatternError",
    "PatternPlan",
    "PromptPair",
    "TokenBudget",
    "TokenCount",
    "TranslationError",
    "TwinseedError",
    "Vocabulary",
    "Wildcards",
    "Word",
    "WordListError",
    "WordLists",
    "built_in_wildcards",
    "built_in_words",
    "choose_expander",
    "draw",
    "draw_many",
    "expand",
    "given_pair",
    "guess_language",
    "pinned",
    "read_wildcards",
    "read_words",
    "seedling_vocabulary",
    "seedling_words",
    "typed_concept",
]
