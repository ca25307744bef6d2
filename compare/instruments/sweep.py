"""The sweep: one seed, several schedulers, more and more steps. What did these pictures do, and how many are enough?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Annotated, Any, Literal, TypeVar

from PIL import Image
from pydantic import Field, field_validator

from compare.instruments.context import Context, Instrument
from compare.instruments.distance import DistanceRecord, lab_distance, mean_distance
from compare.report.blocks import Block, Chart, Grid, Section, Shot, Text
from compare.report.charts import Curve, curves
from compare.report.sentences import sentences
from generate.picture import ARMS, Arm
from generate.schedulers.table import SchedulerChoice, find_scheduler
from generate.settings import MAX_STEPS, RenderSettings
from ideation import PromptPair
from ideation.files import Count, FileName, Positive, Seed, Share, StrictModel

T = TypeVar("T")

#: The schedulers of the course's chapter on convergence.
DEFAULT_SCHEDULERS = ("DPM++ 2M Karras", "UniPC", "Euler", "Euler a", "DDIM", "DPM++ SDE Karras")
DEFAULT_STEPS = (5, 10, 20, 30, 50)

#: A pixel has changed clearly if its colour has by more than this in CIE Lab, of which 100 is black against white. A
#: wash of colour over a whole sky, as between two schedulers near their limits, changes it by 10, and rounding by 1.
_CLEARLY = 20
#: Two pictures are the same if no more of their pixels than this have changed clearly, or no more than the noise floor;
#: from the second share on they are two pictures, not one with other details. Looked at and counted between 144
#: neighbours of three sweeps on Seedling: what the eye calls the same reaches 0.007, where details come and go it is
#: 0.011 to 0.13, and another thing or another light begins at 0.15.
STILL, ANOTHER = 0.01, 0.15
#: Between 50 and 51 steps everybody stands still: the last two step counts must be this far apart to say something.
_APART = 1.5

Fate = Literal["still", "details", "another"]


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
    """Both pictures of one scheduler and number of steps, against those with the step count before: `moved` is the mean
    distance of the two, `changed` the share of pixels that changed clearly in the one that changed more. None for the
    first; `changed` also in runs from before there was one."""

    num_inference_steps: Positive
    unet_evaluations: Count
    seconds: Annotated[float, Field(ge=0)]
    simple_file: FileName
    expanded_file: FileName
    moved: DistanceRecord | None = None
    changed: Share | None = None


class SweepRowRecord(StrictModel):
    """One scheduler. `settles` is what is expected of it, `settled` whether these pictures stood still between the last
    two step counts, None where those are too few or too close to say; `recommended_steps` are the fewest from which on
    they did, None where they did not."""

    scheduler: str
    settles: bool
    settled: bool | None
    recommended_steps: Positive | None
    cells: tuple[SweepCellRecord, ...]


class SweepRecord(StrictModel):
    """The sweep, a row for each scheduler. `noise_floor` is the share of pixels that changed clearly when one of its
    pictures was drawn a second time, beside another one."""

    seed: Seed
    rows: tuple[SweepRowRecord, ...]
    noise_floor: Share | None = None


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

    A pixel has changed clearly where its colour has by more than 20 in CIE Lab. A row has settled if in neither picture
    more than one pixel in 100 changed clearly between the last two step counts, or more than the noise floor; with
    fewer than three counts, or where the last is less than half as many again as the one before, `settled` is None.
    `recommended_steps` are the fewest from which on no further count changed more. All schedulers are tried on the
    model before the first picture is drawn: raises `SettingsError`, and what rendering raises.
    """
    seed = context.seeds[0]
    rows = {
        name: [context.varied(scheduler=name, num_inference_steps=count, seed=seed) for count in options.steps]
        for name in _schedulers(context, options)
    }
    # Cells of few steps are drawn in no time: what is done is counted in evaluations of the denoiser.
    drawn = [one for number, row in enumerate(rows.values()) for one in (*row, *([] if number else row[:1]))]
    costs = [one.num_inference_steps * (2 if "2N" in find_scheduler(one.scheduler).evaluations else 1) for one in drawn]
    done = [0.0, *(cost / sum(costs) for cost in accumulate(costs))]
    parts = iter(pairwise(done))
    floor = 0.0
    records = []
    for number, (name, row) in enumerate(rows.items()):
        made = [_render(context, settings, seed, next(parts)) for settings in row]
        if not number:
            floor = _noise_floor(context, made[0], seed, next(parts))
        records.append(_row(context, find_scheduler(name), made, seed, floor))
    return SweepRecord(seed=seed, rows=tuple(records), noise_floor=round(floor, 6))


