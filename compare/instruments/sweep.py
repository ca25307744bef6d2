"""The sweep: one seed, several schedulers, more and more steps. Who settles, who wanders, and how many are enough?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Annotated, Any, TypeVar

import numpy as np
from PIL import Image
from pydantic import Field, field_validator

from compare.instruments.context import Context, Instrument
from compare.instruments.distance import DistanceRecord, Measure, amount, distance_text, mean_distance, measure_of
from compare.report.blocks import Block, Chart, Grid, Section, Shot, Text
from compare.report.charts import Curve, curves
from generate.picture import ARMS, Arm
from generate.schedulers.table import SchedulerChoice, find_scheduler
from generate.settings import MAX_STEPS, RenderSettings
from ideation import PromptPair
from ideation.values import Count, FileName, Positive, Seed, StrictModel

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


class SweepOptions(StrictModel):
    """`schedulers` by any of their names, `steps` the numbers of steps that each is given. Raises `SettingsError` for a
    name that no scheduler has."""

    schedulers: Annotated[tuple[str, ...], Field(min_length=1)] = DEFAULT_SCHEDULERS
    steps: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_STEPS)], ...], Field(min_length=1)] = DEFAULT_STEPS

    @field_validator("schedulers")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(find_scheduler(name).name for name in names))

    @field_validator("steps")
    @classmethod
    def _in_order(cls, counts: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(counts)))


class SweepCellRecord(StrictModel):
    """Both pictures of one scheduler and number of steps. `moved` is the mean distance of the two from their pictures
    with the step count before, None for the first."""

    num_inference_steps: Positive
    unet_evaluations: Count
    seconds: Annotated[float, Field(ge=0)]
    simple_file: FileName
    expanded_file: FileName
    moved: DistanceRecord | None = None


class SweepRowRecord(StrictModel):
    """One scheduler. `settles` is what is known of it, `settled` what its curve shows, None where that is too short to
    say; `recommended_steps` are the fewest after which more hardly move the pictures, None where it never settled."""

    scheduler: str
    settles: bool
    settled: bool | None
    recommended_steps: Positive | None
    cells: tuple[SweepCellRecord, ...]


class SweepRecord(StrictModel):
    """The sweep, a row for each scheduler."""

    seed: Seed
    rows: tuple[SweepRowRecord, ...]


@dataclass(frozen=True)
class _Cell:
    """What is to be rendered, and what came of it."""

    settings: RenderSettings
    simple: Image.Image
    expanded: Image.Image
    seconds: float
    evaluations: int


def sweep(context: Context, options: SweepOptions) -> SweepRecord:
    """Draws both prompts under the pair's first seed with every scheduler and number of steps.

    A scheduler has settled if in neither picture more than one pixel in 100 moves visibly (by more than 8 of 255)
    between the last two step counts; with fewer than three counts, or where the last is less than half as many again as
    the one before, `settled` is None. `recommended_steps` are the fewest from which on no further count moves more. All
    schedulers are tried on the model before the first picture is drawn: raises `SettingsError`, and what rendering
    raises.
    """
    seed = context.seeds[0]
    rows = {
        name: [context.varied(scheduler=name, num_inference_steps=count, seed=seed) for count in options.steps]
        for name in options.schedulers
    }
    # Cells of few steps are drawn in no time: what is done is counted in evaluations of the denoiser.
    costs = [
        one.num_inference_steps * (2 if "2N" in find_scheduler(name).evaluations else 1)
        for name, row in rows.items()
        for one in row
    ]
    done = [0.0, *(cost / sum(costs) for cost in accumulate(costs))]
    parts = iter(pairwise(done))
    records = []
    for name, row in rows.items():
        made = [_render(context, settings, seed, next(parts)) for settings in row]
        records.append(_row(context, find_scheduler(name), made, seed))
    return SweepRecord(seed=seed, rows=tuple(records))


def _render(context: Context, settings: RenderSettings, seed: int, part: tuple[float, float]) -> _Cell:
    """Both pictures, which are that part of the sweep."""
    from generate.render import Frame

    frames = [Frame(context.prompts.simple, seed), Frame(context.prompts.expanded, seed)]
    simple, expanded = context.render(frames, settings, part=part)
    return _Cell(settings, simple.image, expanded.image, simple.seconds + expanded.seconds, simple.evaluations)


def _row(context: Context, choice: SchedulerChoice, cells: Sequence[_Cell], seed: int) -> SweepRowRecord:
    records = []
    for number, cell in enumerate(cells):
        before = cells[number - 1] if number else None
        steps = cell.settings.num_inference_steps
        records.append(
            SweepCellRecord(
                num_inference_steps=steps,
                unet_evaluations=cell.evaluations,
                seconds=round(cell.seconds, 3),
                simple_file=_keep(context, choice.name, cell, "simple", seed),
                expanded_file=_keep(context, choice.name, cell, "expanded", seed),
                moved=None if before is None else mean_distance(_both(context.distance, before, cell)),
            )
        )
    counts = [cell.settings.num_inference_steps for cell in cells]
    settled, recommended = judge(counts, [max(_both(visibly_moved, *two)) for two in pairwise(cells)])
    return SweepRowRecord(
        scheduler=choice.name,
        settles=choice.converges,
        settled=settled,
        recommended_steps=recommended,
        cells=tuple(records),
    )


def _keep(context: Context, scheduler: str, cell: _Cell, arm: Arm, seed: int) -> str:
    """The file of a cell's picture, which says what made it: not what made the pair."""
    name = f"sweep-{_slug(scheduler)}-{cell.settings.num_inference_steps}-{arm}.png"
    prompts = context.prompts
    image, prompt = (cell.simple, prompts.simple) if arm == "simple" else (cell.expanded, prompts.expanded)
    return context.keep(name, image, prompt, seed, cell.settings)


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


