"""The concept of a request: typed, drawn, or typed as it was drawn."""

from __future__ import annotations

import re

from compare.request.options import RequestError
from generate.models import known_words
from generate.settings import RenderSettings
from ideation import Clause, Concept, built_in_words, draw, typed_concept
from templates import LANGUAGES


def concept_of(
    text: str | None, simple: str | None, drawn: str | None, settings: RenderSettings
) -> tuple[Concept, list[str]]:
    """The concept as typed; else the simple prompt; else one drawn from what the model knows.

    A typed one that is said to be drawn is drawn again, and has its parts if that gives the same text.
    """
    if text is None and simple is None:
        return draw(known_words(settings.model), seed=settings.seed, index=0), []
    typed = typed_concept(text if text is not None else simple or "")
    if drawn is None:
        # What a drawn run prints, its concept and its seed, asks for the same again.
        return _drawn_again(typed, 0, settings.seed, settings.model) or typed, []
    match = re.fullmatch(r"([0-9]{1,15})@([0-9]{1,19})", drawn.strip())
    if match is None:
        raise RequestError(
            "drawn is {drawn!r}", hint="give INDEX@SEED of the draw, as in --drawn 12@7", drawn=drawn[:40]
        )
    if found := _drawn_again(typed, int(match[1]), int(match[2]), settings.model):
        return found, []
    note = Clause(
        "number {index} of draw {seed} is another concept here: this one is taken as typed",
        index=match[1],
        seed=match[2],
    )
    return typed, [note]


def _drawn_again(typed: Concept, index: int, seed: int, model: str) -> Concept | None:
    """The concept at that place of a draw, if it says the same, in whatever language."""
    for words in (known_words(model), built_in_words()):
        if index < words.size:
            for language in LANGUAGES:
                found = draw(words, seed=seed, index=index, language=language)
                if found.text == typed.text:
                    return found
    return None
