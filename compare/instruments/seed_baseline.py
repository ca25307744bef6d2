"""The seed ruler: did the words change the picture more than another seed would have?"""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Any

from pydantic import Field

from compare.instruments.context import Context, Instrument
from compare.instruments.distance import (
    BY_SEED,
    DistanceRecord,
    Length,
    Measure,
    amount,
    distance_text,
    mean_distance,
)
from compare.report.blocks import Block, Section, Shot, Strip, Text
from compare.report.charts import Bar, bar_chart
from compare.report.sentences import times
from generate.settings import RenderSettings
from ideation import PromptPair, TwinseedError
from ideation.files import MAX_SEED, FileName, Seed, StrictModel

#: Ratios that differ by so little are called the same.
_SAME_TIMES = 0.05


class RulerOptions(StrictModel):
    """`seeds` are those of the pair and those that follow it."""

    seeds: Annotated[int, Field(ge=2, le=100)] = 6


class RulerRecord(StrictModel):
    """The seed ruler: how far the words moved the picture, against how far another seed moves the simple one.

    `files` are the simple prompt's pictures under the other seeds. `words` is the mean distance between the arms of a
    seed, `other_seed` between two simple pictures of different seeds; `times` their ratio, by `measure`.
    """

    files: Annotated[dict[Seed, FileName], Field(json_schema_extra=BY_SEED)]
    words: DistanceRecord
    other_seed: DistanceRecord
    times: Length
    measure: Measure


def ruler(context: Context, options: RulerOptions) -> RulerRecord:
    """Draws the simple prompt under more seeds, until there are as many as wanted with those of the pair, and holds the
    mean distance between the arms of a seed against that between every two simple pictures.

    `times` is by CLIP where there is one, else by pixels. A pair of so many seeds or more is measured by its own
    pictures, and no other is drawn. Raises `TwinseedError` where all seeds give one picture, and what rendering raises.
    """
    from generate.render import Frame

    prompt = context.prompts.simple
    images = {seed: context.pictures["simple", seed] for seed in context.seeds}
    files = {}
    for made in context.render([Frame(prompt, seed) for seed in _other_seeds(context.seeds, options.seeds)]):
        seed = made.frame.seed
        images[seed] = made.image
        files[seed] = context.keep(f"ruler-{seed}.png", made.image, prompt, seed)
    words = mean_distance(list(context.distances().values()))
    other_seed = mean_distance([context.distance(one, other) for one, other in combinations(images.values(), 2)])
    measure: Measure = "clip" if other_seed.clip else "mean_absolute_difference"
    moved, length = getattr(words, measure), getattr(other_seed, measure)
    if not length:
        raise TwinseedError(
            "{name} draws the same picture from {count} seeds, so seeds are no measure here",
            hint="leave the seed ruler out, or take another model",
            name=context.model.name,
            count=len(images),
        )
    return RulerRecord(files=files, words=words, other_seed=other_seed, times=round(moved / length, 4), measure=measure)


def _other_seeds(taken: list[int], count: int) -> list[int]:
    """The seeds that follow those of the pair, so that the numbers of a run stay together; at the end of all seeds,
    those before it."""
    wanted = max(0, count - len(taken))
    after = range(max(taken) + 1, min(max(taken) + 1 + wanted, MAX_SEED))
    before = range(min(taken) - 1, min(taken) - 1 - (wanted - len(after)), -1)
    return [*after, *before]


def _section(ruler: RulerRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """How far the words moved the picture, against how far another seed does."""
    sides = (("words", ruler.words, True), ("other_seed", ruler.other_seed, False))
    rows = [
        Bar(said[name], amount(one, ruler.measure), distance_text(one, ruler.measure, t), strong)
        for name, one, strong in sides
    ]
    shots = tuple(
        Shot(file, said["shots"].format(seed=seed), t["seeds"]["seed"].format(seed=seed))
        for seed, file in ruler.files.items()
    )
    blocks: list[Block] = [Text(ruler_text(ruler, said), "lead"), bar_chart("ruler", rows)]
    if shots:
        blocks += [Text(said["shots_about"]), Strip(shots)]
    return Section("ruler", said["title"], (said["about"], t["measure"][f"{ruler.measure}_about"]), tuple(blocks))


def ruler_text(ruler: RulerRecord, said: dict[str, Any]) -> str:
    """How many times as much as another seed the words changed the picture."""
    if amount(ruler.words, ruler.measure) < 0.005:
        return str(said["none"])
    how = "same" if abs(ruler.times - 1) <= _SAME_TIMES else "more" if ruler.times > 1 else "less"
    return str(said[how]).format(times=times(ruler.times))


def _steps(options: RulerOptions, _: PromptPair, settings: RenderSettings) -> int:
    return -(-max(0, options.seeds - settings.images) // 2) * settings.num_inference_steps


RULER = Instrument(
    name="ruler",
    question="did the words change the picture more than another seed would?",
    options=RulerOptions,
    result=RulerRecord,
    measure=ruler,
    section=_section,
    steps=_steps,
)
