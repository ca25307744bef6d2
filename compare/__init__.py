"""What the words did: the record of a run, the gallery that keeps it, and its report.

Nothing here imports torch.
"""

from __future__ import annotations

from compare.instruments.distance import PictureScore, score
from compare.report.html import LANGUAGES, Language, render_report
from compare.runs.gallery import Gallery, GalleryError
from compare.runs.index import RunRow
from compare.runs.record import Record, RecordError, parse_record, read_record
from compare.runs.run import Run
from ideation.english.diff import Piece

__all__ = [
    "LANGUAGES",
    "Gallery",
    "GalleryError",
    "Language",
    "PictureScore",
    "Piece",
    "Record",
    "RecordError",
    "Run",
    "RunRow",
    "parse_record",
    "read_record",
    "render_report",
    "score",
]
