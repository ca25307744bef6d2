"""What the words did: the request, the session that carries it out, runs and their records, and their reports.

Nothing here loads torch before it is used: `Session` does, and is imported when it is first asked for.

>>> request, notes = PairRequest.from_options(PairOptions(concept="a dog riding a bicycle", seed="7"))
>>> " ".join(request.to_command())
'twinseed pair --seed 7 -- a dog riding a bicycle'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from compare.instruments import INSTRUMENTS, Examination, Findings
from compare.request import PairOptions, PairRequest, RequestError, examination_of, request_from_json
from compare.runs import Gallery, GalleryError, Record, RecordError, Run, RunRow, parse_record, read_record
from compare.view import markdown_report, pdf_report, render_report, report_of

if TYPE_CHECKING:
    from compare.session import Progress, Session, SessionStopped

_WITH_TORCH = ("Progress", "Session", "SessionStopped")


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module("compare.session"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "INSTRUMENTS",
    "Examination",
    "Findings",
    "Gallery",
    "GalleryError",
    "PairOptions",
    "PairRequest",
    "Progress",
    "Record",
    "RecordError",
    "RequestError",
    "Run",
    "RunRow",
    "Session",
    "SessionStopped",
    "examination_of",
    "markdown_report",
    "parse_record",
    "pdf_report",
    "read_record",
    "render_report",
    "report_of",
    "request_from_json",
]
