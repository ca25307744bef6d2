"""`twinseed study`: does prompt expansion help?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.terminal.console import counted_progress, say
from commands.terminal.options import (
    AsJson,
    LookOptions,
    OptionError,
    PromptOptions,
    RenderOptions,
    Seed,
    Without,
    bundled,
    pair_options,
    path_of,
)

if TYPE_CHECKING:  # what a command line is made of loads no rooms further down
    from compare.study import Analysis, Outcome, Plan


@bundled
def study(
    file: Annotated[
        Path | None,
        typer.Argument(
            parser=path_of,
            metavar="FILE",
            help="Concepts: one a line, CSV, TSV, JSON Lines or Parquet; left out, some are drawn.",
        ),
    ] = None,
    concepts: Annotated[
        int | None, typer.Option("--concepts", "--limit", metavar="N", help="How many. [default: 30; of a file, all]")
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="S", help="Seeds of each concept, other ones for each.")] = 2,
    arms: Annotated[
        str, typer.Option(metavar="A,B", help="simple, and who expands: offline, gemini, openai:MODEL ...")
    ] = "simple,offline",
    models: Annotated[str, typer.Option(metavar="M,N", help="The models that render.")] = "seedling",
    judges: Annotated[
        str,
        typer.Option(
            metavar="J,K",
            help="Who scores besides --clip: CLIPs, SigLIPs ... by folder or hub id, detector:M, vision:gemini, votes.",
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(parser=path_of, metavar="FOLDER", help="Where all of it goes. [default: study]")
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option("--from", parser=path_of, metavar="FOLDER", help="Analyse this study again; render nothing."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Many workers through Ray: local, auto, or a cluster's address."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many, with --ray. [default: one per GPU or thread]")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="CPU threads of each worker. [default: all; with --ray one]"),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where runs are kept, as in s3://bucket/study. [default: OUT/runs]"),
    ] = None,
    batch: Annotated[
        str,
        typer.Option(metavar="N", help="Seeds that share a batch; auto tries what a GPU is quickest with."),
    ] = "auto",
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed before.")] = False,
    seed: Seed = None,
    as_json: AsJson = False,
    *,
    render: Annotated[RenderOptions, Without(("seed", "images", "model", "drawn", "like", "batch"))],
    prompts: Annotated[PromptOptions, Without(("expander", "llm_model", "simple", "expanded"))],
    look: LookOptions,
) -> None:
    """Does expansion help? Renders many concepts with a simple and with expanded prompts from the same seeds, and says
    what holds. The plan is written first; called again, it goes on where it was stopped."""
    from compare.study import RunStore, carry_out_study, conclude, outcomes_so_far, plan_study, read_plan, runs_of

    if again is not None:
        if file is not None or out is not None:
            raise OptionError("--from was given with a file or --out", hint="a study has its concepts and its folder")
        plan, kept = read_plan(again), RunStore(store or runs_of(again))
        _tell(plan, conclude(plan, again, outcomes_so_far(plan, again, kept), kept), again, as_json)
        return
    if not re.fullmatch(r"auto|[0-9]{1,9}", batch):
        raise OptionError("--batch is {batch!r}", hint="give a whole number, or auto", batch=batch[:40])
    if ray is None and workers is not None:
        raise OptionError(
            "--workers was given without --ray", hint="add --ray local for the processors of this machine"
        )
    folder = out if out is not None else Path("study")
    options = pair_options(None, prompts, render, look, None)
    plan = plan_study(
        folder,
        replace(options, seed=seed, batch=None if batch == "auto" else int(batch)),
        file=file,
        concepts=concepts,
        seeds=seeds,
        arms=arms,
        models=models,
        judges=judges,
    )
    named = ", ".join(arm.name for arm in plan.arms)
    each = "one seed" if plan.seeds == 1 else f"{plan.seeds} seeds"
    say(f"{len(plan.concepts)} concepts, {each} each, simple against {named}: {plan.pairs} pairs")
    for number, why in plan.left_out[:5]:
        say(f"note: line {number} is left out: {why}")
    if (more := len(plan.left_out) + plan.left_out_more - 5) > 0:
        say(f"note: {more} more lines are left out, see {folder / 'study.json'}")
    if (together := plan.request.settings.pairs_per_batch) is not None:
        say(f"{together} seeds share a batch")
    say(f"the plan is in {folder / 'study.json'}")
    address = store or runs_of(folder)
    kept = RunStore(address)
    with ExitStack() as stack:
        crew = None
        if ray is not None:
            from compare.study.crew.cluster import crew_for

            crew = stack.enter_context(crew_for(plan, folder, address, ray, workers, threads or 1))
            say(f"{crew.workers} workers")
        counted = stack.enter_context(counted_progress("units"))
        outcomes = carry_out_study(
            plan,
            folder,
            crew=crew,
            store=kept,
            threads=threads,
            retry=retry,
            on_progress=lambda now: counted(now.done, now.failed, now.total, now.seconds_left),
        )
    _say_what_is_left(plan, outcomes.values(), folder)
    _tell(plan, conclude(plan, folder, outcomes, kept), folder, as_json)


def _say_what_is_left(plan: Plan, outcomes: Iterable[Outcome], folder: Path) -> None:
    """Says which units failed and which wait for a quota."""
    known = list(outcomes)
    failed = [one for one in known if one.status == "failed" and one.complaint is not None]
    for one in failed[:10]:
        text = plan.concepts[one.concept].concept.text
        say(f"failed: {text} ({one.arm}): {one.complaint.message if one.complaint else ''}")
    if len(failed) > 10:
        say(f"failed: {len(failed) - 10} more, see {folder / 'journal.jsonl'}")
    if failed:
        say("hint: the same command with --retry tries them again")
    waiting = sum(one.status == "waiting" for one in known)
    if waiting:
        say(f"{waiting} wait for a server's quota: the same command goes on with them later")


def _tell(plan: Plan, analysis: Analysis, folder: Path, as_json: bool) -> None:
    """Prints the report's path, or the analysis; the sentences go to whoever reads along."""
    from compare.study import report_file, study_sentences

    told = study_sentences(plan, analysis)
    say("\n".join(told))
    if as_json:
        print(json.dumps(analysis.to_json() | {"sentences": told}, ensure_ascii=False))
    else:
        print(folder / report_file("en"))
