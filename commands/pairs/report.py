"""`twinseed report`: a run's report once more, in another language or another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.terminal.display import open_report
from commands.terminal.options import (
    OpenReport,
    OptionError,
    ReportLanguage,
    RunName,
    Runs,
    path_of,
    run_of,
    spoken_language,
)


def report(
    run: RunName,
    markdown: Annotated[
        Path | None, typer.Option(parser=path_of, metavar="FILE.zip", help="As Markdown, with its pictures.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option(parser=path_of, metavar="FILE.pdf", help="As PDF, to print or to hand in.")
    ] = None,
    runs: Runs = None,
    language: ReportLanguage = None,
    opened: OpenReport = False,
) -> None:
    """Write a run's report again: in another language, as Markdown or as PDF."""
    from compare.view import render_report

    if opened and markdown is not None and pdf is None:
        raise OptionError("no browser shows Markdown in a zip file", hint="leave out --open, or --markdown")
    gallery, name = run_of(run, runs)
    if markdown is None and pdf is None:
        with gallery.edit(name) as editor:
            record = editor.run.record
            spoken = spoken_language(language, record.concept.language)
            written = editor.amend(record, {}, render_report(record, editor.run.files(), spoken))
        print(written.report)
        if opened:
            open_report(written.report)
        return
    found = gallery.open(name)
    record, pictures = found.record, found.files()
    spoken = spoken_language(language, record.concept.language)
    if markdown is not None:
        from compare.view import markdown_report

        _write(markdown, markdown_report(record, pictures, spoken))
    if pdf is not None:
        from compare.view import pdf_report

        _write(pdf, pdf_report(record, pictures, spoken))
        if opened:
            open_report(pdf)


def _write(file: Path, content: bytes) -> None:
    from compare.runs import write_whole

    try:
        if file.exists() and not file.is_file():  # a device or a pipe, which no file may take the place of
            file.write_bytes(content)
        else:
            write_whole(file.resolve(), content)
    except OSError as error:
        raise OptionError(
            "{file} cannot be written: {reason}",
            hint="name a file in a folder that you may write to",
            file=file,
            reason=error.strerror,
        ) from error
    print(file)
