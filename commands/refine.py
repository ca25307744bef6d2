"""`twinseed refine`: a run once more, with more steps."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.console import say
from commands.options import AsJson, OpenReport, RunName, Runs, run_of, spoken_language
from commands.running import carry_out
from ideation.concept import typed_concept


def refine(
    run: RunName,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="More than the draft's. [default: twice as many]")
    ] = None,
    runs: Runs = None,
    open_report: OpenReport = False,
    as_json: AsJson = False,
) -> None:
    """Render a run again with more steps, from the same seed, and say how far its pictures moved."""
    from compare.runs.draft import refined_settings
    from compare.session import Job

    gallery, name = run_of(run, runs)
    record = gallery.open_record(name)
    settings = refined_settings(record, steps)
    prompts, concept = record.prompts, record.concept
    job = Job(
        concept=typed_concept(concept.text),
        settings=settings,
        simple=prompts.simple,
        expanded=prompts.expanded,
        negative=prompts.negative,
        language=spoken_language(None, concept.language).value,
        draft=name,
    )
    written = carry_out(job, gallery.root, as_json, open_report)
    if written.draft is not None:
        for seed, drift in written.draft.drift.items():
            say(
                f"seed {seed}: the simple picture moved by {drift.simple:.1%}, the expanded one by {drift.expanded:.1%}"
            )
        if not written.draft.settles:
            say(
                f"note: {settings.scheduler} wanders: more steps made other pictures, not better ones of the draft. "
                "UniPC or DPM++ 2M Karras settle."
            )
