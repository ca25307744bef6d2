"""Statistics of paired differences that come in clusters: seeds within concepts, concepts within students.

The unit is the cluster. Seeds of one concept are repeats, not independent samples: their differences are averaged first
(`cluster_means`), and everything else is said of those means. Nothing here loads torch, and scipy only when it is used.
`benchmarks/findings/study_statistics.py` simulates how often these intervals cover and these tests err.
"""

from __future__ import annotations

from compare.statistics.correction import holm
from compare.statistics.interval import Interval, mean_interval, standardized_interval, two_way_interval, wilson
from compare.statistics.paired import (
    ALPHA,
    FEWEST_CLUSTERS,
    Outcome,
    PairedResult,
    Share,
    Tally,
    cluster_means,
    paired,
    tally,
)
from compare.statistics.power import MOST_CLUSTERS, Power, clusters_needed, simulated_power

__all__ = [
    "ALPHA",
    "FEWEST_CLUSTERS",
    "MOST_CLUSTERS",
    "Interval",
    "Outcome",
    "PairedResult",
    "Power",
    "Share",
    "Tally",
    "cluster_means",
    "clusters_needed",
    "holm",
    "mean_interval",
    "paired",
    "simulated_power",
    "standardized_interval",
    "tally",
    "two_way_interval",
    "wilson",
]