def _section(sweep: SweepRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """Who settles and who wanders: a curve, and the pictures behind it."""
    moved = [cell.moved for row in sweep.rows for cell in row.cells if cell.moved is not None]
    measure = measure_of(moved)
    blocks: list[Block] = [Text(_row_text(row, said), "lead") for row in sweep.rows]
    if moved:
        blocks.append(_curve_chart(sweep, measure, said, t))
    blocks.append(_grid(sweep, said, t))
    return Section("sweep", said["title"], (said["about"], t["measure"][f"{measure}_about"]), tuple(blocks))


def _row_text(row: SweepRowRecord, said: dict[str, Any]) -> str:
    """Does this scheduler settle, and after how many steps? One that draws new noise at every step may stand still for
    a prompt that leaves it no choice, and is not said to settle for that."""
    if row.recommended_steps is not None:
        how, steps = "recommended" if row.settles else "stood_still", row.recommended_steps
    else:
        how = "short" if row.settled is None else "not_yet" if row.settles else "wanders"
        steps = max((cell.num_inference_steps for cell in row.cells), default=0)
    return str(said[how]).format(scheduler=row.scheduler, steps=steps)


def _curve_chart(sweep: SweepRecord, measure: Measure, said: dict[str, Any], t: dict[str, Any]) -> Chart:
    rows, described = [], []
    for row in sweep.rows:
        known = [(cell.num_inference_steps, cell.moved) for cell in row.cells if cell.moved is not None]
        if not known:
            continue
        rows.append(Curve(row.scheduler, tuple((steps, amount(moved, measure)) for steps, moved in known)))
        each = [
            said["chart_point"].format(steps=steps, distance=distance_text(moved, measure, t)) for steps, moved in known
        ]
        described.append(said["chart_row"].format(scheduler=row.scheduler, points=t["joint"].join(each)))
    return Chart("sweep", curves(rows, said["steps_axis"], said["moved_axis"]), "; ".join(described))


def _grid(sweep: SweepRecord, said: dict[str, Any], t: dict[str, Any]) -> Grid:
    counts = sorted({cell.num_inference_steps for row in sweep.rows for cell in row.cells})
    rows = []
    for row in sweep.rows:
        cells = {cell.num_inference_steps: cell for cell in row.cells}
        for arm in ARMS:
            shots: list[tuple[Shot, ...]] = []
            for count in counts:
                if count not in cells:
                    shots.append(())
                    continue
                file = cells[count].simple_file if arm == "simple" else cells[count].expanded_file
                arm_name = t["short_arm"][arm]
                alt = said["alt"].format(arm=arm_name, scheduler=row.scheduler, steps=count, seed=sweep.seed)
                shots.append((Shot(file, alt, ""),))
            rows.append((f"{row.scheduler} · {t['short_arm'][arm]}", tuple(shots)))
    return Grid(said["scheduler"], tuple(said["steps"].format(steps=count) for count in counts), tuple(rows))


def _lines(sweep: SweepRecord) -> list[str]:
    """Every scheduler with the advice on it, and how far more steps moved the pictures, in percent of pixel values."""
    lines = []
    for row in sweep.rows:
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
        lines.append(f"{row.scheduler:<22} {advice:<22} moved at {moved}")
    return lines


def _steps(options: SweepOptions, _: PromptPair, __: RenderSettings) -> int:
    return len(options.schedulers) * sum(options.steps)


SWEEP = Instrument(
    name="sweep",
    question="more steps: which schedulers settle, which wander?",
    options=SweepOptions,
    result=SweepRecord,
    measure=sweep,
    section=_section,
    steps=_steps,
    lines=_lines,
)
