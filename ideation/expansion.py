"""Expansion: from a concept to a prompt pair. Ask once, check, repair once; never silently fall back.

Also through several expanders, with a row of figures for each.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ideation.concept import Concept, typed_concept
from ideation.english import plain_words
from ideation.errors import Clause, TwinseedError
from ideation.expanders import (
    CachedExpander,
    DraftedPrompts,
    DraftRequest,
    Expander,
    ExpanderError,
    InstructionTemplate,
    PromptTarget,
    QuotaExceeded,
    Refusal,
    RefusedKey,
    UnknownExpander,
    UnknownLLMModel,
    Unreachable,
    UnusableResponse,
    WrongLanguage,
)
from ideation.faithfulness import Faithfulness, check
from ideation.prompt_pair import PromptPair, TokenCount
from ideation.prompt_syntax import spoken
from ideation.token_budget import EstimatedBudget, TokenBudget
from ideation.vocabulary import Vocabulary

#: The longest prompt that is taken as it is, in characters.
MAX_GIVEN_CHARACTERS = 20_000

#: What becomes of a prompt that is too long for the encoder: the expander is asked to fit it, the encoder reads it in
#: chunks, or it is cut.
TokenMode = Literal["fit", "chunk", "truncate"]


class GivenPromptError(TwinseedError):
    """A prompt that was typed as it is and cannot be one."""


@dataclass(frozen=True)
class _Judged:
    """A draft and what is wrong with it. Fewer faults are better, lost meaning before lost words."""

    draft: DraftedPrompts
    faithfulness: Faithfulness
    tokens: TokenCount
    complaints: tuple[str, ...]

    @property
    def faults(self) -> tuple[int, int, int]:
        return len(self.faithfulness.lost), len(self.tokens.dropped), len(self.complaints)


def expand(
    concept: Concept,
    expander: Expander,
    budget: TokenBudget | EstimatedBudget,
    *,
    seed: int = 0,
    vocabulary: Vocabulary | None = None,
    simple: str | None = None,
    expanded: str | None = None,
    template: InstructionTemplate | None = None,
    tokens: TokenMode = "fit",
    target: PromptTarget | None = None,
) -> PromptPair:
    """Both prompts for a concept.

    `vocabulary` is given when the model that will render knows only those words. `simple` or `expanded` stand as they
    are typed and the expander writes the other; a given simple prompt is what gets expanded. `template` is what an LLM
    is told, None the usual instruction; `target` the family of models that is written for. What is still lost after one
    repair, and what falls off the encoder's end, is in the warnings. Raises what the expander raises.

    `tokenizer_file` being that of a model, without a key and a network:

    >>> from ideation.expanders.offline import OfflineExpander
    >>> budget = TokenBudget(tokenizer_file, vectors={})
    >>> pair = expand(typed_concept("an octopus playing chess"), OfflineExpander(), budget, seed=3)
    >>> pair.simple, pair.kept
    ('an octopus playing chess', ('subject: octopus', 'action: playing chess'))
    """
    for name, prompt in (("simple", simple), ("expanded", expanded)):
        if prompt is not None:
            require_prompt(name, prompt)
    if simple is not None and expanded is not None:
        return given_pair(concept.text, simple, expanded, "", budget)
    asked = concept if simple is None else typed_concept(spoken(simple))
    given = {name: prompt for name, prompt in (("simple", simple), ("expanded", expanded)) if prompt is not None}
    if template is not None and expander.name == "offline":
        raise UnknownExpander(
            "the offline expander is told nothing, so --template {name} means nothing to it",
            hint="leave --template away, or name an expander with an LLM",
            name=template.name,
        )
    request = DraftRequest(asked, seed, budget.limit, vocabulary, template=template, fit=tokens == "fit", target=target)
    best, warnings = _ask(expander, request, budget, given)
    draft = best.draft
    if target is not None:
        draft, more = _for_target(draft, target, budget)
        warnings += more
    return PromptPair(
        source=concept.text,
        language=concept.language if simple is not None else _language(concept, draft),
        simple=draft.simple,
        expanded=draft.expanded,
        negative=draft.negative,
        expander=expander.name,
        llm_model=expander.llm_model,
        kept=best.faithfulness.kept,
        lost=best.faithfulness.lost,
        tokens=best.tokens,
        warnings=(*draft.warnings, *warnings, *_warnings(best.faithfulness, best.tokens, budget)),
    )


def _for_target(
    draft: DraftedPrompts, target: PromptTarget, budget: TokenBudget | EstimatedBudget
) -> tuple[DraftedPrompts, tuple[str, ...]]:
    """The draft without what that family does not read, and what is to be said of it."""
    notes: tuple[str, ...] = ()
    if isinstance(budget, EstimatedBudget):
        notes += (f"The tokens are estimated: the tokenizer of {target.name} ({target.reads}) is not on this machine.",)
    if draft.negative and not target.negative:
        draft = replace(draft, negative="")
        notes += (f"{target.name} reads no negative prompt, so there is none.",)
    return draft, notes


def given_pair(
    concept_text: str, simple: str, expanded: str, negative: str, budget: TokenBudget | EstimatedBudget
) -> PromptPair:
    """A pair of prompts that were both typed as they are. An empty concept text takes the simple prompt's place.

    >>> budget = TokenBudget(tokenizer_file, vectors={})
    >>> given_pair("", "a dog", "a cat on a beach", "", budget).lost
    ('subject: dog',)
    """
    require_prompt("simple", simple)
    require_prompt("expanded", expanded)
    concept = typed_concept(concept_text or spoken(simple))
    faithfulness, tokens = check(concept, spoken(simple), spoken(expanded)), budget.measure(simple, expanded)
    return PromptPair(
        source=concept.text,
        language=concept.language,
        simple=simple,
        expanded=expanded,
        negative=negative,
        expander="given",
        llm_model=None,
        kept=faithfulness.kept,
        lost=faithfulness.lost,
        tokens=tokens,
        warnings=_warnings(faithfulness, tokens, budget),
    )


def _ask(
    expander: Expander, request: DraftRequest, budget: TokenBudget | EstimatedBudget, given: dict[str, str]
) -> tuple[_Judged, tuple[str, ...]]:
    """The better of at most two drafts. A repair that fails costs nothing but a warning."""
    began = time.monotonic()
    first: _Judged | None = None
    complaints: tuple[str, ...]
    try:
        first = _judge(request, expander.draft(request), budget, given)
        complaints = first.complaints
    except UnusableResponse as error:
        unusable, complaints = error, (f"{error.message}.",)
    # The offline expander would only write the same again.
    if first is not None and (not complaints or expander.name == "offline"):
        return first, ()
    repair = replace(
        request,
        previous=first.draft if first else None,
        complaints=complaints,
        spent_s=time.monotonic() - began,
    )
    try:
        second = _judge(request, expander.draft(repair), budget, given)
    except ExpanderError as error:
        if first is None:
            raise unusable if isinstance(error, UnusableResponse) else error from None
        return first, (f"The prompts were to be mended, but the second request failed: {error.message}.",)
    return (second if first is None or second.faults < first.faults else first), ()


def _judge(
    request: DraftRequest, draft: DraftedPrompts, budget: TokenBudget | EstimatedBudget, given: dict[str, str]
) -> _Judged:
    concept = request.concept
    draft = replace(draft, simple=given.get("simple", draft.simple), expanded=given.get("expanded", draft.expanded))
    if not (concept.topic or concept.action or concept.style):
        # Script alone takes French for English; whoever translated it knows better.
        concept = replace(concept, language=_language(concept, draft))
    faithfulness = check(concept, spoken(draft.simple), spoken(draft.expanded))
    tokens = budget.measure(draft.simple, draft.expanded)
    complaints = [f"Not said in both prompts: {name}." for name in faithfulness.lost]
    # What was typed as it is cannot be mended by asking again.
    if tokens.dropped and request.fit and "expanded" not in given:
        complaints.append(
            f"The expanded prompt is too long by {len(tokens.dropped)} words, which the model will not read: "
            f"{' '.join(tokens.dropped)}. Shorten it."
        )
    if plain_words(draft.simple) == plain_words(draft.expanded) and not given:
        complaints.append("The expanded prompt adds nothing to the simple one.")
    return _Judged(draft, faithfulness, tokens, tuple(complaints))


def _language(concept: Concept, draft: DraftedPrompts) -> str:
    """The draft's tag, unless it says less than what is known already ("zh" for "zh-TW")."""
    known, told = concept.language, draft.language
    if concept.topic is not None or told == "und" or known.casefold().split("-")[0] == told.casefold():
        return known
    return told


