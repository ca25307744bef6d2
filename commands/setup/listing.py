"""`twinseed list`: what can be named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal.console import file_size, print_table, say
from commands.terminal.options import AsJson, OptionError, path_of
from ideation import TwinseedError


class Kind(StrEnum):
    """What `twinseed list` lists."""

    styles = "styles"
    schedulers = "schedulers"
    presets = "presets"
    performance = "performance"
    sizes = "sizes"
    models = "models"
    families = "families"
    expanders = "expanders"
    instruments = "instruments"
    words = "words"


def list_names(
    kind: Kind,
    words: Annotated[
        Path | None,
        typer.Option(
            parser=path_of,
            metavar="FOLDER",
            help="With words: the lists in here, for patterns, and what is wrong with them.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what can be named: styles, schedulers, presets, models, families, expanders ..."""
    if words is not None and kind is not Kind.words:
        raise OptionError("--words goes with the list of words", hint="as in twinseed list words --words FOLDER")
    rows, problems = (_rows(kind), _problems(kind)) if words is None else _lists_in(words)
    for problem in problems:
        say(f"note: {problem.message}; {problem.hint}")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    elif rows:
        print_table([row | {"size": file_size(row["size"])} for row in rows] if kind is Kind.models else rows)


def _rows(kind: Kind) -> list[dict[str, Any]]:
    if kind is Kind.styles:
        from generate.choices import all_styles

        return [asdict(style) for style in all_styles().values()]
    if kind is Kind.schedulers:
        from generate.schedulers.table import FLOW_SCHEDULERS, SCHEDULERS

        return [
            {
                "name": one.name,
                "class_name": one.class_name,
                "evaluations": one.evaluations,
                "settles": one.converges,
                "steps": "{}-{}".format(*one.recommended_steps) if one.recommended_steps else None,
                "flow_matching": one.name in FLOW_SCHEDULERS,
                "note": one.note,
            }
            for one in (FLOW_SCHEDULERS | SCHEDULERS).values()
        ]
    if kind is Kind.presets:
        from generate.choices import PRESETS

        return [asdict(preset) for preset in PRESETS.values()]
    if kind is Kind.performance:
        from generate.choices import all_performance

        return [
            {
                "name": one.name,
                "zh": one.zh,
                "description": one.description,
                "steps": one.num_inference_steps or f"x {one.steps_factor:g}",
                "scheduler": one.scheduler,
                "source": one.source,
            }
            for one in all_performance().values()
        ]
    if kind is Kind.sizes:
        from generate.choices import all_families

        return [
            {"family": family.name, "ratio": size.ratio, "width": size.width, "height": size.height}
            for family in all_families().values()
            for size in family.sizes
        ]
    if kind is Kind.models:
        from generate.models import embedded_loras, known_models

        return [
            {"name": one.name, "kind": one.kind, "path": str(one.path), "family": one.family, "size": one.size}
            for one in (*known_models(), *embedded_loras())
        ]
    if kind is Kind.families:
        from generate.families import FAMILIES
        from generate.models import usual_settings

        return [
            {
                "name": family.name,
                "title": family.title,
                "pipeline": family.pipeline,
                "arms": "in turn" if family.in_turn else "in one batch",
                "reads": ", ".join(f"{one.name} {one.limit}" for one in family.in_turn.readers)
                if family.in_turn
                else "CLIP 77",
                "negative": family.in_turn is None or family.in_turn.guided_above is not None,
                "scheduler": usual_settings(family).scheduler,
                "steps": usual_settings(family).num_inference_steps,
                "guidance": usual_settings(family).guidance_scale,
                "single_files": family.single_files,
            }
            for family in FAMILIES.values()
        ]
    if kind is Kind.expanders:
        from ideation import known_expanders

        return [{"name": name, "description": description} for name, description in known_expanders().items()]
    if kind is Kind.instruments:
        from compare.instruments import INSTRUMENTS

        return [{"name": one.name, "answers": one.question} for one in INSTRUMENTS.values()]
    from ideation import built_in_words, seedling_vocabulary

    words, learnt = built_in_words(), seedling_vocabulary()
    parts = (("topic", words.topics), ("action", words.actions), ("style", words.styles))
    return [
        {"part": part, "en": word.en, "zh": word.zh, "seedling": not learnt.unknown_words(word.en)}
        for part, entries in parts
        for word in entries
    ]


def _lists_in(folder: Path) -> tuple[list[dict[str, Any]], list[TwinseedError]]:
    """The lists of somebody's own, as wildcards of patterns, and what is wrong with the others."""
    from ideation import read_wildcards

    wildcards = read_wildcards(folder)
    rows = []
    problems: list[TwinseedError] = list(wildcards.problems.values())
    for name in wildcards.names:
        try:
            entries = wildcards.entries(name)
        except TwinseedError as problem:
            problems.append(problem)
        else:
            rows.append(
                {"name": name, "entries": len(entries), "first": entries[0].text, "file": entries[0].place.source}
            )
    return rows, problems


def _problems(kind: Kind) -> Sequence[TwinseedError]:
    """What is wrong with a person's own files of that kind: they are left out, and that is said."""
    if kind is Kind.styles:
        from generate.choices import style_problems

        return style_problems()
    if kind is Kind.presets:
        from generate.choices import preset_problems

        return preset_problems()
    if kind is Kind.performance:
        from generate.choices import performance_problems

        return performance_problems()
    if kind is Kind.sizes:
        from generate.choices import aspect_ratio_problems

        return aspect_ratio_problems()
    return ()
