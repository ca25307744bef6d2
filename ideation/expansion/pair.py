"""Expansion: from a concept to a prompt pair. Ask once, check, repair once; never silently fall back."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Literal

from ideation.chinese import translate
from ideation.concept import Concept, concept_text, typed_concept
from ideation.draw import Vocabulary
from ideation.errors import Clause, TwinseedError
from ideation.expanders import (
    DraftRequest,
    Expander,
    ExpanderError,
    InstructionTemplate,
    PromptTarget,
    UnknownExpander,
    UnusableResponse,
)
from ideation.expansion.given import require_prompt
from ideation.expansion.judgement import Judgement, Plan, faithful, judge, language_of
from ideation.expansion.notes import (
    foreign_words,
    notes_on,
    notes_on_added,
    notes_on_concept,
    notes_on_loss,
    notes_on_target,
    notes_on_weights,
    reads_english_alone,
)
from ideation.expansion.unlearnt import notes_on_unlearnt
from ideation.prompt import EstimatedBudget, PromptPair, TokenBudget, concept_as_prompt, concept_sentence, spoken

#: What becomes of a prompt that is too long for the encoder: the expander is asked to fit it, the encoder reads it in
#: chunks, or it is cut.
TokenMode = Literal["fit", "chunk", "truncate"]

_NOT_COMPARED = Clause(
    "The concept is not in English, so the prompts were compared with each other alone, and not with what it asks for."
)


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
    are typed and the expander writes the other; a given simple prompt is what gets expanded, in
    English where the text encoder reads nothing else. Expanders read and write
    sentences: the marks of the concept or of the given prompt (weights, breaks, adapters) are put on the same words of
    what they write. `template` is what an LLM is told, None the usual instruction; `target` the family of models to
    write for, with notes on what it does not read. What is still lost after one repair, and what falls off the
    encoder's end, is in the warnings. Raises what the expander raises, and `PromptSyntaxError`.

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
        return given_pair(concept.text, simple, expanded, "", budget, vocabulary)
    if simple is not None and foreign_words(simple) and reads_english_alone(target):
        written = expand(
            typed_concept(simple),
            expander,
            budget,
            seed=seed,
            vocabulary=vocabulary,
            template=template,
            tokens=tokens,
            target=target,
        )
        note = Clause("The simple prompt was typed in another language, and put into English: {typed}.", typed=simple)
        return replace(written, source=concept.text, language=concept.language, warnings=(note, *written.warnings))
    given = {name: prompt for name, prompt in (("simple", simple), ("expanded", expanded)) if prompt is not None}
    read = concept_as_prompt(_in_english(concept))
    plan = Plan.of(simple or expanded or read.text, given, by_llm=expander.name != "offline")
    asked = typed_concept(plan.marked.sentence)
    if simple is None:
        asked = _without_marks(concept)
    if template is not None and expander.name == "offline":
        raise UnknownExpander(
            "the offline expander is told nothing, so --template {name} means nothing to it",
            hint="leave --template away, or name an expander with an LLM",
            name=template.name,
        )
    request = DraftRequest(asked, seed, budget.limit, vocabulary, template=template, fit=tokens == "fit", target=target)
    best, warnings = _ask(expander, request, budget, plan)
    notes = notes_on(plan.source) if given else notes_on(read.text)
    if simple is None:
        notes = (*notes_on_concept(read, unmarked=expanded is not None), *notes)
    return PromptPair(
        source=concept.text,
        language=concept.language if simple is not None else language_of(concept, best.draft),
        simple=best.simple,
        expanded=best.expanded,
        negative=best.negative if target is None or target.negative else "",
        expander=expander.name,
        llm_model=expander.llm_model,
        kept=best.faithfulness.kept,
        lost=best.faithfulness.lost,
        tokens=best.tokens,
        warnings=(
            *notes,
            *best.draft.warnings,
            *best.notes,
            *warnings,
            *notes_on_unlearnt(best.simple, best.expanded, vocabulary),
            *notes_on_added(best.simple, best.expanded, vocabulary),
            *(notes_on_target(target, best.negative, budget) if target is not None else ()),
            *notes_on_loss(best.faithfulness, best.tokens, budget),
        ),
    )


def given_pair(
    concept_text: str,
    simple: str,
    expanded: str,
    negative: str,
    budget: TokenBudget | EstimatedBudget,
    vocabulary: Vocabulary | None = None,
) -> PromptPair:
    """A pair of prompts that were both typed as they are. An empty concept text takes the simple prompt's place.
    `vocabulary` is as in `expand`. A concept in Chinese is looked for in them by its translation, where that is sure.

    >>> budget = TokenBudget(tokenizer_file, vectors={})
    >>> given_pair("", "a dog", "a cat on a beach", "", budget).lost
    ('subject: dog',)
    >>> given_pair("一隻貓在沙灘上", "a dog", "a dog on a beach", "", budget).lost
    ('subject: cat', 'detail: beach')
    """
    require_prompt("simple", simple)
    require_prompt("expanded", expanded)
    concept = typed_concept(concept_text or spoken(simple))
    tokens = budget.measure(simple, expanded)
    readable = concept if concept.language == "en" else _sure_translation(concept, simple, expanded)
    faithfulness, tokens = faithful(readable or concept, spoken(simple), spoken(expanded), tokens)
    notes = dict.fromkeys((*notes_on(simple), *notes_on(expanded), *notes_on_weights(simple, expanded)))
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
        warnings=(
            *notes,
            *notes_on_unlearnt(simple, expanded, vocabulary),
            *(() if readable or concept.text == spoken(simple) else (_NOT_COMPARED,)),
            *notes_on_added(simple, expanded, vocabulary),
            *notes_on_loss(faithfulness, tokens, budget),
        ),
    )


def _sure_translation(concept: Concept, *prompts: str) -> Concept | None:
    """The concept in English, for prompts in English; None where nobody can be sure of what it asks for."""
    if concept.language.startswith("zh") and not any(map(foreign_words, prompts)):
        with contextlib.suppress(TwinseedError):
            translation = translate(concept_sentence(concept.text))
            return None if translation.unsure else typed_concept(translation.english)
    return None


def _in_english(concept: Concept) -> str:
    """The concept's text, of a drawn one in English: there the word lists may have marks."""
    if concept.topic and concept.action and concept.style:
        return concept_text(concept.topic, concept.action, concept.style, "en")
    return concept.text


