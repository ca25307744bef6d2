"""Several expanders side by side, with a row of figures for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ideation.concept import Concept
from ideation.draw import Vocabulary
from ideation.errors import TwinseedError
from ideation.expanders import (
    CachedExpander,
    Expander,
    InstructionTemplate,
    PromptTarget,
    QuotaExceeded,
    Refusal,
    RefusedKey,
    UnknownExpander,
    UnknownLLMModel,
    Unreachable,
    WrongLanguage,
)
from ideation.expansion.pair import TokenMode, expand
from ideation.prompt import EstimatedBudget, PromptPair, TokenBudget


@dataclass(frozen=True)
class ExpanderRow:
    """How one expander did.

    `answered`, `refused` and `failed` add up to `concepts`. `kept` is the share of what the concepts asked for that
    both prompts still say; `english` the share of the answers that were in English; both are from 0 to 1, and None
    where there is nothing to count. `tokens_mean` and `tokens_max` are of the expanded prompts; `over_limit` counts
    those that the encoder does not read to the end. `seconds` is the mean time to an answer; those of `cached`
    concepts, which took none, are left out. `error` is the first error.
    """

    expander: str
    llm_model: str | None
    concepts: int
    answered: int
    kept: float | None
    english: float | None
    tokens_mean: float | None
    tokens_max: int | None
    over_limit: int
    refused: int
    failed: int
    cached: int
    seconds: float | None
    error: str | None


def named_expanders(text: str) -> list[tuple[str, str | None]]:
    """Name and model of each in "offline,gemini,openai:qwen3:8b". Raises `UnknownExpander` on an empty list.

    >>> named_expanders("offline,openai:qwen3:8b")
    [('offline', None), ('openai', 'qwen3:8b')]
    """
    labels = list(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if not labels:
        raise UnknownExpander("no expanders are named", hint="name them as in --compare offline,gemini,openai:MODEL")
    return [(name, model or None) for name, _, model in (label.partition(":") for label in labels)]


def compare_expander(
    name: str,
    llm_model: str | None,
    choose: Callable[[str, str | None], Expander],
    concepts: Sequence[Concept],
    budget: TokenBudget | EstimatedBudget,
    *,
    seed: int = 0,
    vocabulary: Vocabulary | None = None,
    template: InstructionTemplate | None = None,
    tokens: TokenMode = "fit",
    target: PromptTarget | None = None,
) -> ExpanderRow:
    """The row of one expander. A `TwinseedError`, of `choose` too, is counted in it and not raised.

    After an error that the next concept would meet as well (a wrong key, no such model, no server, no quota left), the
    rest counts as failed without being asked. The offline expander is told no template.
    """
    pairs: list[PromptPair] = []
    seconds: list[float] = []
    refused = foreign = cached = 0
    error: str | None = None
    expander: Expander | None = None
    try:
        expander = choose(name, llm_model)
    except TwinseedError as problem:
        error = problem.message
    for concept in concepts if expander else ():
        assert expander is not None  # noqa: S101 - for the type checker
        before, began = _requests(expander), time.monotonic()
        try:
            pair = expand(
                concept,
                expander,
                budget,
                seed=seed,
                vocabulary=vocabulary,
                tokens=tokens,
                target=target,
                template=None if expander.name == "offline" else template,
            )
        except TwinseedError as problem:
            error = error or problem.message
            refused += isinstance(problem, Refusal)
            foreign += isinstance(problem, WrongLanguage)
            hopeless = isinstance(problem, QuotaExceeded) and problem.spent
            if hopeless or isinstance(problem, RefusedKey | UnknownLLMModel | Unreachable):
                break
            continue
        pairs.append(pair)
        if before is not None and _requests(expander) == before:
            cached += 1
        else:
            seconds.append(time.monotonic() - began)
    kept, lost = (sum(len(getattr(pair, part)) for pair in pairs) for part in ("kept", "lost"))
    counts = [pair.tokens.expanded for pair in pairs]
    return ExpanderRow(
        expander=name,
        llm_model=expander.llm_model if expander else llm_model,
        concepts=len(concepts),
        answered=len(pairs),
        kept=kept / (kept + lost) if kept + lost else None,
        english=len(pairs) / (len(pairs) + foreign) if pairs or foreign else None,
        tokens_mean=sum(counts) / len(counts) if counts else None,
        tokens_max=max(counts, default=None),
        over_limit=sum(count > budget.limit for count in counts),
        refused=refused,
        failed=len(concepts) - len(pairs) - refused,
        cached=cached,
        seconds=sum(seconds) / len(seconds) if seconds else None,
        error=error,
    )


def _requests(expander: Expander) -> int | None:
    """How many drafts were really asked for, where that is counted."""
    return expander.asked if isinstance(expander, CachedExpander) else None
