"""The seam between a concept and whoever writes the prompts: one request, one draft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ideation.concept import Concept
from ideation.draw import Vocabulary
from ideation.english import words_of
from ideation.errors import Clause
from ideation.expanders.instruction_template import InstructionTemplate
from ideation.expanders.target import PromptTarget
from ideation.prompt import plain_answer

#: Hears why a server is not asked again at once, and for how many seconds; it may raise, which ends the waiting.
OnWait = Callable[[Clause, float], None]


def wait_in_silence(why: Clause, seconds: float) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class DraftRequest:
    """What an expander is asked for.

    `token_limit` is what the encoder of the rendering model sees, start and end tokens included. `vocabulary` is set
    when the rendering model knows only those words. `complaints` is empty at first; when an answer lost something of
    the concept, the one repair request carries `previous` and names what was lost. `spent_s` are the seconds that
    earlier requests for the same concept took: an expander with a deadline counts them in. `template` is what an LLM
    is told, None the usual instruction; `fit` False lets the expanded prompt be longer than the encoder reads. `target`
    is the family of models to write for, None whatever reads phrases as Stable Diffusion does.
    """

    concept: Concept
    seed: int
    token_limit: int
    vocabulary: Vocabulary | None = None
    previous: DraftedPrompts | None = None
    complaints: tuple[str, ...] = ()
    spent_s: float = 0.0
    template: InstructionTemplate | None = None
    fit: bool = True
    target: PromptTarget | None = None


@dataclass(frozen=True)
class DraftedPrompts:
    """What an expander answers: unchecked yet, but already plain strings without preamble, fences or markup."""

    language: str
    simple: str
    expanded: str
    negative: str = ""
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether words are left of both prompts without what is no text in them, as tags and weights."""
        return all(words_of(plain_answer(prompt).text) for prompt in (self.simple, self.expanded))


class Expander(Protocol):
    """Turns a concept into a draft. Raises `ideation.errors.TwinseedError` when it cannot."""

    @property
    def name(self) -> str: ...

    @property
    def llm_model(self) -> str | None: ...

    def draft(self, request: DraftRequest) -> DraftedPrompts: ...