def _without_marks(concept: Concept) -> Concept:
    """The concept as a sentence, its parts too."""
    words = {name: getattr(concept, name) for name in ("topic", "action", "style")}
    spoken_words = {
        name: word and replace(word, en=concept_sentence(word.en), zh=concept_sentence(word.zh))
        for name, word in words.items()
    }
    return replace(concept, text=typed_concept(concept_sentence(concept.text)).text, **spoken_words)


def _ask(
    expander: Expander, request: DraftRequest, budget: TokenBudget | EstimatedBudget, plan: Plan
) -> tuple[Judgement, tuple[Clause, ...]]:
    """The better of at most two drafts. A repair that fails costs nothing but a warning."""
    began = time.monotonic()
    first: Judgement | None = None
    complaints: tuple[str, ...]
    try:
        first = judge(request, expander.draft(request), budget, plan)
        complaints = first.complaints
    except UnusableResponse as error:
        unusable, complaints = error, (f"{error.message}.",)
    # The offline expander would only write the same again.
    if first is not None and not (complaints and plan.by_llm):
        return first, ()
    repair = replace(
        request,
        previous=first.draft if first else None,
        complaints=complaints,
        spent_s=time.monotonic() - began,
    )
    try:
        second = judge(request, expander.draft(repair), budget, plan)
    except ExpanderError as error:
        if first is None:
            raise unusable if isinstance(error, UnusableResponse) else error from None
        return first, (
            Clause(
                "The prompts were to be mended, but the second request failed: {message}.",
                message=error.message,
            ),
        )
    return (second if first is None or second.faults < first.faults else first), ()
