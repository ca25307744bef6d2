"""How often do the statistics of studies and classes err? The whole procedure, simulated.

For 10, 30 and 100 concepts of 1, 4 and 8 seeds, with effects of concepts that are normal, skewed (exponential) and
heavy-tailed (Student's t with 3 degrees of freedom), all with a standard deviation of 1, as has the noise of a seed:

- false positives at alpha 5 %: the share of studies without an effect that say "more" or "less", once where both arms
  are the same but for chance (differences are symmetric then) and once where the effects of concepts are as said, with
  a mean of zero; and what Wilcoxon's test alone and pooled seeds would have said;
- coverage: how often the 95 % intervals of the mean and of the standardized effect hold the true value;
- power at a true mean of half a standard deviation.

Then for classes: students and concepts that share effects, every student with the same concepts or with other ones.
Exits with 1 where false positives exceed 6 %, or an interval of the mean covers less than 93 % or more than 97 %, by
more than two standard errors of the simulation.

    python benchmarks/findings/study_statistics.py [--studies 1000] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from compare.statistics import (
    ALPHA,
    Interval,
    cluster_means,
    mean_interval,
    paired,
    standardized_interval,
    two_way_interval,
)

CONCEPTS, SEEDS, EFFECTS = (10, 30, 100), (1, 4, 8), ("normal", "skewed", "heavy")
TRUE_MEAN = 0.5
RESAMPLES = 999  # a tenth of what a study draws: there are many studies here


@dataclass(frozen=True)
class Row:
    effects: str
    concepts: int
    seeds: int
    false_positives: float
    false_positives_lopsided: float
    wilcoxon_alone_lopsided: float
    pooled_seeds: float
    mean_covered: float
    effect_covered: float
    power: float


def effects(kind: str, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """So many effects of concepts with mean 0 and standard deviation 1."""
    if kind == "normal":
        return rng.normal(size=count)
    if kind == "skewed":
        return rng.exponential(size=count) - 1
    return rng.standard_t(3, size=count) / math.sqrt(3)


def study(per_concept: npt.NDArray[np.float64], seeds: int, rng: np.random.Generator) -> list[tuple[int, float]]:
    """The differences of a study: one for each concept and seed."""
    noise = rng.normal(size=(len(per_concept), seeds))
    return [(at, float(effect + one)) for at, effect in enumerate(per_concept) for one in noise[at]]


def simulate(kind: str, concepts: int, seeds: int, studies: int, rng: np.random.Generator) -> Row:
    counts = dict.fromkeys(("same", "lopsided", "wilcoxon", "pooled", "mean", "effect", "power"), 0)
    true_effect = TRUE_MEAN / math.sqrt(1 + 1 / seeds)
    for _ in range(studies):
        # Both arms the same but for chance: the difference of two effects of one kind.
        same = study((effects(kind, concepts, rng) - effects(kind, concepts, rng)) / math.sqrt(2), seeds, rng)
        means = list(cluster_means(same).values())
        counts["same"] += decided(means, interval_of(means, rng))
        counts["pooled"] += stats.wilcoxon([value for _, value in same]).pvalue <= ALPHA
        means = list(cluster_means(study(effects(kind, concepts, rng), seeds, rng)).values())
        interval = interval_of(means, rng)
        counts["lopsided"] += decided(means, interval)
        counts["wilcoxon"] += stats.wilcoxon(means).pvalue <= ALPHA
        counts["mean"] += interval.holds(0)
        # The same study with another true mean: the interval of the mean moves along.
        moved = [mean + TRUE_MEAN for mean in means]
        counts["power"] += decided(moved, Interval(interval.low + TRUE_MEAN, interval.high + TRUE_MEAN))
        counts["effect"] += standardized_interval(moved, rng, resamples=RESAMPLES).holds(true_effect)
    shares = [round(counts[name] / studies, 4) for name in counts]
    same_arms, lopsided_share, wilcoxon, pooled, mean, effect, power = shares
    return Row(kind, concepts, seeds, same_arms, lopsided_share, wilcoxon, pooled, mean, effect, power)


def interval_of(means: list[float], rng: np.random.Generator) -> Interval:
    return mean_interval(means, rng, resamples=RESAMPLES)


def decided(means: list[float], interval: Interval) -> bool:
    """Whether a study says "more" or "less", by the rule of `PairedResult.outcome`."""
    result = paired(means, np.random.default_rng(0), tested=False)
    found = replace(result, interval=interval, signed_rank=float(stats.wilcoxon(means, zero_method="pratt").pvalue))
    return found.outcome in ("more", "less")


def class_coverage(students: int, concepts: int, studies: int, *, shared: bool, rng: np.random.Generator) -> float:
    """How often the interval of a class covers the true mean; `shared` is whether all have the same concepts."""
    held = 0
    of_student = [student for student in range(students) for _ in range(concepts)]
    of_concept = [at % concepts if shared else at for at in range(students * concepts)]
    for _ in range(studies):
        by_student, by_concept = rng.normal(size=students) * 0.5, rng.normal(size=max(of_concept) + 1)
        values = by_student[of_student] + by_concept[of_concept] + rng.normal(size=len(of_student))
        held += two_way_interval(values, of_student, of_concept).holds(0)
    return held / studies


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--effects", nargs="*", default=EFFECTS, choices=EFFECTS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(2026)
    rows = []
    if not given.json:
        print("effects  concepts seeds | false positives: same arms, lopsided (Wilcoxon alone; seeds pooled)")
    for kind in given.effects:
        for concepts in CONCEPTS:
            for seeds in SEEDS:
                row = simulate(kind, concepts, seeds, given.studies, rng)
                rows.append(row)
                if not given.json:
                    print(
                        f"{kind:8} {concepts:8} {seeds:5} | {row.false_positives:6.1%} "
                        f"{row.false_positives_lopsided:6.1%} ({row.wilcoxon_alone_lopsided:5.1%}; "
                        f"{row.pooled_seeds:5.1%}) | covered: mean {row.mean_covered:.1%}, "
                        f"effect {row.effect_covered:.1%} | power {row.power:.1%}",
                        flush=True,
                    )
    classes = {
        f"{students} students, {concepts} {'shared' if shared else 'own'} concepts": class_coverage(
            students, concepts, 4 * given.studies, shared=shared, rng=rng
        )
        for students, concepts in ((8, 6), (30, 10))
        for shared in (True, False)
    }
    if given.json:
        print(json.dumps({"studies": given.studies, "rows": [asdict(row) for row in rows], "classes": classes}))
    else:
        for name, covered in classes.items():
            print(f"{name}: covered {covered:.1%}")
    slack = 2 * math.sqrt(0.05 * 0.95 / given.studies)
    good = all(
        max(row.false_positives, row.false_positives_lopsided) <= 0.06 + slack
        and 0.93 - slack <= row.mean_covered <= 0.97 + slack
        for row in rows
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
