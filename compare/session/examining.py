"""Examining: what instruments find in the pictures of a run that is there, with its progress told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compare.instruments import Context, Examination, ExaminationStopped, Findings, examine
from compare.runs.record import Record
from compare.runs.run import Run, hashes_of
from compare.runs.writer import RunEditor
from compare.session.kept_open import KeptOpen
from compare.session.preparation import load_extras
from compare.session.progress import OnProgress, Progress
from compare.session.stopped import SessionStopped
from compare.view import render_report
from generate.choices import earlier_family
from generate.models import OpenModel
from generate.settings import SettingsError
from templates import Language


def examine_run(
    editor: RunEditor,
    kept: KeptOpen,
    examination: Examination | None,
    observations: str | None,
    *,
    allow_pickle: bool,
    language: Language,
    on_progress: OnProgress,
) -> Run:
    """The run with what the instruments find in it, and a new report. Raises as `Session.examine` does."""
    run = editor.run
    pictures, record = run.files(), run.record
    if observations is not None:
        record = record.model_copy(update={"observations": observations.strip() or None})

    def write(found: Findings | None, files: Mapping[str, bytes]) -> Run:
        on_progress(Progress("write"))
        written = record if found is None else with_findings(record, found, files)
        return editor.amend(written, files, render_report(written, {**pictures, **files}, language))

    if examination is None:
        return write(None, {})
    examination.require(kept.environ)
    model = kept.model(record.settings, allow_pickle, on_progress)
    require_model_of(record, model)
    examination.require_family(model.family, record.settings)
    load_extras(model, record.settings, record.prompts, allow_pickle=allow_pickle)
    context, notes = kept.context(run, examination, model)

    def keep(found: Findings) -> None:
        files = {name: content for name, content in context.files.items() if name in found.files}
        editor.amend(with_findings(record, found, files), files, None)

    try:
        found = look(context, examination, on_progress, before=record.findings, notes=notes, on_found=keep)
    except ExaminationStopped as stopped:
        raise SessionStopped(write(stopped.findings, context.files), stopped.reason) from stopped
    return write(found, context.files)


def look(
    context: Context,
    wanted: Examination,
    on_progress: OnProgress,
    *,
    before: Findings | None = None,
    notes: tuple[str, ...] = (),
    on_found: Callable[[Findings], None] = lambda _: None,
) -> Findings:
    """The examination, with its progress told. Raises `ExaminationStopped`."""
    at_work = ""

    def on_instrument(name: str) -> None:
        nonlocal at_work
        at_work = name
        on_progress(Progress("look", name))

    context.on_step = lambda step: on_progress(Progress("look", at_work, step))
    return examine(context, wanted, before=before, notes=notes, on_instrument=on_instrument, on_found=on_found)


def require_model_of(record: Record, model: OpenModel) -> None:
    """Raises `SettingsError` where other weights bear the name of the run's model."""
    if model.digest != record.certificate.model_digest:
        if (family := earlier_family(record.certificate.model_digest)) is not None:
            raise SettingsError(
                "an older {title} drew these pictures, and its weights are not part of this version of Twinseed",
                hint="pictures of two models cannot be compared: make the pair anew, which gives other pictures",
                title=family.title,
            )
        raise SettingsError(
            "the model {model} is not the one that made the run: its weights are others",
            hint="pictures of two models cannot be compared; make the run again with `twinseed pair`",
            model=record.settings.model,
        )


def with_findings(record: Record, found: Findings, files: Mapping[str, bytes]) -> Record:
    """The record with these findings; `files` are the bytes of those of their pictures that are new."""
    known = {} if record.findings is None else dict(record.findings.sha256)
    hashes = known | hashes_of(files)
    return record.model_copy(
        update={"findings": found.model_copy(update={"sha256": {name: hashes[name] for name in found.files}})}
    )
