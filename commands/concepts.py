"""The concepts that options name: typed, in a file, or drawn."""

from __future__ import annotations

from pathlib import Path

from commands.options import OptionError
from ideation import Concept, TwinseedError, require_plain_file, typed_concept

#: The most concepts of a comparison: each is a request to every expander, and some cost money.
MAX_COMPARED = 1000


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
        require_plain_file(file)
        if file.stat().st_size > 1_000_000:
            raise OptionError("{file} is too large", hint="{advice}", file=file, advice=hint)
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise OptionError("{file} is not text in UTF-8", hint="{advice}", file=file, advice=hint) from error
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
