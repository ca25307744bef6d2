"""`twinseed sweep`: what more steps do, scheduler by scheduler."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated

import typer

from commands.pairs.running import carry_out, say_found
from commands.terminal.options import (
    LookOptions,
    OptionalConcept,
    OptionError,
    OutputOptions,
    PromptOptions,
    RenderOptions,
    Without,
    bundled,
    pair_options,
)


@bundled
def sweep(
    render: Annotated[RenderOptions, Without(("scheduler", "steps"))],
    prompts: PromptOptions,
    look: LookOptions,
    output: OutputOptions,
    concept: OptionalConcept = None,
    schedulers: Annotated[
        str | None, typer.Option(metavar="A,B", help="See: twinseed list schedulers. [default: six of the course's]")
    ] = None,
    steps: Annotated[str | None, typer.Option(metavar="N,N", help="Denoising steps. [default: 5,10,20,30,50]")] = None,
) -> None:
    """Same seed, more steps: what they change in the pictures of each scheduler, as a picture grid and a curve."""
    from generate.schedulers.table import find_scheduler

    options = list(look.set_options or ())
    if schedulers is not None:
        names = [find_scheduler(name.strip()).name for name in schedulers.split(",")]
        options.append(f"sweep.schedulers={json.dumps(names)}")
    if steps is not None:
        options.append(f"sweep.steps={json.dumps(_step_counts(steps))}")
    look = replace(look, instruments=["sweep", *(look.instruments or ())], set_options=options)
    run = carry_out(pair_options(concept, prompts, render, look, output.language), output)
    say_found(run, "sweep")


def _step_counts(given: str) -> list[int]:
    try:
        counts = sorted({int(one) for one in given.split(",")})
    except ValueError:
        counts = []
    if len(counts) < 2 or not all(1 <= one <= 1000 for one in counts):
        raise OptionError(
            "steps is {given!r}",
            hint="give two or more whole numbers from 1 to 1000, as in --steps 5,10,20",
            given=given[:60],
        )
    return counts
