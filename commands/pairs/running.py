"""Doing what options ask for: with a progress bar, and saying what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from commands.terminal.console import progress, say, say_note
from commands.terminal.display import open_report, show_pictures
from commands.terminal.options import OutputOptions, runs_folder, spoken_language

if TYPE_CHECKING:  # torch comes along with a session
    from compare.request import PairOptions
    from compare.runs.run import Run


def carry_out(options: PairOptions, output: OutputOptions, observations: str | None = None) -> Run:
    """Does what the options ask for with a progress bar and prints what came of it: the report's path, or the record.

    Says notes, the concept and the seed on standard error first. Whatever can be seen to be wrong without torch is told
    before it is loaded.
    """
    from compare.request import PairRequest

    request, notes = PairRequest.from_options(options)
    for note in notes:
        say_note(note, request.language)
    say(f"concept: {request.concept.text}\nseed: {request.settings.seed}")

    from compare.runs.gallery import Gallery
    from compare.session import Session

    session = Session(Gallery(runs_folder(output.runs)))
    return tell(watched(lambda **how: session.run(request, observations=observations, **how)), output)


def watched(work: Callable[..., Run]) -> Run:
    """Does the work, which takes `on_progress`, with a progress bar, and returns the run that came of it."""
    from compare.session import SessionStopped

    with progress() as on_progress:
        try:
            return work(on_progress=on_progress)
        except SessionStopped as stopped:
            say(f"what was finished is in {stopped.run.folder}")
            raise stopped.reason from stopped


def tell(run: Run, output: OutputOptions) -> Run:
    """Prints what came of a run: to standard output the report's path, or the record."""
    from compare.report import sentences
    from compare.view import verdict_of

    record = run.record
    prompts = record.prompts
    language = spoken_language(output.language, record.concept.language)
    writer = prompts.expander + (f" ({prompts.llm_model})" if prompts.llm_model else "")
    say(f"simple: {prompts.simple}\nexpanded: {prompts.expanded}\nwritten by: {writer}")
    for warning in (*prompts.warnings, *(record.findings.notes if record.findings is not None else ())):
        say_note(warning, language)
    verdict = None if record.findings is None else record.findings.verdict
    if verdict is not None:
        say(verdict_of(record, language))
        if verdict.kind == "one pair":
            say(f"hint: {sentences(language)['shell']['four_seeds']}")
    if output.as_json:
        print(json.dumps(json.loads(record.to_json()), ensure_ascii=False))
    else:
        show_pictures(run)
        print(run.report)
    if output.open_report:
        open_report(run.report)
    return run


def say_found(run: Run, instrument: str) -> None:
    """Says what an instrument has found, if it has lines for a shell."""
    from compare.instruments import INSTRUMENTS

    found = run.record.findings.results.get(instrument) if run.record.findings is not None else None
    for line in () if found is None else INSTRUMENTS[instrument].lines(found):
        say(line)
