"""Power: how often as many clusters as these would settle the question, simulated from the ones that are there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compare.statistics.interval import Values
from compare.statistics.paired import ALPHA, FEWEST_CLUSTERS

#: Nobody is told to look at more clusters than that.
MOST_CLUSTERS = 10_000

_TARGET = 0.8
_SIMULATIONS = 400


@dataclass(frozen=True)
class Power:
    """With `clusters` of these, `power` of the studies would find what was found; None: not with `MOST_CLUSTERS`."""

    clusters: int | None
    power: float


def simulated_power(means: Values, clusters: int, rng: np.random.Generator) -> float:
    """The share of studies with so many clusters, drawn from these, in which both Wilcoxon's test and Student's t leave
    out zero on the side of the mean. It takes the effect that was found for the true one, which is hopeful where the
    effect was chosen for being large."""
    from scipy import stats

    values = np.asarray(means, dtype=np.float64)
    drawn = rng.choice(values, size=(_SIMULATIONS, clusters))
    drawn = drawn[np.ptp(drawn, axis=1) > 0]  # what does not differ settles nothing
    if not len(drawn):
        return 0.0
    ranks = stats.wilcoxon(drawn, axis=1, zero_method="pratt", method="asymptotic").pvalue
    student = stats.ttest_1samp(drawn, 0, axis=1)
    found = (ranks <= ALPHA) & (student.pvalue <= ALPHA) & (np.sign(student.statistic) == np.sign(values.mean()))
    return float(found.sum() / _SIMULATIONS)


def clusters_needed(means: Values, rng: np.random.Generator, *, target: float = _TARGET) -> Power:
    """How many clusters like these would settle in `target` of all studies that the mean is not zero: the first number
    of a series that grows by a quarter. It is looked for around what normal values of that mean would need."""
    values = np.asarray(means, dtype=np.float64)
    wanted = 8 * (values.std(ddof=1) / max(abs(values.mean()), 1e-12)) ** 2
    at = next((place for place, clusters in enumerate(_SERIES) if clusters >= wanted), len(_SERIES) - 1)
    power = simulated_power(values, _SERIES[at], rng)
    if power >= target:
        while at and (less := simulated_power(values, _SERIES[at - 1], rng)) >= target:
            at, power = at - 1, less
        return Power(_SERIES[at], power)
    while at + 1 < len(_SERIES):
        at += 1
        power = simulated_power(values, _SERIES[at], rng)
        if power >= target:
            return Power(_SERIES[at], power)
    return Power(None, power)


def _growing() -> tuple[int, ...]:
    """From the fewest clusters to the most, each a quarter more than the one before."""
    series = [FEWEST_CLUSTERS]
    while (clusters := max(series[-1] + 1, series[-1] * 5 // 4)) < MOST_CLUSTERS:
        series.append(clusters)
    return (*series, MOST_CLUSTERS)


_SERIES = _growing()
