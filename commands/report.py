"""`twinseed report`: a run's report once more, in another language or another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import OpenReport, OptionError, ReportLanguage, RunName, Runs, run_of, spoken_language


def report(
    run: RunName,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE.zip", help="As Markdown, with its pictures.")] = None,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE.pdf", help="As PDF, to print or to hand in.")] = None,
    runs: Runs = None,
    language: ReportLanguage = None,
    open_report: OpenReport = False,
) -> None:
    """Write a run's report again: in another language, as Markdown or as PDF."""
    from compare.runs.gallery import REPORT_FILE

    gallery, name = run_of(run, runs)
    record, pictures = gallery.open_record(name), gallery.pictures(name)
    spoken = spoken_language(language, record.concept.language)
    if markdown is not None:
        from compare.report.markdown import markdown_zip

        _write(markdown, markdown_zip(record, pictures, spoken.value))
    if pdf is not None:
        from compare.report.pdf import pdf_report

        _write(pdf, pdf_report(record, pictures, spoken.value))
    if markdown is None and pdf is None:
        folder = gallery.amend(name, record, {}, spoken.value)
        print(folder / REPORT_FILE)
        if open_report:
            typer.launch(str(folder / REPORT_FILE))


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise OptionError(
            f"{file} cannot be written: {error.strerror}", hint="name a file in a folder that you may write to"
        ) from error
    print(file)
