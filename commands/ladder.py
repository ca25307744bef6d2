"""`twinseed ladder`: which phrase moved the picture."""

from __future__ import annotations

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
    ReportLanguage,
    Runs,
    SchedulerName,
    Seed,
    Simple,
    Size,
    Steps,
    runs_folder,
)
from commands.running import carry_out


def ladder(
    concept: OptionalConcept = None,
    seed: Seed = None,
    model: ModelName = None,
    scheduler: SchedulerName = None,
    steps: Steps = None,
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
    """From the simple to the expanded prompt, one phrase at a time, same seed: which phrase moved the picture."""
    job = job_of(
        Texts(concept, simple, expanded, negative),
        seed=seed,
        model=model,
        scheduler=scheduler,
        steps=steps,
        guidance=guidance,
        size=size,
        expander=expander,
        llm_model=llm_model,
        language=language,
        instruments=("ladder",),
        clip=clip,
    )
    record = carry_out(job, runs_folder(runs), as_json, open_report)
    found = record.findings.ladder if record.findings is not None else None
    for number, rung in enumerate(found.rungs if found is not None else ()):
        moved = f"{rung.moved.mean_absolute_difference:6.1%}" if number else "      "
        say(f"{moved}  {rung.phrase or rung.prompt}")
