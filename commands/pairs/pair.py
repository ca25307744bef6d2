"""`twinseed pair`: the main job."""

from __future__ import annotations

from commands.pairs.running import carry_out
from commands.terminal.options import (
    LookOptions,
    Observations,
    OptionalConcept,
    OutputOptions,
    PromptOptions,
    RenderOptions,
    bundled,
    pair_options,
    text_in,
)


@bundled
def pair(
    render: RenderOptions,
    prompts: PromptOptions,
    look: LookOptions,
    output: OutputOptions,
    concept: OptionalConcept = None,
    observations: Observations = None,
) -> None:
    """The main job: expand a concept, render both prompts from one seed, compare, write the run."""
    seen = text_in(observations)
    carry_out(pair_options(concept, prompts, render, look, output.language), output, seen)
