"""The concepts that options name: typed, in a file, or drawn."""

from __future__ import annotations

from pathlib import Path

from commands.terminal.options import OptionError
from ideation import Concept, TwinseedError, typed_concept
from ideation.files import read_plain_text

#: The most concepts of a comparison: each is a request to every expander, and some cost money.
MAX_COMPARED = 1000
MAX_CONCEPT_FILE = 1_000_000  # bytes


def concepts_of(text: str | None, file: Path | None, count: int | None, model: str, seed: int) -> list[Concept]:
    """The one that was typed, those in a file, one a line, or so many that are drawn from what the model knows."""
    from generate.models import known_words
    from ideation import draw_many

    if sum(given is not None for given in (text, file, count)) != 1:
        raise OptionError("the concepts were given in more than one way", hint="give a concept, or --file, or -n")
    if text is not None:
        return [typed_concept(text)]
    if count is not None:
        return list(draw_many(known_words(model), seed, 0, count))
    assert file is not None  # noqa: S101 - for the type checker
    hint = f"give a text file in UTF-8 with a concept on each line, {MAX_COMPARED} at most"
    try:
        lines = [line.strip() for line in read_plain_text(file, MAX_CONCEPT_FILE).splitlines()]
    except OSError as error:
        raise OptionError(
            "{file} cannot be read: {reason}", hint="{advice}", file=file, reason=error.strerror, advice=hint
        ) from error
    concepts = []
    for number, line in enumerate(lines, start=1):
        if line:
            try:
                concepts.append(typed_concept(line))
            except TwinseedError as problem:
                raise OptionError(
                    "{file}, line {number}: {problem}",
                    hint="{advice}",
                    file=file,
                    number=number,
                    problem=problem,
                    advice=problem.hint,
                ) from problem
    if not 1 <= len(concepts) <= MAX_COMPARED:
        raise OptionError("{file} holds {count} concepts", hint="{advice}", file=file, count=len(concepts), advice=hint)
    return concepts
