"""Assembly: a concept and its details, put together into an expanded prompt that the encoder can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import templates
from ideation.english.grammar import indefinite_article
from ideation.english.words import encoder_pieces
from ideation.expanders.offline.concept_analysis import ConceptAnalysis
from ideation.expanders.offline.details import Scene, built_in_details

#: A prompt beyond this many words reads like a list, whatever the encoder could still take.
MAX_WORDS = 60

#: Details that say where and when follow the action without a comma; all others follow the style.
_WHERE = ("place", "time", "weather")


@dataclass(frozen=True)
class Detail:
    """Something added to the concept: `kind` is place, medium, light, prop, view, scenery, palette ..."""

    kind: str
    text: str


def count_tokens(prompt: str) -> int:
    """More tokens than CLIP's tokenizer makes of English, start and end included: long words come in pieces."""
    return 2 + sum(1 if len(piece) <= 7 else 2 if len(piece) <= 11 else 3 for piece in encoder_pieces(prompt))


def assemble(analysis: ConceptAnalysis, details: Sequence[Detail]) -> str:
    """The expanded prompt: head, where, tail, and the other details, in the order given."""
    return templates.render(
        "prompts/offline.j2",
        head=analysis.head.rstrip(" .,;:") if details else analysis.head,
        where=[detail.text for detail in details if detail.kind in _WHERE],
        tail=analysis.tail,
        details=[detail.text for detail in details if detail.kind not in _WHERE],
    ).strip()


def fit(
    analysis: ConceptAnalysis, details: Sequence[Detail], token_limit: int, tokens: Callable[[str], int] = count_tokens
) -> tuple[str, list[Detail]]:
    """The prompt with as many of the details, in order, as `token_limit` takes, and those details.

    The concept itself is never cut, even when it alone is too long.
    """
    kept: list[Detail] = []
    prompt = assemble(analysis, kept)
    for detail in details:
        longer = assemble(analysis, [*kept, detail])
        if tokens(longer) <= token_limit and len(longer.split()) <= MAX_WORDS:
            kept.append(detail)
            prompt = longer
    return prompt, kept


def explain(detail: Detail, analysis: ConceptAnalysis, scene: Scene | None) -> str:
    """One sentence that says why the detail is there."""
    tables = built_in_details()
    return templates.render(
        "prompts/offline_reasons.j2",
        kind=detail.kind,
        detail=detail.text,
        topic=f"{indefinite_article(analysis.topic)} {analysis.topic}" if analysis.topic else "the subject",
        action=analysis.action,
        style=analysis.style,
        home=scene.home if scene else "",
        pointed=analysis.pointed,
        night=bool({analysis.topic, analysis.action} & set(tables.nocturnal)),
        because=tables.views[analysis.pace].because,
    ).strip()


def nothing_added(kept: Sequence[Detail], token_limit: int) -> tuple[str, ...]:
    """The warning for a concept that leaves no room."""
    if kept:
        return ()
    return (f"The concept alone fills the {token_limit} tokens that the model reads, so nothing was added to it.",)
