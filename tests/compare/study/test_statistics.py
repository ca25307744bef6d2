"""Statistics against what scipy, arithmetic and simulation say of them."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from compare.statistics import (
    FEWEST_CLUSTERS,
    Interval,
    PairedResult,
    cluster_means,
    clusters_needed,
    holm,
    mean_interval,
    paired,
    simulated_power,
    tally,
    two_way_interval,
    wilson,
)

DIFFERENCES = [0.021, -0.004, 0.013, 0.032, 0.008, 0.017, -0.001, 0.026]


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_seeds_are_averaged_before_anything_is_said() -> None:
    means = cluster_means([("dog", 0.2), ("cat", 0.1), ("dog", 0.4), ("dog", 0.6)])
    assert means == pytest.approx({"dog": 0.4, "cat": 0.1})
    many_seeds = paired([0.1] * 5, rng())
    assert many_seeds.outcome == "too few"
    assert many_seeds.signed_rank is many_seeds.sign is many_seeds.interval is many_seeds.effect is None


def test_a_result_agrees_with_scipy_and_is_the_same_every_time() -> None:
    found = paired(DIFFERENCES, rng())
    assert found.mean == pytest.approx(np.mean(DIFFERENCES))
    assert found.signed_rank == pytest.approx(stats.wilcoxon(DIFFERENCES, zero_method="pratt").pvalue)
    assert found.sign == pytest.approx(stats.binomtest(6, 8).pvalue)
    student = stats.ttest_1samp(DIFFERENCES, 0).confidence_interval()
    assert found.interval is not None
    assert found.interval.low <= student.low < found.mean < student.high <= found.interval.high
    assert found.effect_interval is not None
    assert found.effect is not None
    assert found.effect_interval.holds(found.effect)
    assert (found.tally.win.count, found.tally.tie.count, found.tally.loss.count) == (6, 0, 2)
    assert found.outcome == "more"
    assert found == paired(DIFFERENCES, rng())


def test_the_other_way_round_everything_is_mirrored() -> None:
    found, mirrored = paired(DIFFERENCES, rng()), paired([-one for one in DIFFERENCES], rng())
    assert mirrored.outcome == "less"
    assert (mirrored.mean, mirrored.signed_rank, mirrored.sign) == (
        pytest.approx(-found.mean),
        found.signed_rank,
        found.sign,
    )
    assert mirrored.tally.loss == found.tally.win


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([0.0] * 8, "cannot tell"),
        ([0.01] * 8, "more"),
        ([0.0] * 7 + [0.3], "cannot tell"),
        ([0.01, -0.01] * 4, "cannot tell"),
        ([-0.2, -0.21, -0.19, -0.2, -0.22, -0.18], "less"),
        ([0.5], "too few"),
    ],
)
def test_outcomes_of_odd_differences(values: list[float], outcome: str) -> None:
    assert paired(values, rng()).outcome == outcome


@pytest.mark.parametrize("values", [[], [0.1, math.nan], [math.inf]])
def test_what_is_no_difference_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one number or more"):
        paired(values, rng())


def test_six_clusters_are_the_fewest_that_can_reach_five_percent() -> None:
    def smallest_p(count: int) -> float:
        return float(stats.wilcoxon(np.arange(1, count + 1)).pvalue)

    assert smallest_p(FEWEST_CLUSTERS) <= 0.05 < smallest_p(FEWEST_CLUSTERS - 1)


def test_a_tie_is_as_wide_as_said() -> None:
    counted = tally([0.3, 0.05, -0.05, -0.3], tie=0.1)
    assert [share.count for share in (counted.win, counted.tie, counted.loss)] == [1, 2, 1]
    assert counted.tie.interval == wilson(2, 4)


def test_holm_never_helps_and_keeps_the_order() -> None:
    corrected = holm({"a": 0.04, "b": 0.001, "c": 0.03, "d": 0.9})
    assert corrected == pytest.approx({"a": 0.09, "b": 0.004, "c": 0.09, "d": 0.9})
    found = paired(DIFFERENCES, rng())
    assert found.with_correction(0.2).outcome == "cannot tell"
    assert holm({}) == {}


def test_two_kinds_of_clusters() -> None:
    values = [float(one) for one in rng().normal(size=40)]
    own = list(range(40))
    students = [at // 5 for at in own]
    concepts = [at % 5 for at in own]
    plain = stats.ttest_1samp(values, 0).confidence_interval()
    each_alone = two_way_interval(values, own, own)
    assert (each_alone.low, each_alone.high) == pytest.approx((plain.low, plain.high))
    crossed = two_way_interval(values, students, concepts)
    assert crossed == two_way_interval(values, concepts, students)
    # What all of a student's concepts share is no news of each: one big student effect makes the interval wide.
    shared = [value + 5 * (student % 2) for value, student in zip(values, students, strict=True)]
    # Concepts of one student each: the interval is the one by students.
    by_students = two_way_interval(shared, students, ["the same"] * 40)
    nested = two_way_interval(shared, students, own)
    assert (nested.low, nested.high) == pytest.approx((by_students.low, by_students.high))
    wide, naive = two_way_interval(shared, students, concepts), stats.ttest_1samp(shared, 0).confidence_interval()
    assert wide.high - wide.low > 1.5 * (naive.high - naive.low)
    with pytest.raises(ValueError, match="one cluster"):
        two_way_interval(values, [1] * 40, [1] * 40)


def test_the_interval_of_a_mean_covers_where_the_plain_bootstrap_does_not() -> None:
    """`benchmarks/findings/study_statistics.py` does this at length."""
    draw, missed = np.random.default_rng(3), 0
    for _ in range(60):
        missed += not mean_interval(draw.normal(size=8), draw).holds(0.0)
    assert missed <= 7


def test_power_grows_with_clusters_and_with_the_effect() -> None:
    few, many = (simulated_power(DIFFERENCES, count, rng()) for count in (6, 40))
    assert few < many
    assert many > 0.95
    needed = clusters_needed(DIFFERENCES, rng())
    assert needed.clusters is not None
    assert 6 <= needed.clusters <= 14
    assert clusters_needed([0.1, -0.1] * 4, rng()).clusters is None
    assert simulated_power([0.0] * 8, 20, rng()) == 0


def test_nothing_heavy_is_loaded_with_it() -> None:
    code = "import sys, compare.statistics; print(*sorted({'torch', 'scipy', 'pandas'} & set(sys.modules)))"
    assert not subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_values_are_values() -> None:
    assert Interval(-1, 1).joined(Interval(0, 2)) == Interval(-1, 2)
    assert isinstance(paired([1.0], rng()), PairedResult)
