"""The bundle: runs of a notebook as one file to hand in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from compare.homework import require_place, student_of, write_bundle
from compare.notebook.arguments import checked
from compare.notebook.run import NotebookRun
from compare.request import RequestError
from templates import Language


@checked
def bundle(
    runs: Sequence[NotebookRun],
    to: str | os.PathLike[str],
    *,
    student: str | None = None,
    student_id: str | None = None,
    language: Language | None = None,
    pdf: bool = False,
) -> Path:
    """Writes these runs to one file to hand in, which ends in `.zip`: pictures, records and a report of all of them, in
    the language of the first unless said, with `pdf` to print as well. Returns the file, which `twinseed verify` looks
    through. Raises `TwinseedError`."""
    path = Path(to).expanduser()
    if path.suffix.lower() != ".zip":
        raise RequestError(
            "a bundle is a zip file, and {file} is none", hint="name a file that ends in .zip", file=path
        )
    write_bundle(
        require_place(path).absolute(),
        [one.run for one in runs],
        student=student_of(student, student_id),
        language=language or (runs[0].language if runs else "en"),
        created=datetime.now(UTC).replace(microsecond=0),
        pdf=pdf,
    )
    return path
