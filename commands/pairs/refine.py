"""`twinseed refine`: a run once more, with more steps."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.pairs.running import tell, watched
from commands.terminal.console import say
from commands.terminal.options import OutputOptions, RunName, bundled, run_of, spoken_language


@bundled
def refine(
    run: RunName,
    output: OutputOptions,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="More than the draft's. [default: twice as many]")
    ] = None,
) -> None:
    """Render a run again with more steps, from the same seed, and say how far its pictures moved."""
    gallery, name = run_of(run, output.runs)

    from compare.report import sentences
    from compare.session import Session

    session = Session(gallery)
    refined = tell(watched(lambda **how: session.refine(name, steps, language=output.language, **how)), output)
    draft = refined.record.draft
    if draft is not None:
        for seed, drift in draft.drift.items():
            moved = f"the simple picture moved by {drift['simple']:.1%}, the expanded one by {drift['expanded']:.1%}"
            say(f"seed {seed}: {moved}")
        if not draft.settles:
            language = spoken_language(output.language, refined.record.concept.language)
            wanders = sentences(language)["shell"]["wanders"]
            say(f"note: {wanders.format(scheduler=refined.record.settings.scheduler)}")
