"""Intervals of 95 %, or another confidence: of a mean over clusters of one kind or of two, of a share, and of an effect
in standard deviations."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = Sequence[float] | npt.NDArray[np.float64]

#: Resamples of a bootstrap: the ends of an interval then move by about a hundredth of its width between two drawings.
RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return self.low <= value <= self.high

    def joined(self, other: Interval) -> Interval:
        """From the lower of both lows to the higher of both highs."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


def mean_interval(
    means: Values, rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """The interval of the mean of two or more independent values, which are the means of clusters: the bias-corrected
    and accelerated bootstrap (BCa; Efron 1987), resampling clusters.

    The bootstrap knows no more spread than it is shown and covers too seldom where there are few clusters. So its
    levels are expanded (Hesterberg 2015), as far as lopsided effects took in
    `benchmarks/findings/study_statistics.py`, and it reaches at least as far as Student's t: a few
    heavy-tailed values hide their tails from every resampling.

    >>> mean_interval([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], np.random.default_rng(1)).holds(0.25)
    True
    """
    from scipy import stats  # takes a moment to load

    values = np.asarray(means, dtype=np.float64)
    if _all_equal(values):  # nothing to resample
        return Interval(float(values[0]), float(values[0]))
    student = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    return _bca(values, np.mean, rng, confidence, resamples, more=3).joined(
        Interval(float(student.low), float(student.high))
    )


def standardized_interval(
    means: Values, rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """The interval of `standardized(means)`: a BCa bootstrap too, at least as wide as the one from the noncentral t
    distribution, which is exact for normal values. It is cautious: with lopsided effects it covers nearly always."""
    values = np.asarray(means, dtype=np.float64)
    if not standardized(values):
        return Interval(0.0, 0.0) if _all_equal(values) else _noncentral(0.0, len(values), confidence)
    exact = _noncentral(standardized(values), len(values), confidence)
    return _bca(values, standardized, rng, confidence, resamples, more=0).joined(exact)


def standardized(values: Any, axis: int = -1) -> Any:
    """The mean in standard deviations of the values, corrected for their number (Hedges' g of paired differences); 0
    where the values do not differ."""
    values = np.asarray(values, dtype=np.float64)
    count = values.shape[axis]
    mean, deviation = values.mean(axis=axis), values.std(axis=axis, ddof=1)
    correction = 1 - 3 / (4 * (count - 1) - 1)
    # What the rounding of equal values leaves is no deviation.
    return correction * np.divide(mean, deviation, out=np.zeros_like(mean), where=deviation > 1e-9 * np.abs(mean))


def two_way_interval(
    values: Values, first: Sequence[Hashable], second: Sequence[Hashable], *, confidence: float = 0.95
) -> Interval:
    """The interval of the mean of `values` that share two kinds of clusters, such as students (`first`) and concepts
    (`second`): variances by either less what both count, never below the larger of the two (Cameron, Gelbach and Miller
    2011), and Student's t for the smaller number of clusters.

    Concepts that each belong to one student give the interval by students; the other way round too. A kind of which
    there is one cluster alone says nothing and is left out. Raises `ValueError` where neither has two.
    """
    from scipy import stats

    known = np.asarray(values, dtype=np.float64)
    kinds = [labels for labels in (_numbered(first), _numbered(second)) if labels.max() > 0]
    if not kinds:
        raise ValueError("values of one cluster have no interval")
    mean = float(known.mean())
    variances = [_clustered_variance(known - mean, labels) for labels in kinds]
    variance = max(variances)
    if len(kinds) == 2:
        both = _numbered(list(zip(kinds[0].tolist(), kinds[1].tolist(), strict=True)))
        variance = max(variance, sum(variances) - _clustered_variance(known - mean, both))
    fewest = min(int(labels.max()) + 1 for labels in kinds)
    reach = float(stats.t.ppf((1 + confidence) / 2, fewest - 1)) * math.sqrt(variance)
    return Interval(mean - reach, mean + reach)


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a share.

    >>> wilson(8, 10)
    Interval(low=0.4901..., high=0.9433...)
    """
    from scipy import stats

    found = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def _all_equal(values: npt.NDArray[np.float64]) -> bool:
    """Whether the values differ by no more than rounding."""
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _bca(
    values: npt.NDArray[np.float64],
    statistic: Any,
    rng: np.random.Generator,
    confidence: float,
    resamples: int,
    more: int,
) -> Interval:
    """`more` clusters than there are is how far its levels are expanded: 0 is right for the mean of normal values."""
    from scipy import stats

    count = len(values)
    quantile = stats.t.ppf((1 + confidence) / 2, count - 1) * math.sqrt((count + more) / (count - 1))
    found = stats.bootstrap(
        (values,),
        statistic,
        n_resamples=resamples,
        batch=max(1, 2_000_000 // count),
        vectorized=True,
        confidence_level=float(1 - 2 * stats.norm.sf(quantile)),
        method="BCa",
        rng=rng,
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def _noncentral(effect: float, count: int, confidence: float) -> Interval:
    """The effects of which the one that was found is just within their central part (Steiger and Fouladi 1997)."""
    from scipy import optimize, stats

    t = effect * math.sqrt(count)
    ends = [
        optimize.brentq(lambda center, tail=tail: stats.nct.sf(t, count - 1, center) - tail, t - width, t + width)
        for tail, width in (((1 - confidence) / 2, 8 + abs(t)), ((1 + confidence) / 2, 8 + abs(t)))
    ]
    return Interval(ends[0] / math.sqrt(count), ends[1] / math.sqrt(count))


def _numbered(labels: Sequence[Hashable]) -> npt.NDArray[np.intp]:
    """Each label as the number of its kind."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(label, len(known)) for label in labels], dtype=np.intp)


def _clustered_variance(residuals: npt.NDArray[np.float64], labels: npt.NDArray[np.intp]) -> float:
    """The variance of the mean where residuals of one cluster go together."""
    sums = np.bincount(labels, weights=residuals)
    return float((sums**2).sum() / len(residuals) ** 2 * len(sums) / (len(sums) - 1))
