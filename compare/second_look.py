"""A second look: more instruments on a run that is there already, somebody's own words on it, and its report again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from compare.instruments.context import Bench
from compare.instruments.examination import Examination, ExaminationStopped, open_scorer
from compare.instruments.results import Findings
from compare.report.html import Language
from compare.runs.gallery import Gallery
from compare.runs.recall import prompts_of, settings_of
from compare.runs.record import Record
from compare.runs.run import with_hashes
from compare.session import JobStopped, Progress, look
from generate.models import OpenModel, embeddings_in, open_model
from generate.settings import SettingsError


@dataclass(frozen=True)
class SecondLook:
    """`run` is a name in the gallery. `examination` None leaves the findings as they are; `observations` None leaves
    the words as they are, and an empty text takes them out."""

    run: str
    examination: Examination | None = None
    observations: str | None = None
    language: Language = "en"
    allow_pickle: bool = False


def look_again(
    wanted: SecondLook,
    gallery: Gallery,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    open_model: Callable[..., OpenModel] = open_model,
) -> Path:
    """Adds to the run what is wanted, writes its record and report again, and returns its folder.

    Raises `SettingsError` where the model is not the one that made the run, other `TwinseedError`, or `JobStopped`
    where some findings were finished and saved.
    """
    record, pictures = gallery.open_record(wanted.run), gallery.pictures(wanted.run)
    if wanted.observations is not None:
        record = record.model_copy(update={"observations": wanted.observations.strip() or None})

    def write(findings: Findings | None, files: Mapping[str, bytes]) -> Path:
        on_progress(Progress("write"))
        if findings is None:
            return gallery.amend(wanted.run, record, {}, wanted.language)
        hashed = with_hashes(findings, {**pictures, **files})
        return gallery.amend(wanted.run, record.model_copy(update={"findings": hashed}), files, wanted.language)

    if wanted.examination is None:
        return write(None, {})
    on_progress(Progress("open", record.settings.model))
    bench, notes = _bench(record, pictures, wanted, open_model)
    try:
        findings = look(bench, wanted.examination, on_progress, before=record.findings, notes=notes)
    except ExaminationStopped as stopped:
        raise JobStopped(write(stopped.findings, bench.files), stopped.reason) from stopped
    return write(findings, bench.files)


def _bench(
    record: Record, pictures: Mapping[str, bytes], wanted: SecondLook, open_model: Callable[..., OpenModel]
) -> tuple[Bench, tuple[str, ...]]:
    """The bench as it was when the run was made, with the pictures of its files."""
    settings, prompts = settings_of(record), prompts_of(record)
    model = open_model(
        settings.model,
        device=settings.device,
        dtype=settings.dtype,
        vae=settings.vae,
        fast=settings.fast,
        allow_pickle=wanted.allow_pickle,
    )
    if model.digest != record.certificate.model_digest:
        raise SettingsError(
            f"the model {settings.model} is not the one that made the run: its weights are others",
            hint="pictures of two models cannot be compared; make the run again with `twinseed pair`",
        )
    model.load(
        [(one.name, one.text_encoder, one.unet) for one in settings.adapters],
        embeddings_in(prompts.simple, prompts.expanded, prompts.negative),
        allow_pickle=wanted.allow_pickle,
    )
    images: dict[tuple[str, int], Image.Image] = {
        (one.arm, int(one.seed)): Image.open(BytesIO(pictures[one.file])).convert("RGB") for one in record.renders
    }
    assert wanted.examination is not None  # noqa: S101 - for the type checker
    clip, notes = open_scorer(wanted.examination, model)
    return Bench(prompts, settings, model, images, clip), notes
