"""`twinseed expand`: a concept to a prompt pair, or several expanders side by side."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.prompts.concepts import concepts_of
from commands.terminal.console import print_table, say, say_note
from commands.terminal.options import (
    AsJson,
    ExpanderName,
    LLMModel,
    ModelName,
    NoCache,
    OptionError,
    Seed,
    Template,
    TokensMode,
    path_of,
)
from ideation import seed_of, typed_concept
from templates import language_for

if TYPE_CHECKING:
    from ideation import Expander, ExpanderRow


def expand(
    context: typer.Context,
    concept: Annotated[
        str | None, typer.Argument(metavar="CONCEPT", help="The concept, in any language.", show_default=False)
    ] = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    template: Template = None,
    tokens: TokensMode = "fit",
    seed: Seed = None,
    model: ModelName = None,
    written_for: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="F",
            help="Write for this family or model, which need not be here: sd15, sdxl, flux, qwen-image ...",
        ),
    ] = None,
    no_cache: NoCache = False,
    clear_cache: Annotated[bool, typer.Option("--clear-cache", help="Forget all cached answers.")] = False,
    compare: Annotated[
        str | None, typer.Option(metavar="E,E", help="Run several expanders, as in offline,gemini,openai:MODEL.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(parser=path_of, metavar="FILE", help="Compare on these concepts, one a line.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("-n", "--count", metavar="N", help="Compare on so many drawn concepts.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", parser=path_of, metavar="FILE", help="Write the comparison there, too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn a concept into a simple and an expanded English prompt; or compare expanders."""
    from ideation import ExpansionCache, cache_folder

    cache = ExpansionCache(cache_folder())
    if clear_cache:
        if concept is not None or compare is not None:
            raise OptionError("--clear-cache does nothing else", hint="clear first, then expand or compare")
        deleted = cache.clear()
        told = f"{deleted} cached {'answer' if deleted == 1 else 'answers'} deleted from {cache.folder}"
        print(json.dumps({"deleted": deleted, "folder": str(cache.folder)}) if as_json else told)
        return
    if compare is None and (file is not None or count is not None or csv is not None):
        raise OptionError("--file, -n and --csv belong to a comparison", hint="add --compare offline,gemini")
    if concept is None and file is None and count is None:
        context.fail("Missing argument 'CONCEPT'.")

    from generate.models import writing_target
    from generate.settings import DEFAULT_MODEL
    from ideation import EstimatedBudget, checked_template, choose_expander
    from ideation import expand as expand_concept
    from ideation.expanders import CachedExpander

    def choose(name: str, llm_model: str | None) -> Expander:
        return choose_expander(name, llm_model=llm_model, environ=os.environ, cache=None if no_cache else cache)

    told_to = checked_template(template) if template is not None else None
    if written_for is not None and model is not None:
        raise OptionError("--for and --model both say whom the prompts are for", hint="leave one of the two away")
    target = writing_target(model, written_for)
    vocabulary, facts, budget = target.vocabulary, target.facts, target.budget(chunked=tokens == "chunk")
    chosen_seed = 0 if seed is None else seed_of(seed)
    if compare is not None:
        from ideation import compare_expander, named_expanders

        if llm_model is not None:
            raise OptionError("--llm-model names one model", hint="name it in the list: --compare openai:MODEL,offline")
        named = named_expanders(compare)
        concepts = concepts_of(concept, file, count, model or DEFAULT_MODEL, chosen_seed)
        rows = []
        for name, its_model in named:
            say(f"{name}{f' ({its_model})' if its_model else ''}: {len(concepts)} to expand ...")
            rows.append(
                compare_expander(
                    name,
                    its_model,
                    choose,
                    concepts,
                    budget,
                    seed=chosen_seed,
                    vocabulary=vocabulary,
                    template=told_to,
                    tokens=tokens,
                    target=facts,
                )
            )
        _print_comparison(rows, csv, as_json)
        return
    typed = typed_concept(concept or "")
    chosen = choose(expander, llm_model)
    say(f"expander: {chosen.name}" + (f" ({chosen.llm_model})" if chosen.llm_model else ""))
    pair = expand_concept(
        typed, chosen, budget, seed=chosen_seed, vocabulary=vocabulary, template=told_to, tokens=tokens, target=facts
    )
    if isinstance(chosen, CachedExpander) and not chosen.asked:
        say("answered before: nothing was asked; --no-cache asks again")
    estimated = isinstance(budget, EstimatedBudget)
    if as_json:
        data = asdict(pair)
        if facts is not None:
            data["target"] = {
                "family": facts.family,
                "name": facts.name,
                "reads": facts.reads,
                "manner": facts.manner,
                "limit": facts.limit,
                "tokens_estimated": estimated,
            }
        print(json.dumps(data, ensure_ascii=False))
        return
    print(f"simple:   {pair.simple}\nexpanded: {pair.expanded}\nnegative: {pair.negative}")
    about = "about " if estimated else ""
    print(f"tokens:   {about}{pair.tokens.simple} and {pair.tokens.expanded} of {pair.tokens.limit}")
    if facts is not None:
        print(f"for:      {facts.name}, which reads {facts.manner} through {facts.reads}")
    for warning in pair.warnings:
        say_note(warning, language_for(pair.language))


def _print_comparison(rows: list[ExpanderRow], csv: Path | None, as_json: bool) -> None:
    values = [asdict(row) for row in rows]
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
    else:
        shares = ("kept", "english")
        print_table(
            [
                {
                    name: f"{value:.0%}"
                    if name in shares and value is not None
                    else f"{value:.1f}"
                    if isinstance(value, float)
                    else value
                    for name, value in row.items()
                }
                for row in values
            ]
        )
    if csv is not None:
        from csv import DictWriter

        try:
            with csv.open("w", encoding="utf-8-sig", newline="") as opened:  # the mark is for spreadsheets
                writer = DictWriter(opened, list(values[0]))
                writer.writeheader()
                writer.writerows(values)
        except OSError as error:
            raise OptionError(
                "{csv} cannot be written: {reason}",
                hint="name a file in a folder that you may write to",
                csv=csv,
                reason=error.strerror,
            ) from error
