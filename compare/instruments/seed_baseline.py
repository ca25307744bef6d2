"""The seed ruler: did the words change the picture more than another seed would have?"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

from compare.instruments.context import Bench, mean_distance
from compare.instruments.results import RulerRecord
from generate.render.series import Frame
from generate.settings import SettingsError
from ideation.errors import TwinseedError
from ideation.values import MAX_SEED

MOST_SEEDS = 100


def ruler(bench: Bench, seeds: int = 6) -> RulerRecord:
    """Draws the simple prompt under more seeds, until there are `seeds` with those of the pair, and holds the mean
    distance between the arms of a seed against that between every two simple pictures.

    `times` is by CLIP where there is one, else by pixels. A pair of `seeds` seeds or more is measured by its own
    pictures, and no other is drawn. Raises `SettingsError` for fewer than two seeds, `TwinseedError` where all seeds
    give one picture, and what rendering raises.
    """
    if not 2 <= seeds <= MOST_SEEDS:
        raise SettingsError(
            f"a seed ruler of {seeds} seeds is asked for",
            hint=f"give a whole number from 2 to {MOST_SEEDS}; those of the pair count, 6 is a good start",
        )
    prompt = bench.prompts.simple
    images = {seed: bench.pictures["simple", seed] for seed in bench.seeds}
    files = {}
    for made in bench.render([Frame(prompt, seed) for seed in _other_seeds(bench.seeds, seeds)]):
        seed = made.frame.seed
        images[seed] = made.image
        files[seed] = bench.keep(f"ruler-{seed}.png", made.image, prompt, seed)
    words = mean_distance(
        [bench.distance(bench.pictures["simple", seed], bench.pictures["expanded", seed]) for seed in bench.seeds]
    )
    other_seed = mean_distance([bench.distance(one, other) for one, other in combinations(images.values(), 2)])
    measure: Literal["clip", "mean_absolute_difference"] = "clip" if other_seed.clip else "mean_absolute_difference"
    moved, length = getattr(words, measure), getattr(other_seed, measure)
    if not length:
        raise TwinseedError(
            f"{bench.model.name} draws the same picture from {len(images)} seeds, so seeds are no measure here",
            hint="leave the seed ruler out, or take another model",
        )
    return RulerRecord(files=files, words=words, other_seed=other_seed, times=round(moved / length, 4), measure=measure)


def _other_seeds(taken: list[int], count: int) -> list[int]:
    """The seeds that follow those of the pair, so that the numbers of a run stay together; at the end of all seeds,
    those before it."""
    wanted = max(0, count - len(taken))
    after = range(max(taken) + 1, min(max(taken) + 1 + wanted, MAX_SEED))
    before = range(min(taken) - 1, min(taken) - 1 - (wanted - len(after)), -1)
    return [*after, *before]
