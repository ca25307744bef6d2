"""The sweep: one seed, several schedulers, more and more steps. Who settles, who wanders, and how many are enough?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np
from PIL import Image

from compare.instruments.context import Bench, mean_distance
from compare.instruments.results import SweepCellRecord, SweepRecord, SweepRowRecord
from generate.render.batch import Step
from generate.render.pair import resolve_settings
from generate.render.series import Frame
from generate.schedulers.table import SchedulerChoice, build_scheduler, find_scheduler
from generate.settings import RenderSettings, SettingsError

T = TypeVar("T")

#: The schedulers of the course's chapter on convergence.
DEFAULT_SCHEDULERS = ("DPM++ 2M Karras", "UniPC", "Euler", "Euler a", "DDIM", "DPM++ SDE Karras")
DEFAULT_STEPS = (5, 10, 20, 30, 50)

#: A pixel has moved visibly if a channel of it has by more than this, of 255. Rounding moves a channel by 1, and a
#: scheduler that nears its limit shifts whole areas by 1 to 4, which nobody sees. A mean over all pixels would take
#: such a shift for as much as a small thing that moved: on Seedling it does not tell DDIM from DPM++ SDE Karras.
_VISIBLE = 8
#: Two pictures are the same picture if no more of their pixels than this have moved visibly. From 30 to 50 steps, the
#: settlers on Seedling reach 0.0025, and the wanderers begin at 0.021.
_STILL = 0.01
#: Between 50 and 51 steps everybody stands still: the last two step counts must be this far apart to say something.
_APART = 1.5


@dataclass(frozen=True)
class _Cell:
    """What is to be rendered, and what came of it."""

    settings: RenderSettings
    simple: Image.Image
    expanded: Image.Image
    seconds: float
    unet_evaluations: int


def sweep(
    bench: Bench, schedulers: Sequence[str] = DEFAULT_SCHEDULERS, steps: Sequence[int] = DEFAULT_STEPS
) -> SweepRecord:
    """Draws both prompts under the pair's first seed with every scheduler and number of steps.

    A scheduler has settled if in neither picture more than one pixel in 100 moves visibly (by more than 8 of 255)
    between the last two step counts; with fewer than three counts, or where the last is less than half as many again as
    the one before, `settled` is None. `recommended_steps` are the fewest from which on no further count moves more. All
    names and numbers are checked before the first picture is drawn: raises `SettingsError`, and what rendering raises.
    """
    seed = bench.seeds[0]
    choices = list(dict.fromkeys(find_scheduler(name).name for name in schedulers))
    counts = sorted(set(steps))
    if not choices or not counts:
        raise SettingsError("nothing is to be swept", hint="name a scheduler and a number of steps, 5 and 50 or so")
    rows = {name: [_settings(bench, name, count, seed) for count in counts] for name in choices}
    for name in choices:
        build_scheduler(name, bench.model.scheduler_config, [seed])
    cells, done = len(choices) * len(counts), 0
    records = []
    for name, row in rows.items():
        made = []
        for settings in row:
            done += 1
            made.append(_render(bench, settings, seed, done, cells))
        records.append(_row(bench, find_scheduler(name), made, seed))
    return SweepRecord(seed=seed, rows=tuple(records))


def _settings(bench: Bench, scheduler: str, steps: int, seed: int) -> RenderSettings:
    settings = replace(bench.settings, scheduler=scheduler, num_inference_steps=steps, seed=seed, images=1)
    return resolve_settings(settings, bench.model)


def _render(bench: Bench, settings: RenderSettings, seed: int, number: int, cells: int) -> _Cell:
    """Both pictures; whoever listens hears of cell `number` of `cells` in the pair's place."""
    listener = bench.on_step

    def on_step(step: Step) -> None:
        if listener is not None:
            listener(replace(step, pair=number, pairs=cells))

    frames = [Frame(bench.prompts.simple, seed), Frame(bench.prompts.expanded, seed)]
    simple, expanded = replace(bench, on_step=on_step).render(frames, settings)
    return _Cell(settings, simple.image, expanded.image, simple.seconds + expanded.seconds, simple.unet_evaluations)


def _row(bench: Bench, choice: SchedulerChoice, cells: Sequence[_Cell], seed: int) -> SweepRowRecord:
    records = []
    for number, cell in enumerate(cells):
        before = cells[number - 1] if number else None
        steps = cell.settings.num_inference_steps
        # The files say what made them, which is not what made the pair.
        keep = replace(bench, settings=cell.settings).keep
        name = f"sweep-{_slug(choice.name)}-{steps}"
        records.append(
            SweepCellRecord(
                num_inference_steps=steps,
                unet_evaluations=cell.unet_evaluations,
                seconds=round(cell.seconds, 3),
                simple_file=keep(f"{name}-simple.png", cell.simple, bench.prompts.simple, seed),
                expanded_file=keep(f"{name}-expanded.png", cell.expanded, bench.prompts.expanded, seed),
                moved=None if before is None else mean_distance(_both(bench.distance, before, cell)),
            )
        )
    counts = [cell.settings.num_inference_steps for cell in cells]
    settled, recommended = judge(counts, [max(_both(visibly_moved, *two)) for two in pairwise(cells)])
    return SweepRowRecord(
        scheduler=choice.name,
        settles=choice.settles,
        settled=settled,
        recommended_steps=recommended,
        cells=tuple(records),
    )


def _both(measure: Callable[[Image.Image, Image.Image], T], before: _Cell, after: _Cell) -> list[T]:
    return [measure(before.simple, after.simple), measure(before.expanded, after.expanded)]


def visibly_moved(first: Image.Image, second: Image.Image) -> float:
    """The share of pixels (0..1) of which a channel differs by more than 8 of 255 between two pictures of one size."""
    one, other = (np.asarray(image.convert("RGB"), dtype=np.int16) for image in (first, second))
    return float((np.abs(one - other).max(axis=-1) > _VISIBLE).mean())


def judge(counts: Sequence[int], moves: Sequence[float]) -> tuple[bool | None, int | None]:
    """Whether a curve has settled, and the fewest steps that are enough.

    `counts` are the step counts in order, `moves` the share of pixels that moved visibly between each and the next.
    """
    if len(counts) < 3 or counts[-1] < _APART * counts[-2]:
        return None, None
    if moves[-1] > _STILL:
        return False, None
    enough = len(moves) - 1
    while enough and moves[enough - 1] <= _STILL:
        enough -= 1
    return True, counts[enough]


def _slug(name: str) -> str:
    """ "DPM++ 2M Karras" as part of a file's name: "dpmpp-2m-karras"."""
    return name.casefold().replace("++", "pp").replace(" ", "-")