def _schedulers(context: Context, options: SweepOptions) -> tuple[str, ...]:
    """Those that are asked for; where nobody asked, and the model's family has its own, all of these."""
    in_turn = context.model.family.in_turn
    return (
        in_turn.schedulers
        if in_turn is not None and options == SweepOptions(steps=options.steps)
        else options.schedulers
    )


def _noise_floor(context: Context, cell: _Cell, seed: int, part: tuple[float, float]) -> float:
    """How far the simple picture of a cell changes when it is drawn again, in a batch without the expanded one."""
    from generate.render import Frame

    (again,) = context.render([Frame(context.prompts.simple, seed)], cell.settings, part=part)
    return clearly_changed(cell.simple, again.image)


def _render(context: Context, settings: RenderSettings, seed: int, part: tuple[float, float]) -> _Cell:
    """Both pictures, which are that part of the sweep."""
    from generate.render import Frame

    frames = [Frame(context.prompts.simple, seed), Frame(context.prompts.expanded, seed)]
    simple, expanded = context.render(frames, settings, part=part)
    return _Cell(settings, simple.image, expanded.image, simple.seconds + expanded.seconds, simple.evaluations)


def _row(context: Context, choice: SchedulerChoice, cells: Sequence[_Cell], seed: int, floor: float) -> SweepRowRecord:
    changed = [max(_both(clearly_changed, *two)) for two in pairwise(cells)]
    records = []
    for number, cell in enumerate(cells):
        before = cells[number - 1] if number else None
        records.append(
            SweepCellRecord(
                num_inference_steps=cell.settings.num_inference_steps,
                unet_evaluations=cell.evaluations,
                seconds=round(cell.seconds, 3),
                simple_file=_keep(context, choice.name, cell, "simple", seed),
                expanded_file=_keep(context, choice.name, cell, "expanded", seed),
                moved=None if before is None else mean_distance(_both(context.distance, before, cell)),
                changed=None if before is None else round(changed[number - 1], 6),
            )
        )
    settled, recommended = judge([cell.settings.num_inference_steps for cell in cells], changed, floor)
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


def clearly_changed(first: Image.Image, second: Image.Image) -> float:
    """The share of pixels (0..1) whose colour differs by more than 20 in CIE Lab between two pictures of one size."""
    return float((lab_distance(first, second) > _CLEARLY).mean())


def judge(counts: Sequence[int], changed: Sequence[float], floor: float = 0.0) -> tuple[bool | None, int | None]:
    """Whether a row has settled, and the fewest steps that are enough.

    `counts` are the step counts in order, `changed` the share of pixels that changed clearly from each to the next.
    """
    if len(counts) < 3 or counts[-1] < _APART * counts[-2]:
        return None, None
    if fate(changed[-1], floor) != "still":
        return False, None
    enough = len(changed) - 1
    while enough and fate(changed[enough - 1], floor) == "still":
        enough -= 1
    return True, counts[enough]


def fate(changed: float, floor: float = 0.0) -> Fate:
    """What became of a picture of which that share changed clearly.

    >>> fate(0.004), fate(0.06), fate(0.4), fate(0.004, floor=0.001), fate(0.02, floor=0.02)
    ('still', 'details', 'another', 'still', 'still')
    """
    if changed <= max(STILL, floor):
        return "still"
    return "details" if changed < ANOTHER else "another"


def _slug(name: str) -> str:
    """ "DPM++ 2M Karras" as part of a file's name: "dpmpp-2m-karras"."""
    return name.casefold().replace("++", "pp").replace(" ", "-")


