"""`twinseed ladder`: which phrase moved the picture."""

from __future__ import annotations

from dataclasses import replace

from commands.console import say
from commands.options import (
    LookOptions,
    OptionalConcept,
    OutputOptions,
    PromptOptions,
    RenderOptions,
    bundled,
    pair_options,
)
from commands.running import carry_out


@bundled
def ladder(
    render: RenderOptions,
    prompts: PromptOptions,
    look: LookOptions,
    output: OutputOptions,
    concept: OptionalConcept = None,
) -> None:
    """From the simple to the expanded prompt, one phrase at a time, same seed: which phrase moved the picture."""
    look = replace(look, instruments=["ladder", *(look.instruments or ())])
    run = carry_out(pair_options(concept, prompts, render, look, output.language), output)
    found = run.record.findings.ladder if run.record.findings is not None else None
    for number, rung in enumerate(found.rungs if found is not None else ()):
        moved = f"{rung.moved.mean_absolute_difference:6.1%}" if number else "      "
        say(f"{moved}  {rung.phrase or rung.prompt}")