def _warnings(faithfulness: Faithfulness, tokens: TokenCount, budget: TokenBudget | EstimatedBudget) -> tuple[str, ...]:
    warnings = []
    if faithfulness.lost:
        warnings.append(f"Not said in both prompts any more: {'; '.join(faithfulness.lost)}.")
    if tokens.dropped:
        warnings.append(
            f"The expanded prompt takes {tokens.expanded} tokens and the model reads {tokens.limit}; "
            f"these words fall off its end: {' '.join(tokens.dropped)}."
        )
    if tokens.simple > tokens.limit and not budget.chunked:
        warnings.append(f"The simple prompt takes {tokens.simple} tokens and the model reads {tokens.limit}.")
    return tuple(warnings)


def require_prompt(name: str, prompt: str, *, may_be_empty: bool = False) -> None:
    """Raises `GivenPromptError` for a typed prompt that cannot be one; `name` is its option's. An empty negative
    prompt may be: it says that nothing is to be avoided."""
    hint = Clause("give the whole prompt with --{name}, or leave --{name} out to have it written", name=name)
    if not may_be_empty and not any(character.isalnum() for character in prompt):
        raise GivenPromptError("the {name} prompt is empty", hint="{advice}", name=name, advice=hint)
    if len(prompt) > MAX_GIVEN_CHARACTERS:
        raise GivenPromptError(
            "the {name} prompt has {count:,} characters; {max_given_characters:,} are accepted",
            hint="{advice}",
            name=name,
            count=len(prompt),
            max_given_characters=MAX_GIVEN_CHARACTERS,
            advice=hint,
        )
    control = [f"U+{ord(c):04X}" for c in prompt if unicodedata.category(c) in ("Cc", "Cs") and not c.isspace()]
    if control:
        raise GivenPromptError(
            "the {name} prompt contains control characters: {control}",
            hint="{advice}",
            name=name,
            control=", ".join(control[:5]),
            advice=hint,
        )


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
