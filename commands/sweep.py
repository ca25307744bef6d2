"""`twinseed sweep`: who settles and who wanders."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.console import say
from commands.jobs import Texts, job_of
from commands.options import (
    AsJson,
    Clip,
    Expanded,
    ExpanderName,
    Guidance,
    LLMModel,
    ModelName,
    Negative,
    OpenReport,
    OptionalConcept,
    OptionError,
    ReportLanguage,
    Runs,
    Seed,
    Simple,
    Size,
    runs_folder,
)
from commands.running import carry_out


def sweep(
    concept: OptionalConcept = None,
    schedulers: Annotated[
        str | None, typer.Option(metavar="A,B", help="See: twinseed list schedulers. [default: six of the course's]")
    ] = None,
    steps: Annotated[str | None, typer.Option(metavar="N,N", help="Denoising steps. [default: 5,10,20,30,50]")] = None,
    seed: Seed = None,
    model: ModelName = None,
    guidance: Guidance = None,
    size: Size = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    simple: Simple = None,
    expanded: Expanded = None,
    negative: Negative = None,
    clip: Clip = "auto",
    runs: Runs = None,
    language: ReportLanguage = None,
    open_report: OpenReport = False,
    as_json: AsJson = False,
) -> None:
    """Same seed, more steps: which schedulers settle and which wander, as a picture grid and a curve."""
    from generate.schedulers.table import find_scheduler

    look: dict[str, object] = {}
    if schedulers is not None:
        look["sweep_schedulers"] = tuple(find_scheduler(name.strip()).name for name in schedulers.split(","))
    if steps is not None:
        look["sweep_steps"] = _step_counts(steps)
    job = job_of(
        Texts(concept, simple, expanded, negative),
        seed=seed,
        model=model,
        guidance=guidance,
        size=size,
        expander=expander,
        llm_model=llm_model,
        language=language,
        instruments=("sweep",),
        clip=clip,
        look=look,
    )
    record = carry_out(job, runs_folder(runs), as_json, open_report)
    found = record.findings.sweep if record.findings is not None else None
    for row in found.rows if found is not None else ():
        moved = "  ".join(
            f"{cell.num_inference_steps}: {cell.moved.mean_absolute_difference:.1%}" for cell in row.cells if cell.moved
        )
        advice = (
            f"{row.recommended_steps} steps are enough"
            if row.recommended_steps and row.settles
            else "does not settle"
            if row.settled is not None and not row.settles
            else "not settled yet"
        )
        say(f"{row.scheduler:<22} {advice:<22} moved at {moved}")


def _step_counts(given: str) -> tuple[int, ...]:
    try:
        counts = tuple(sorted({int(one) for one in given.split(",")}))
    except ValueError:
        counts = ()
    if len(counts) < 2 or not all(1 <= one <= 1000 for one in counts):
        raise OptionError(
            f"steps is {given[:60]!r}", hint="give two or more whole numbers from 1 to 1000, as in --steps 5,10,20"
        )
    return counts
