"""Doing a job: with a progress bar, and saying what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from commands.console import progress, say
from commands.options import spoken_language

if TYPE_CHECKING:
    from compare.runs.record import Record
    from compare.session import Job


def carry_out(job: Job, runs: Path, as_json: bool, open_report: bool) -> Record:
    """Does the job with a progress bar and prints what came of it: the report's path, or the record."""
    from compare.runs.gallery import Gallery
    from compare.session import run_job

    return tell(watched(lambda **how: run_job(job, Gallery(runs), **how)), as_json, open_report)


def watched(work: Callable[..., Path]) -> Path:
    """Does the work, which takes `on_progress`, with a progress bar, and returns the folder that came of it."""
    from compare.session import JobStopped

    with progress() as on_progress:
        try:
            return work(on_progress=on_progress)
        except JobStopped as stopped:
            say(f"what was finished is in {stopped.folder}")
            raise stopped.reason from stopped


def tell(folder: Path, as_json: bool, open_report: bool) -> Record:
    """Prints what came of a run: to standard output the report's path, or the record."""
    from compare.report.view import verdict_of_record
    from compare.runs.record import RECORD_FILE, read_record

    record = read_record(folder / RECORD_FILE)
    prompts = record.prompts
    writer = prompts.expander + (f" ({prompts.llm_model})" if prompts.llm_model else "")
    say(f"simple: {prompts.simple}\nexpanded: {prompts.expanded}\nwritten by: {writer}")
    for warning in (*prompts.warnings, *(record.findings.notes if record.findings is not None else ())):
        say(f"note: {warning}")
    verdict = None if record.findings is None else record.findings.verdict
    if verdict is not None:
        say(verdict_of_record(record, spoken_language(None, record.concept.language).value))
        if verdict.kind == "one pair":
            say("hint: --images 4 renders four seeds")
    if as_json:
        print(json.dumps(json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")), ensure_ascii=False))
    else:
        print(folder / "report.html")
    if open_report:
        typer.launch(str(folder / "report.html"))
    return record
