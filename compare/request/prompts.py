"""The prompts of a request, and the styles around them. No torch, so that they can be read before a picture is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import templates
from compare.request.request import PairRequest
from generate.choices.presets import Preset, with_preset
from generate.choices.styles import Style, apply_styles
from generate.models import vocabulary_of
from ideation import (
    Clause,
    EstimatedBudget,
    Expander,
    InstructionTemplate,
    PromptPair,
    PromptTarget,
    TokenBudget,
    expand,
    given_pair,
    notes_on,
    notes_on_language,
    self_contained,
)


def written_prompts(
    request: PairRequest,
    budget: TokenBudget | EstimatedBudget,
    expander: Expander | None,
    template: InstructionTemplate | None = None,
    on_expand: Callable[[str], None] = lambda _: None,
    *,
    target: PromptTarget | None = None,
) -> PromptPair:
    """Both prompts, before styles are put on them. `on_expand` hears the name of the expander before it is asked; none
    is needed where both prompts are given. `target` is the model to write for, where that takes other prompts than
    Stable Diffusion. Raises what the expander raises."""
    if expander is None:
        prompts = given_pair(
            request.concept.text,
            request.simple or "",
            request.expanded or "",
            "",
            budget,
            vocabulary_of(request.settings.model),
        )
    else:
        on_expand(expander.name)
        prompts = expand(
            request.concept,
            expander,
            budget,
            seed=request.settings.seed,
            vocabulary=vocabulary_of(request.settings.model),
            simple=request.simple,
            expanded=request.expanded,
            template=template,
            tokens=request.tokens,
            target=target,
        )
    foreign = notes_on_language(prompts.simple, prompts.expanded, target)
    prompts = replace(prompts, warnings=(*foreign, *prompts.warnings))
    if request.negative is None:
        return prompts
    notes = tuple(note for note in notes_on(request.negative) if note not in prompts.warnings)
    return replace(prompts, negative=request.negative, warnings=prompts.warnings + notes)


def enhanced_prompts(prompts: PromptPair, budget: TokenBudget | EstimatedBudget) -> PromptPair:
    """The prompts with words of praise behind the expanded one, counted again, and a note that names them. The simple
    prompt stays as it is: what they do is seen in the comparison."""
    said = prompts.expanded.casefold()
    words = [word for word in templates.render("prompts/enhance.txt.j2").split(", ") if word.casefold() not in said]
    if not words:
        return prompts
    expanded = ", ".join([self_contained(prompts.expanded).rstrip(" ,."), *words])
    tokens = budget.measure(prompts.simple, expanded)
    notes = [Clause("Words of praise were put behind the expanded prompt alone: {words}.", words=", ".join(words))]
    if tokens.dropped and not prompts.tokens.dropped:
        notes.append(
            Clause("With them, these words fall off the encoder's end: {words}.", words=", ".join(tokens.dropped))
        )
    return replace(
        prompts,
        expanded=expanded,
        tokens=replace(tokens, unread=prompts.tokens.unread),
        warnings=(*prompts.warnings, *notes),
    )


def styled_prompts(
    prompts: PromptPair, budget: TokenBudget | EstimatedBudget, styles: tuple[Style, ...], preset: Preset | None
) -> PromptPair:
    """The prompts with the styles around them, counted again."""
    simple, expanded, negative = prompts.simple, prompts.expanded, prompts.negative
    if styles or preset is not None:  # a bracket that is never closed would reach over what they add
        simple, expanded, negative = map(self_contained, (simple, expanded, negative))
    worded = apply_styles(styles, simple, expanded, with_preset(negative, preset))
    tokens = budget.measure(worded.simple, worded.expanded)
    warnings = prompts.warnings
    if tokens.dropped and not prompts.tokens.dropped:
        warnings += (
            Clause("With the style, these words fall off the encoder's end: {words}.", words=", ".join(tokens.dropped)),
        )
    if tokens.simple_dropped and not prompts.tokens.simple_dropped:
        warnings += (
            Clause(
                "With the style, these words of the simple prompt fall off the encoder's end: {words}.",
                words=", ".join(tokens.simple_dropped),
            ),
        )
    return replace(
        prompts,
        simple=worded.simple,
        expanded=worded.expanded,
        negative=worded.negative,
        tokens=replace(tokens, unread=prompts.tokens.unread),
        warnings=warnings,
    )
