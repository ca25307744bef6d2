"""Instruments: what can be found out about a rendered pair. A new one is a file here and a line in `table.py`.

Nothing here loads torch before it is put to work.

>>> list(INSTRUMENTS)
['ruler', 'placebo', 'ladder', 'morph', 'attention', 'sweep', 'blind']
>>> Examination(instruments=("sweep",)).options_of("sweep").steps
(5, 10, 20, 30, 50)
"""

from __future__ import annotations

from compare.instruments.context import Context, Instrument, Scorer
from compare.instruments.distance import DistanceRecord, PictureScore, difference_map, score
from compare.instruments.examination import Examination, ExaminationStopped, examine, open_scorer
from compare.instruments.results import Findings
from compare.instruments.table import INSTRUMENTS

__all__ = [
    "INSTRUMENTS",
    "Context",
    "DistanceRecord",
    "Examination",
    "ExaminationStopped",
    "Findings",
    "Instrument",
    "PictureScore",
    "Scorer",
    "difference_map",
    "examine",
    "open_scorer",
    "score",
]
