"""The record of a run: everything that made its pictures, as `record.json` keeps it.

`record.schema.json` beside this file is written from the models below by `python -m compare.runs.record`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, JsonValue, ValidationError, model_validator
from pydantic_core import from_json

from compare.instruments.results import Findings
from ideation.errors import TwinseedError
from ideation.values import Count, FileName, Seed, Sha256, StrictModel
from ideation.values import Positive as Pixels

VERSION = 1
RECORD_FILE = "record.json"
SCHEMA_FILE = Path(__file__).with_name("record.schema.json")
ARMS = ("simple", "expanded")


class RecordError(TwinseedError):
    """A record that is missing, unreadable, from another version, or that contradicts itself."""


class WordRecord(StrictModel):
    """One part of a drawn concept, in English and in 繁體中文."""

    en: str
    zh: str


class ConceptRecord(StrictModel):
    """What the picture was to show; the parts are null when somebody typed it."""

    text: str
    language: str
    topic: WordRecord | None = None
    action: WordRecord | None = None
    style: WordRecord | None = None
    index: Count | None = None
    seed: Seed | None = None


class TokenRecord(StrictModel):
    """What an encoder with `limit` tokens sees, start and end tokens included; `dropped` fell off the end."""

    limit: Count
    simple: Count
    expanded: Count
    dropped: tuple[str, ...] = ()


class PromptRecord(StrictModel):
    """Both prompts and how they came about: the keys of `twinseed expand --json`."""

    source: str
    language: str
    simple: str
    expanded: str
    negative: str
    expander: str
    llm_model: str | None
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    tokens: TokenRecord
    warnings: tuple[str, ...] = ()


class AdapterRecord(StrictModel):
    """A LoRA that both arms were drawn with; the weights multiply its change of the text encoder and the U-Net."""

    name: str
    text_encoder: float
    unet: float


class SettingsRecord(StrictModel):
    """The settings as they were used: nothing is "auto" here, and sizes are pixels."""

    model: str
    scheduler: str
    num_inference_steps: Annotated[int, Field(ge=1)]
    guidance_scale: float
    width: Pixels
    height: Pixels
    seed: Seed
    images: Annotated[int, Field(ge=1)]
    device: str
    dtype: str
    digest: Sha256
    long_prompts: Literal["truncate", "chunk"] = "truncate"
    clip_skip: Count = 0
    vae: str | None = None
    adapters: tuple[AdapterRecord, ...] = ()
    fast: bool = False
    preset: str | None = None
    styles: tuple[str, ...] = ()


class RenderRecord(StrictModel):
    """One picture. `sha256` is of the file's bytes, `pixels_sha256` of its RGB bytes, row by row."""

    arm: Literal["simple", "expanded"]
    seed: Seed
    file: FileName
    sha256: Sha256
    pixels_sha256: Sha256
    width: Pixels
    height: Pixels
    seconds: Annotated[float, Field(ge=0)]


class LatentsRecord(StrictModel):
    """SHA-256 of the noise that each arm of one seed began with."""

    simple: Sha256
    expanded: Sha256


class SchedulerRecord(StrictModel):
    """The scheduler that both arms used; infinite numbers of its configuration are the strings "inf" and "-inf"."""

    class_name: str
    config: dict[str, JsonValue]


class NoiseFloorRecord(StrictModel):
    """How far the simple picture moves when it is rendered alone: on average (0..1), and its furthest byte (0..255)."""

    mean_absolute_difference: Annotated[float, Field(ge=0, le=1)]
    largest_difference: Annotated[int, Field(ge=0, le=255)]


class CertificateRecord(StrictModel):
    """Proof that the two arms of a seed differ in the prompt alone."""

    same_seed: bool
    differs: tuple[str, ...]
    latents_sha256: Annotated[dict[Seed, LatentsRecord], Field(json_schema_extra={"additionalProperties": False})]
    scheduler: SchedulerRecord
    unet_evaluations: Count
    batch_shape: tuple[Count, ...]
    device: str
    dtype: str
    model_digest: str
    libraries: dict[str, str]
    context: dict[str, Count] = Field(default_factory=dict)
    adapters: dict[str, Sha256] = Field(default_factory=dict)
    given_up: Annotated[
        dict[Seed, tuple[str, ...]], Field(default_factory=dict, json_schema_extra={"additionalProperties": False})
    ]
    noise_floor: Annotated[
        dict[Seed, NoiseFloorRecord], Field(default_factory=dict, json_schema_extra={"additionalProperties": False})
    ]

    @property
    def offences(self) -> tuple[str, ...]:
        """What differs between the arms although only the prompt may."""
        return tuple(name for name in self.differs if name != "prompt")

    @property
    def holds(self) -> bool:
        return self.same_seed and not self.offences


class ScoreRecord(StrictModel):
    """How far apart the two pictures of one seed are; see `compare.instruments.distance`."""

    mean_absolute_difference: Annotated[float, Field(ge=0, le=1)]
    ssim: Annotated[float, Field(ge=-1, le=1)]


