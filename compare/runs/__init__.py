"""Runs: the record of a run, the run itself, and the gallery that keeps it."""

from __future__ import annotations

from compare.runs.errors import CannotWrite, GalleryError
from compare.runs.folder import write_whole
from compare.runs.gallery import Gallery
from compare.runs.index import RunRow, Wanted
from compare.runs.marks import MARKS_FILE, Marks, Vote, read_marks
from compare.runs.naming import LAST, run_named
from compare.runs.portable import text_without_folders, without_folders
from compare.runs.record import RECORD_FILE, Draft, PictureFile, Record, RecordError, parse_record, read_record
from compare.runs.run import REPORT_FILE, Run
from compare.runs.writer import RunEditor, RunWriter, run_name

__all__ = [
    "LAST",
    "MARKS_FILE",
    "RECORD_FILE",
    "REPORT_FILE",
    "CannotWrite",
    "Draft",
    "Gallery",
    "GalleryError",
    "Marks",
    "PictureFile",
    "Record",
    "RecordError",
    "Run",
    "RunEditor",
    "RunRow",
    "RunWriter",
    "Vote",
    "Wanted",
    "parse_record",
    "read_marks",
    "read_record",
    "run_name",
    "run_named",
    "text_without_folders",
    "without_folders",
    "write_whole",
]
