"""What the words did: the record of a run, the gallery that keeps it, and its report.

Nothing here imports torch.
"""

from __future__ import annotations

from compare.instruments import PictureScore, score
from compare.runs.gallery import Gallery, GalleryError
from compare.runs.index import RunRow
from compare.runs.record import Record, RecordError, parse_record, read_record
from compare.runs.run import Run
from compare.view import render_report
from ideation.english import Piece
from templates import LANGUAGES, Language

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
