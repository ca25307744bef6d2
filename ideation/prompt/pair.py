"""The prompt pair: the simple prompt and the expanded one, and how they came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from ideation.files import STRICT, Count


@dataclass(frozen=True)
class TokenCount:
    """What an encoder with `limit` tokens sees of the two prompts.

    Counts include the start and end tokens, as the limit does. `dropped` holds the words of the expanded prompt that
    fall off the end, in order, `simple_dropped` those of the simple one. `unread` names what the concept asks for that
    one of the prompts says in such words alone.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    limit: Count
    simple: Count
    expanded: Count
    dropped: tuple[str, ...] = ()
    simple_dropped: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def dropped_of(self, arm: Literal["simple", "expanded"]) -> tuple[str, ...]:
        return self.simple_dropped if arm == "simple" else self.dropped


@dataclass(frozen=True)
class PromptPair:
    """Two prompts for one concept, both in plain English.

    `expander` is "offline", "gemini", "openai", "local", or "given" for prompts that were typed as they are;
    `llm_model` names the model behind it. `kept` and `lost` name what the concept asked for and whether both prompts
    still say it; what they say beyond the model's limit is in neither, but in `tokens.unread`.
    Every warning is a sentence for the user; `ideation.told` says it in another language.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    source: str
    language: str
    simple: str
    expanded: str
    negative: str
    expander: str
    llm_model: str | None
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    tokens: TokenCount
    warnings: tuple[str, ...] = ()
