"""Which schedulers settle: one prompt and a few seeds on a model, with more and more steps.

python benchmarks/rendering/convergence.py                            # prints the table: eight minutes of one core
python benchmarks/rendering/convergence.py --write docs/rendering/schedulers.md # and puts it between the markers there
python benchmarks/rendering/convergence.py --only "Euler" "Euler a"   # these alone; with --write the other rows stay
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from generate.schedulers.table import SCHEDULERS, SchedulerChoice, build_scheduler, check_steps, find_scheduler
from generate.settings import SettingsError
from ideation import TwinseedError

STEPS = (5, 10, 20, 50, 100)
PROMPT = "a red dog riding a bicycle on a beach at sunset, watercolor style"
#: A scheduler has settled when the last two pictures of a seed are this much closer than those of two seeds.
SETTLED = 1 / 4
BEGIN, END = "<!-- convergence: begin -->", "<!-- convergence: end -->"
HEAD = (
    "| scheduler | evaluations | by our table | "
    + " | ".join(f"{few} → {many}" for few, many in pairwise(STEPS))
    + " | two seeds | measured |"
)


@dataclass(frozen=True)
class Course:
    """How the pictures of a scheduler changed: the mean absolute difference of their pixels, of 1.

    `distances` has one for each neighbouring pair of `STEPS`, None where the scheduler cannot take so many; `seeds` is
    that between the pictures of different seeds, at the most steps.
    """

    choice: SchedulerChoice
    distances: tuple[float | None, ...]
    seeds: float

    @property
    def settled(self) -> bool:
        return [one for one in self.distances if one is not None][-1] < SETTLED * self.seeds

    @property
    def row(self) -> str:
        verdict = "settles" if self.settled else "wanders"
        cells = [
            self.choice.name,
            self.choice.evaluations,
            "settles" if self.choice.converges else "wanders",
            *("–" if one is None else f"{one:.4f}" for one in self.distances),
            f"{self.seeds:.3f}",
            verdict if self.settled == self.choice.converges else f"**{verdict}**",
        ]
        return f"| {' | '.join(cells)} |"


def follow(choice: SchedulerChoice, model: Any, prompt: str, seeds: Sequence[int], guidance: float) -> Course:
    """Renders all seeds in one batch for each of `STEPS`. `model` is a `generate.models.opening.open.OpenModel`."""
    import torch

    pictures: list[np.ndarray[Any, np.dtype[np.float32]]] = []
    for steps in STEPS:
        try:
            check_steps(choice.name, steps, model.scheduler_config)
        except SettingsError:
            break
        model.pipeline.scheduler = build_scheduler(choice.name, model.scheduler_config, seeds)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchsde of its rounding, diffusers' KDPM2 of numpy
            pictures.append(
                model.pipeline(
                    [prompt] * len(seeds),
                    num_inference_steps=steps,
                    guidance_scale=guidance,
                    output_type="np",
                    generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
                ).images
            )
    distances: list[float | None] = [distance(fewer, more) for fewer, more in pairwise(pictures)]
    distances += [None] * (len(STEPS) - 1 - len(distances))
    apart = [distance(one, other) for one, other in combinations(pictures[-1], 2)]
    return Course(choice, tuple(distances), sum(apart) / len(apart))


def distance(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float(np.abs(one - other).mean())


def read_table(document: str) -> dict[str, str]:
    """The rows between the markers, by the scheduler's name. Raises `ValueError` where the markers are missing."""
    between = re.search(f"{re.escape(BEGIN)}\n(.*?){re.escape(END)}", document, re.DOTALL)
    if between is None:
        raise ValueError(f"no {BEGIN} ... {END} in there")
    rows = [line for line in between[1].splitlines() if line.startswith("| ")]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows if row != HEAD}


def write_table(document: str, said: str, rows: dict[str, str]) -> str:
    """The document with the rows between its markers, in the order of our own table, and what `said` how they came."""
    read_table(document)
    body = "\n".join(
        [said, "", HEAD, re.sub(r"[^|]+", "---", HEAD), *(rows[name] for name in SCHEDULERS if name in rows)]
    )
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n{body}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these schedulers [default: all]")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="how many, 2 or more [default: 2]")
    parser.add_argument("--seed", type=int, default=1, help="the first of them [default: 1]")
    parser.add_argument("--model", default="seedling", help="[default: seedling]")
    parser.add_argument("--prompt", default=PROMPT, help=f'[default: "{PROMPT}"]')
    parser.add_argument("--guidance", type=float, default=5.0, help="[default: 5]")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown file with the markers")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds must be 2 or more: how far two seeds are apart is the measure of all distances")
    try:
        chosen = [find_scheduler(name) for name in options.only] if options.only else list(SCHEDULERS.values())
        # Whatever is wrong with the file is found before the minutes of rendering.
        rows = read_table(options.write.read_text(encoding="utf-8")) if options.write else {}
        if not options.only:
            rows = {}
        from generate.models import open_model

        model = open_model(options.model, device="cpu", dtype="float32")
    except TwinseedError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")
    except (OSError, ValueError) as error:
        sys.exit(f"error: {options.write}: {error}")

    model.pipeline.set_progress_bar_config(disable=True)
    seeds = range(options.seed, options.seed + options.seeds)
    said = (
        f'Model `{model.name}` (weights {model.digest[:8]}), "{options.prompt}", guidance {options.guidance:g}, '
        f"seeds {seeds[0]} to {seeds[-1]}."
    )
    started, agree = time.process_time(), 0
    print(HEAD)
    for choice in chosen:
        course = follow(choice, model, options.prompt, seeds, options.guidance)
        agree += course.settled == choice.converges
        print(course.row, flush=True)
        if options.write:  # each row at once, so that an interruption loses none
            rows[choice.name] = course.row
            document = options.write.read_text(encoding="utf-8")
            options.write.write_text(write_table(document, said, rows), encoding="utf-8")
    print(f"{agree} of {len(chosen)} as our table says; {time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