class DriftRecord(StrictModel):
    """How far either picture of a seed moved from its draft: mean absolute difference, 0 to 1."""

    simple: Annotated[float, Field(ge=0, le=1)]
    expanded: Annotated[float, Field(ge=0, le=1)]


class DraftRecord(StrictModel):
    """The run of fewer steps that this one refines. `settles` is what is known of its scheduler."""

    run: str
    num_inference_steps: Annotated[int, Field(ge=1)]
    settles: bool
    drift: Annotated[dict[Seed, DriftRecord], Field(json_schema_extra={"additionalProperties": False})]


class Record(StrictModel):
    """The whole of `record.json`."""

    version: Literal[1]
    concept: ConceptRecord
    prompts: PromptRecord
    settings: SettingsRecord
    renders: Annotated[tuple[RenderRecord, ...], Field(min_length=2)]
    certificate: CertificateRecord
    scores: Annotated[dict[Seed, ScoreRecord], Field(json_schema_extra={"additionalProperties": False})]
    created: AwareDatetime
    draft: DraftRecord | None = None
    findings: Findings | None = None
    observations: str | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Record:
        made = [(render.seed, render.arm) for render in self.renders]
        if sorted(made) != sorted((seed, arm) for seed in self.seeds for arm in ARMS):
            raise ValueError("every seed needs exactly one simple and one expanded picture")
        if len({render.file for render in self.renders}) < len(made):
            raise ValueError("two pictures share one file")
        if self.findings is not None:
            if set(self.findings.files) & {render.file for render in self.renders}:
                raise ValueError("the findings claim a file of the pair itself")
            if set(self.findings.files) != set(self.findings.sha256):
                raise ValueError("every file of the findings needs its hash, and nothing else has one")
        for what, named in (("scores", self.scores), ("latents", self.certificate.latents_sha256)):
            if set(named) != set(self.seeds):
                raise ValueError(f"the {what} are for seeds {sorted(named)}, the pictures for {sorted(self.seeds)}")
        if self.certificate.same_seed and any(
            latents.simple != latents.expanded for latents in self.certificate.latents_sha256.values()
        ):
            raise ValueError("the certificate says 'same seed', but its latents differ")
        return self

    @property
    def seeds(self) -> list[int]:
        """The seeds with pictures, in the order in which they were rendered."""
        return list(dict.fromkeys(render.seed for render in self.renders))

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all picture files of the run: the pairs', then those of the findings."""
        return tuple(render.file for render in self.renders) + (() if self.findings is None else self.findings.files)

    def pair(self, seed: int) -> tuple[RenderRecord, RenderRecord]:
        """The simple and the expanded picture of `seed`, which must be one of `seeds`."""
        of_seed = {render.arm: render for render in self.renders if render.seed == seed}
        return of_seed["simple"], of_seed["expanded"]

    def to_json(self) -> str:
        """The text of `record.json`: UTF-8 as it is, two spaces of indentation, a newline at the end."""
        without = {name for name in ("draft", "findings", "observations") if getattr(self, name) is None}
        return self.model_dump_json(indent=2, exclude=without) + "\n"


def checked_record(content: dict[str, object]) -> Record:
    """The record with that content, from Python values. Raises `RecordError` when it contradicts itself."""
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        raise RecordError(
            f"the run cannot be recorded: {_complaints(error)}", hint="this is a fault of the program: please report it"
        ) from error


def read_record(path: Path) -> Record:
    """The record in the file `path`. Raises `RecordError` saying what is wrong with it, and where."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RecordError(
            f"there is no record at {path}", hint=f"a run is a folder with {RECORD_FILE} in it; name one that has it"
        ) from error
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}", hint="check the name and who may read it") from error
    return parse_record(content, str(path))


def parse_record(content: bytes, name: str = RECORD_FILE) -> Record:
    """The record whose JSON is `content`; errors call it `name`. Raises `RecordError`."""
    try:
        found = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise RecordError(
            f"{name} is not JSON: {error}", hint="the file was cut off or changed; copy the run again"
        ) from error
    version = found.get("version") if isinstance(found, dict) else None
    if type(version) is not int or version != VERSION:
        raise RecordError(
            f"{name} is not a record of version {VERSION}: its version is {version!r}",
            hint="a newer Twinseed may have written it: upgrade, or choose another run",
        )
    try:
        return Record.model_validate_json(content)
    except ValidationError as error:
        raise RecordError(
            f"{name} is not a valid record: {_complaints(error)}",
            hint="it was changed by hand or by another program; copy the run again from where it was made",
        ) from error


def schema_json() -> str:
    """The JSON Schema (draft 2020-12) of `record.json`, as text."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | Record.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _complaints(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    named = [f"{'.'.join(map(str, p['loc'])) or 'record'}: {p['msg'].removeprefix('Value error, ')}" for p in problems]
    return "; ".join(named[:3]) + (f"; and {len(named) - 3} more" if len(named) > 3 else "")


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_json(), encoding="utf-8")
