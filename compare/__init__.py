"""What the words did: the record of a run, the gallery that keeps it, and its report.

Nothing here imports torch. The word diff is `compare.diff.diff`; it is not repeated here, because the name of the
function would hide the module.
"""

from __future__ import annotations

from compare.diff import Piece
from compare.gallery import Gallery, GalleryError
from compare.picture_scores import PictureScore, score
from compare.record import Record, RecordError, parse_record, read_record
from compare.report import LANGUAGES, Language, render_report
from compare.run import Run, record_of
from compare.run_index import RunRow

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
    "record_of",
    "render_report",
    "score",
]
