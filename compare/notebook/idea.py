"""Ideas: concepts that are drawn, as texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from compare.notebook.arguments import checked
from compare.request import RequestError
from generate.models import find_writing_target
from ideation import (
    Concept,
    PatternPlan,
    built_in_wildcards,
    built_in_words,
    draw_many,
    pinned,
    seed_of,
    typed_concept,
)
from templates import Language


class Idea(str):
    """A concept as text, with its `concept`, which knows the parts it was drawn from. `drawn` is its place in the draw,
    as `pair` takes it, where that can be drawn again from it."""

    concept: Concept
    drawn: str | None

    def __new__(cls, concept: Concept, drawn: str | None = None) -> Self:
        self = super().__new__(cls, concept.text)
        self.concept, self.drawn = concept, drawn
        return self


@checked
def ideas(
    n: int = 10,
    *,
    seed: int | str | None = None,
    start: int = 0,
    topic: str | None = None,
    action: str | None = None,
    style: str | None = None,
    exclude: Sequence[str] = (),
    for_: str | None = None,
    pattern: str | None = None,
    language: Language = "en",
) -> list[Idea]:
    """`n` concepts, topic x action x style, none twice; the same ones for the same `seed`.

    `start` goes on where concept `start - 1` ended; `topic`, `action` and `style` are kept the same in all, those in
    `exclude` left out. `for_` is a model: for one of known words, as "seedling", only what it can draw. With a
    `pattern` they are texts drawn from it. Raises `TwinseedError`.

    >>> ideas(1, seed=7, topic="cat", language="zh-TW")
    ['一隻貓在買帽子，默片風格']
    >>> ideas(1, seed=7, for_="seedling")[0].concept.topic.en
    'penguin'
    >>> ideas(2, seed=1, pattern="a {red|blue} cat")
    ['a red cat', 'a red cat']
    """
    chosen = seed_of(seed)
    own = topic is not None or action is not None or style is not None or bool(exclude) or for_ is not None
    if pattern is not None:
        if own:
            raise RequestError(
                "a pattern was given with a topic, an action, a style, a model or what to leave out",
                hint="put them into the pattern",
            )
        plan = PatternPlan(pattern, built_in_wildcards(built_in_words(), chinese=language == "zh-TW"))
        return [Idea(typed_concept(text)) for text in plan.draw(chosen, start, n)]
    words = pinned(
        built_in_words() if for_ is None else find_writing_target(for_).words,
        topic=topic,
        action=action,
        style=style,
        exclude=exclude,
    )
    return [
        Idea(concept, None if own else f"{concept.index}@{concept.seed}")
        for concept in draw_many(words, chosen, start, n, language)
    ]
