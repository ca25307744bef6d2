"""`twinseed ideas`: draws concepts, or texts from a pattern."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal.console import say
from commands.terminal.options import AsJson, OptionError, Seed, path_of
from ideation import seed_of
from templates import Language

if TYPE_CHECKING:
    from ideation import WordLists


def ideas(
    count: Annotated[int | None, typer.Option("-n", "--count", metavar="N", help="How many. [default: 10]")] = None,
    seed: Seed = None,
    start: Annotated[int, typer.Option(metavar="K", help="Go on where concept K-1 ended.")] = 0,
    topic: Annotated[str | None, typer.Option(metavar="T", help="Always this topic.")] = None,
    action: Annotated[str | None, typer.Option(metavar="A", help="Always this action.")] = None,
    style: Annotated[str | None, typer.Option(metavar="S", help="Always this style.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Never this topic, action or style; can be repeated.")
    ] = None,
    words: Annotated[
        Path | None,
        typer.Option(
            parser=path_of, metavar="FOLDER", help="Your own topics, actions and styles; or a pattern's wildcards."
        ),
    ] = None,
    written_for: Annotated[
        str | None, typer.Option("--for", metavar="MODEL", help="Only what this model can draw, as in --for seedling.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(metavar="TEXT", help='Draw from this instead: "{a red|2::a blue} cat in __place__".')
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="The pattern's combinations in order, each once.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look for faults in the pattern, and count.")] = False,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Draw concepts: topic x action x style, with no repeats; or texts from a pattern."""
    from ideation import draw_many, pinned

    if pattern is not None:
        if topic is not None or action is not None or style is not None or exclude:
            raise OptionError(
                "--pattern was given with --topic, --action, --style or --exclude", hint="put them into the pattern"
            )
        if written_for is not None:
            raise OptionError(
                "--for was given with --pattern", hint="a pattern is drawn as it is written: leave --for away"
            )
        _ideas_of_pattern(pattern, words, language, count, seed, start, every, check, as_json)
        return
    if every or check:
        raise OptionError("--all and --check belong to a pattern", hint='add one, as in --pattern "{a|b} cat"')
    chosen = seed_of(seed)
    if written_for is not None and words is not None:
        raise OptionError("--for was given with --words", hint="draw from one of them: leave the other away")
    lists = pinned(_words(words, written_for), topic=topic, action=action, style=style, exclude=exclude or ())
    if seed is None and not as_json:
        say(f"seed {chosen}")
    concepts = draw_many(lists, chosen, start, 10 if count is None else count, language)
    if as_json:
        name = attrgetter("zh" if language == "zh-TW" else "en")
        _print_ideas((one.index, name(one.topic), name(one.action), name(one.style), one.text) for one in concepts)
    else:
        sys.stdout.writelines(f"{concept.text}\n" for concept in concepts)


def _ideas_of_pattern(
    pattern: str,
    folder: Path | None,
    language: Language,
    count: int | None,
    seed: str | None,
    start: int,
    every: bool,
    check: bool,
    as_json: bool,
) -> None:
    from ideation import PatternPlan, built_in_wildcards, built_in_words, read_wildcards
    from ideation.draw import digits

    chinese = language == "zh-TW"
    plan = PatternPlan(
        pattern, built_in_wildcards(built_in_words(), chinese=chinese) if folder is None else read_wildcards(folder)
    )
    for note in plan.notes:
        say(f"note: {note}")
    if check:
        print(
            f'{{"combinations": "{digits(plan.count)}"}}' if as_json else f"ok, {digits(plan.count, ',')} combinations"
        )
        return
    if every:
        texts = plan.enumerate(start, count)
    else:
        chosen = seed_of(seed)
        texts = plan.draw(chosen, start, 10 if count is None else count)
        if seed is None and not as_json:
            say(f"seed {chosen}")
    if as_json:
        _print_ideas((index, None, None, None, text) for index, text in enumerate(texts, start))
    else:
        sys.stdout.writelines(f"{text}\n" for text in texts)


def _print_ideas(rows: Iterable[tuple[Any, ...]]) -> None:
    # One encoder for all: `json.dumps` would make a new one for each line, which takes as long as drawing it.
    encode = json.JSONEncoder(ensure_ascii=False).encode
    names = ("index", "topic", "action", "style", "text")
    sys.stdout.writelines(f"{encode(dict(zip(names, row, strict=True)))}\n" for row in rows)


def _words(folder: Path | None, model: str | None) -> WordLists:
    from ideation import built_in_words, read_words
    from ideation.draw import unread_files

    if model is not None:
        from generate.models import find_writing_target

        target = find_writing_target(model)
        if target.vocabulary is None:
            say(f"note: it is not known of any word that {model} cannot draw it, so all of them are drawn from")
        return target.words
    if folder is None:
        return built_in_words()
    lists, others = read_words(folder), unread_files(folder)
    if others:
        names = ", ".join(others[:5]) + ", ..." * (len(others) > 5)
        say(
            f"note: {names}: not read, for concepts are made of topics, actions and styles; --pattern takes other lists"
        )
    return lists
