"""`twinseed ladder`: which phrase moved the picture."""

from __future__ import annotations

from dataclasses import replace

from commands.pairs.running import carry_out, say_found
from commands.terminal.options import (
    LookOptions,
    OptionalConcept,
    OutputOptions,
    PromptOptions,
    RenderOptions,
    bundled,
    pair_options,
)


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
    say_found(run, "ladder")
