"""The run: a finished pair of pictures (or several) in memory, and the record that is made of it."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from PIL import Image
from pydantic import JsonValue

from compare.instruments.distance import score
from compare.instruments.results import Findings
from compare.runs.record import VERSION, Record, checked_record
from generate.files import pixels_sha256
from generate.picture import Arm, Picture
from ideation.concept import Concept, Word
from ideation.prompt_pair import PromptPair

if TYPE_CHECKING:  # generate brings torch along, and a run is kept and shown without it
    from _typeshed import DataclassInstance

    from compare.runs.draft import Draft
    from generate.settings import RenderSettings


@dataclass(frozen=True)
class Run:
    """A finished run in memory: what the gallery writes and what the record is made from.

    `settings` are the resolved ones (no "auto", no size left open). `certificate` is a dataclass with the fields of
    `CertificateRecord`. `png_text` holds the text chunks of each picture, by arm and seed; `files` the bytes of the
    pictures that the findings name.
    """

    concept: Concept
    prompts: PromptPair
    settings: RenderSettings
    renders: Sequence[Picture]
    certificate: DataclassInstance
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    preset: str | None = None
    styles: tuple[str, ...] = ()
    draft: Draft | None = None
    png_text: Mapping[tuple[Arm, int], Mapping[str, str]] = field(default_factory=dict)
    findings: Findings | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    observations: str | None = None


def picture_file(render: Picture) -> str:
    """The name of a picture's file inside its run."""
    return f"{render.arm}-{render.seed}.png"


def record_of(run: Run, png: Mapping[str, bytes]) -> Record:
    """The record of a run whose picture files have the bytes `png`, by file name.

    Raises `RecordError` when the run contradicts itself, as with an arm missing or unresolved settings.
    """
    images = {(render.seed, render.arm): render.image for render in run.renders}
    certificate = asdict(run.certificate)
    certificate["latents_sha256"] = {str(seed): dict(both) for seed, both in certificate["latents_sha256"].items()}
    certificate["scheduler"] = _as_json(certificate["scheduler"])
    for name in ("given_up", "noise_floor"):
        certificate[name] = _by_seed(certificate.get(name, {}))
    certificate["differs"] = tuple(certificate["differs"])
    certificate["batch_shape"] = tuple(certificate["batch_shape"])
    content: dict[str, object] = {
        "version": VERSION,
        "concept": asdict(run.concept)
        | {part: _word(getattr(run.concept, part)) for part in ("topic", "action", "style")}
        | {"seed": None if run.concept.seed is None else str(run.concept.seed)},
        "prompts": asdict(run.prompts),
        "settings": asdict(run.settings)
        | {"seed": str(run.settings.seed), "digest": run.settings.digest, "preset": run.preset, "styles": run.styles},
        "renders": tuple(_render(render, png[picture_file(render)]) for render in run.renders),
        "certificate": certificate,
        "scores": {
            str(seed): asdict(score(images[seed, "simple"], images[seed, "expanded"]))
            for seed, arm in images
            if arm == "simple" and (seed, "expanded") in images
        },
        "created": run.created.astimezone(UTC).replace(microsecond=0),
        "findings": None if run.findings is None else with_hashes(run.findings, run.files).model_dump(),
        "observations": run.observations,
        "draft": None if run.draft is None else asdict(run.draft) | {"drift": _by_seed(run.draft.drift)},
    }
    return checked_record(content)


def with_hashes(findings: Findings, files: Mapping[str, bytes]) -> Findings:
    """The findings with the SHA-256 of each of their `files`."""
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in findings.files}
    return findings.model_copy(update={"sha256": hashes})


def _by_seed(found: Mapping[int, Any]) -> dict[str, Any]:
    return {str(seed): value for seed, value in found.items()}


def _word(word: Word | None) -> dict[str, str] | None:
    return None if word is None else {"en": word.en, "zh": word.zh}


def _render(render: Picture, png: bytes) -> dict[str, object]:
    with Image.open(io.BytesIO(png)) as stored:  # what the file says, not what was meant to go into it
        pixels = stored.convert("RGB")
    return {
        "arm": render.arm,
        "seed": str(render.seed),
        "file": picture_file(render),
        "sha256": hashlib.sha256(png).hexdigest(),
        "pixels_sha256": pixels_sha256(pixels),
        "width": pixels.width,
        "height": pixels.height,
        "seconds": round(float(render.seconds), 3),
    }


def _as_json(value: object) -> JsonValue:
    """A scheduler's configuration as JSON has it: diffusers keeps tuples, arrays and -inf in there."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return float(value) if math.isfinite(value) else str(float(value))
        case dict():
            return {str(name): _as_json(entry) for name, entry in value.items()}
        case list() | tuple():
            return [_as_json(entry) for entry in value]
        case _:
            return _as_json(value.tolist()) if hasattr(value, "tolist") else str(value)
