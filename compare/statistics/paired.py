"""Paired differences of two arms: what their clusters say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from compare.statistics.interval import (
    RESAMPLES,
    Interval,
    Values,
    mean_interval,
    standardized,
    standardized_interval,
    wilson,
)

Label = TypeVar("Label", bound=Hashable)

ALPHA = 0.05

#: With fewer clusters no two-sided signed-rank test can reach a p-value of 0.05.
FEWEST_CLUSTERS = 6

#: So many values with ties or zeros among them have an exact p-value; of more it is an approximation.
_MOST_PERMUTED = 13

Outcome = Literal["more", "less", "cannot tell", "too few"]


@dataclass(frozen=True)
class Share:
    """So many of all clusters, and the Wilson interval of their share."""

    count: int
    share: float
    interval: Interval


@dataclass(frozen=True)
class Tally:
    """In how many clusters the second arm won, neither did, and it lost."""

    win: Share
    tie: Share
    loss: Share


@dataclass(frozen=True)
class PairedResult:
    """What the differences of clusters say.

    `mean` is the mean over clusters of their means. `signed_rank` and `sign` are two-sided p-values, of Wilcoxon's test
    and the exact sign test; `corrected` is the first after a correction for several questions. `effect` is the mean in
    standard deviations between clusters. What takes six clusters is None for fewer.
    """

    clusters: int
    mean: float
    interval: Interval | None
    signed_rank: float | None
    sign: float | None
    tally: Tally
    effect: float | None
    effect_interval: Interval | None
    corrected: float | None = None

    @property
    def outcome(self) -> Outcome:
        """ "more" or "less" where both the interval of the mean leaves out zero and the (corrected) test says so: one
        alone errs too often, the test for lopsided effects, the interval for a few odd clusters."""
        p = self.signed_rank if self.corrected is None else self.corrected
        if self.interval is None or p is None:
            return "too few"
        if p > ALPHA or self.interval.holds(0):
            return "cannot tell"
        return "more" if self.mean > 0 else "less"

    def with_correction(self, corrected: float | None) -> PairedResult:
        return replace(self, corrected=corrected)


def cluster_means(values: Iterable[tuple[Label, float]]) -> dict[Label, float]:
    """The mean of each cluster, in the order in which clusters first appear.

    >>> cluster_means([("dog", 1.0), ("cat", 4.0), ("dog", 3.0)])
    {'dog': 2.0, 'cat': 4.0}
    """
    gathered: defaultdict[Label, list[float]] = defaultdict(list)
    for label, value in values:
        gathered[label].append(value)
    return {label: float(np.mean(found)) for label, found in gathered.items()}


def paired(
    means: Values,
    rng: np.random.Generator,
    *,
    tie: float = 0.0,
    tested: bool = True,
    resamples: int = RESAMPLES,
) -> PairedResult:
    """What one or more differences say, one of each cluster. Differences no further from zero than `tie` are ties in
    the tally; the tests have them as they are. Not `tested`, they are only told: no interval, no p-value.

    >>> found = paired([0.01, 0.02, 0.03, 0.01, 0.04, 0.02, 0.05], np.random.default_rng(1))
    >>> found.outcome, found.sign
    ('more', 0.015625)
    """
    values = np.asarray(means, dtype=np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("differences are one number or more, and finite")
    enough = tested and len(values) >= FEWEST_CLUSTERS
    return PairedResult(
        clusters=len(values),
        mean=float(values.mean()),
        interval=mean_interval(values, rng, resamples=resamples) if enough else None,
        signed_rank=_signed_rank(values) if enough else None,
        sign=_sign_test(values) if enough else None,
        tally=tally(values, tie=tie),
        effect=float(standardized(values)) if enough else None,
        effect_interval=standardized_interval(values, rng, resamples=resamples) if enough else None,
    )


def tally(means: Sequence[float] | npt.NDArray[np.float64], *, tie: float = 0.0) -> Tally:
    """Wins, ties and losses among one or more clusters."""
    values = np.asarray(means, dtype=np.float64)
    wins, losses = int((values > tie).sum()), int((values < -tie).sum())
    return Tally(*(_share(count, len(values)) for count in (wins, len(values) - wins - losses, losses)))


def _share(count: int, trials: int) -> Share:
    return Share(count, count / trials, wilson(count, trials))


def _signed_rank(values: npt.NDArray[np.float64]) -> float:
    """Wilcoxon's two-sided p-value; zeros take part in the ranks (Pratt 1959)."""
    from scipy import stats

    if not values.any():
        return 1.0
    sizes = np.abs(values)
    if len(values) <= _MOST_PERMUTED and (not sizes.all() or len(np.unique(sizes)) < len(sizes)):
        # Every way to sign the ranks, as `wilcoxon` goes through them too, one by one, which takes a second.
        ranks = stats.rankdata(sizes)
        found = stats.permutation_test(
            (values,),
            lambda signed, axis: (ranks * (signed > 0)).sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
        )
        return float(found.pvalue)
    return float(stats.wilcoxon(values, zero_method="pratt").pvalue)


def _sign_test(values: npt.NDArray[np.float64]) -> float:
    """The exact two-sided p-value of as many signs one way; zeros have none."""
    from scipy import stats

    wins, losses = int((values > 0).sum()), int((values < 0).sum())
    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
