"""The expanders: who can write the prompts, who is asked, and what can go wrong then.

No expander is loaded before it is chosen: those that ask an LLM bring its provider's package along, and the local one
torch.
"""

from ideation.expanders.cache import CachedExpander, CacheError, ExpansionCache, cache_folder
from ideation.expanders.catalog import DEFAULT_DEADLINE_S, EXPANDERS, choose_expander, known_expanders
from ideation.expanders.errors import (
    BadRequest,
    DeadlineExceeded,
    ExpanderError,
    MissingKey,
    QuotaExceeded,
    Refusal,
    RefusedKey,
    ServerTrouble,
    Transient,
    TruncatedResponse,
    UnknownExpander,
    UnknownLLMModel,
    Unreachable,
    UnreadableResponse,
    UnusableResponse,
    WrongLanguage,
    shortened,
)
from ideation.expanders.instruction import checked_template, instruction_for
from ideation.expanders.instruction_template import (
    BUILT_IN_TEMPLATES,
    InstructionTemplate,
    InstructionTemplateError,
    find_template,
)
from ideation.expanders.plugin import BrokenPlugin
from ideation.expanders.protocol import DraftedPrompts, DraftRequest, Expander
from ideation.expanders.target import PromptTarget, UnknownTarget, find_target, known_targets, target_of_family

__all__ = [
    "BUILT_IN_TEMPLATES",
    "DEFAULT_DEADLINE_S",
    "EXPANDERS",
    "BadRequest",
    "BrokenPlugin",
    "CacheError",
    "CachedExpander",
    "DeadlineExceeded",
    "DraftRequest",
    "DraftedPrompts",
    "Expander",
    "ExpanderError",
    "ExpansionCache",
    "InstructionTemplate",
    "InstructionTemplateError",
    "MissingKey",
    "PromptTarget",
    "QuotaExceeded",
    "Refusal",
    "RefusedKey",
    "ServerTrouble",
    "Transient",
    "TruncatedResponse",
    "UnknownExpander",
    "UnknownLLMModel",
    "UnknownTarget",
    "Unreachable",
    "UnreadableResponse",
    "UnusableResponse",
    "WrongLanguage",
    "cache_folder",
    "checked_template",
    "choose_expander",
    "find_target",
    "find_template",
    "instruction_for",
    "known_expanders",
    "known_targets",
    "shortened",
    "target_of_family",
]