def _section(sweep: SweepRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """What the pictures of each row did, then what is expected of its scheduler; a curve, and the pictures."""
    blocks: list[Block] = []
    for row in sweep.rows:
        measured, expected = row_texts(row, sweep.noise_floor or 0.0, said, t)
        blocks += [Text(measured, "lead"), Text(expected)]
    if any(cell.changed is not None for row in sweep.rows for cell in row.cells):
        blocks.append(_curve_chart(sweep, said, t))
    blocks.append(_grid(sweep, said, t))
    floor = [] if sweep.noise_floor is None else [said["floor"].format(share=_percent(sweep.noise_floor))]
    return Section("sweep", said["title"], (said["about"], said["unit"], *floor), tuple(blocks))


def row_texts(row: SweepRowRecord, floor: float, said: dict[str, Any], t: dict[str, Any]) -> tuple[str, str]:
    """What these pictures did, measured between neighbours; and what is expected of the scheduler, whether or not."""
    cells = [cell for cell in row.cells if cell.changed is not None]
    before = {after.num_inference_steps: cell.num_inference_steps for cell, after in pairwise(row.cells)}
    expected = str(said["expected_to_settle" if row.settles else "expected_to_wander"])
    if row.settled is not None and row.settled != row.settles:
        expected = str(t["pause"].join((expected, said["not_here"])))
    if not cells:
        return str(said["unmeasured"]).format(scheduler=row.scheduler), expected

    def steps_of(cell: SweepCellRecord) -> dict[str, Any]:
        end = cell.num_inference_steps
        return {"before": before[end], "after": end, "share": _percent(cell.changed or 0.0)}

    most, last = max(cells, key=lambda cell: cell.changed or 0.0), cells[-1]
    fates = [fate(cell.changed or 0.0, floor) for cell in cells]
    if fates[-1] == "still":
        quiet = next(k for k in range(len(fates)) if all(one == "still" for one in fates[k:]))
        since = before[cells[quiet].num_inference_steps]
        highest = max(cell.changed or 0.0 for cell in cells[quiet:])
        texts = [said["stood_still"].format(since=since, until=last.num_inference_steps, share=_percent(highest))]
        if row.recommended_steps is not None and row.settles:  # by chance alone a wanderer stands still
            texts.append(said["recommended"].format(steps=row.recommended_steps))
        if fates[cells.index(most)] != "still":
            texts.append(said[f"before_{fates[cells.index(most)]}"].format(**steps_of(most)))
    else:
        texts = [said[f"last_{fates[-1]}"].format(**steps_of(last))]
        if most is not last:
            texts.append(said[f"before_{fates[cells.index(most)]}"].format(**steps_of(most)))
    return str(said["row"]).format(scheduler=row.scheduler, text=t["pause"].join(texts)), expected


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _curve_chart(sweep: SweepRecord, said: dict[str, Any], t: dict[str, Any]) -> Chart:
    rows, described = [], []
    for row in sweep.rows:
        known = [(cell.num_inference_steps, cell.changed) for cell in row.cells if cell.changed is not None]
        if known:
            rows.append(Curve(row.scheduler, tuple((steps, 100 * share) for steps, share in known)))
            each = [said["chart_point"].format(steps=steps, share=_percent(share)) for steps, share in known]
            described.append(said["chart_row"].format(scheduler=row.scheduler, points=t["joint"].join(each)))
    return Chart("sweep", curves(rows, said["steps_axis"], said["changed_axis"]), "; ".join(described))


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
    """What the pictures of every scheduler did, as the report says it, and the share of pixels that changed clearly."""
    told = sentences("en")
    said, t = told["instruments"]["sweep"], told["report"]
    lines = []
    for row in sweep.rows:
        lines.append(row_texts(row, sweep.noise_floor or 0.0, said, t)[0])
        shares = [f"{c.num_inference_steps}: {_percent(c.changed)} %" for c in row.cells if c.changed is not None]
        lines.append(f"  changed at {'  '.join(shares)}")
    return lines


def _steps(options: SweepOptions, _: PromptPair, __: RenderSettings) -> int:
    return len(options.schedulers) * sum(options.steps) + options.steps[0]


SWEEP = Instrument(
    name="sweep",
    question="more steps: which schedulers still change the picture, which stand still?",
    options=SweepOptions,
    result=SweepRecord,
    measure=sweep,
    section=_section,
    steps=_steps,
    lines=_lines,
)
