"""The record of a run: everything that made its pictures, as `record.json` keeps it.

It holds the values that the run was made of as they are. `record.schema.json` beside this file is written from the
models below by `make docs`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from compare.instruments import Findings, PictureScore
from compare.request import PairRequest
from generate.picture import ARMS, Arm, Certificate
from generate.settings import RenderSettings
from ideation import Concept, PromptPair, TwinseedError, read_plain_file
from ideation.files import STRICT, FileName, Positive, Seed, Sha256, Share, StrictModel, complaint_of
from templates import language_for

VERSION = 2
RECORD_FILE = "record.json"
#: Bytes. One of a hundred seeds with every instrument has less than one.
MAX_RECORD = 16_000_000
#: Each makes an object of its own: a record of a thousand seeds has some ten thousand.
MAX_BRACKETS = 200_000
SCHEMA_FILE = Path(__file__).with_name("record.schema.json")

_BY_SEED = {"additionalProperties": False}


class RecordError(TwinseedError):
    """A record that is missing, unreadable, from another version, or that contradicts itself."""


class PictureFile(StrictModel):
    """One picture on the disk. `sha256` is of the file's bytes, `pixels_sha256` of its RGB bytes, row by row; `seconds`
    is its half of the pair's wall time."""

    arm: Arm
    seed: Seed
    file: FileName
    sha256: Sha256
    pixels_sha256: Sha256
    width: Positive
    height: Positive
    seconds: Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class Draft:
    """The run of fewer steps that this one refines. `settles` is what is known of its scheduler; `drift` says how far
    either picture of a seed moved from the draft's: mean absolute difference, 0 to 1."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    run: str
    num_inference_steps: Positive
    settles: bool
    drift: dict[Seed, dict[Arm, Share]] = field(default_factory=dict)


class Record(StrictModel):
    """The whole of `record.json`.

    `request` is what was asked for; `settings` and `prompts` are what came of it: nothing is "auto" there, sizes are
    pixels, styles are in the prompts, and `settings.images` is the number of seeds that are finished. `complete`: all
    that was asked for is there; the same request goes on with a run of which that is not said.
    """

    version: Literal[2] = 2
    concept: Concept
    request: PairRequest
    prompts: PromptPair
    settings: RenderSettings
    renders: Annotated[tuple[PictureFile, ...], Field(min_length=2)]
    certificate: Certificate
    scores: Annotated[dict[Seed, PictureScore], Field(json_schema_extra=_BY_SEED)]
    created: AwareDatetime
    complete: bool = True
    draft: Draft | None = None
    findings: Findings | None = None
    observations: str | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Record:
        made = [(picture.seed, picture.arm) for picture in self.renders]
        if sorted(made) != sorted((seed, arm) for seed in self.seeds for arm in ARMS):
            raise ValueError("every seed needs exactly one simple and one expanded picture")
        if self.seeds != self.settings.seeds:
            raise ValueError(f"the settings are for seeds {self.settings.seeds}, the pictures for {self.seeds}")
        if len({picture.file for picture in self.renders}) < len(made):
            raise ValueError("two pictures share one file")
        if "auto" in (self.settings.device, self.settings.dtype) or not (self.settings.width and self.settings.height):
            raise ValueError("the settings leave something open")
        if self.findings is not None:
            if set(self.findings.files) & {picture.file for picture in self.renders}:
                raise ValueError("the findings claim a file of the pair itself")
            if set(self.findings.files) != set(self.findings.sha256):
                raise ValueError("every file of the findings needs its hash, and nothing else has one")
        for what, named in (("scores", self.scores), ("latents", self.certificate.latents_sha256)):
            if set(named) != set(self.seeds):
                raise ValueError(f"the {what} are for seeds {sorted(named)}, the pictures for {sorted(self.seeds)}")
        if any(set(both) != set(ARMS) for both in self.certificate.latents_sha256.values()):
            raise ValueError("the certificate needs the latents of both arms")
        if self.certificate.same_seed and any(
            len(set(both.values())) > 1 for both in self.certificate.latents_sha256.values()
        ):
            raise ValueError("the certificate says 'same seed', but its latents differ")
        return self

    @property
    def seeds(self) -> list[int]:
        """The seeds with pictures, in the order in which they were rendered."""
        return list(dict.fromkeys(picture.seed for picture in self.renders))

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all picture files of the run: the pairs', then those of the findings."""
        return tuple(picture.file for picture in self.renders) + (() if self.findings is None else self.findings.files)

    def pair(self, seed: int) -> tuple[PictureFile, PictureFile]:
        """The simple and the expanded picture of `seed`, which must be one of `seeds`."""
        of_seed = {picture.arm: picture for picture in self.renders if picture.seed == seed}
        return of_seed["simple"], of_seed["expanded"]

    def repeat_request(self) -> PairRequest:
        """A request that makes these pictures again: prompts and settings as they were used, nothing left open, and the
        instruments whose findings are there. No expander has to be asked, no style or preset is put on twice."""
        options = {} if self.findings is None else self.request.examination.options
        return replace(
            self.request,
            settings=self.settings,
            simple=self.prompts.simple,
            expanded=self.prompts.expanded,
            negative=self.prompts.negative,
            expander="auto",
            llm_model=None,
            template=None,
            tokens="chunk" if self.settings.long_prompts == "chunk" else "fit",
            cache=True,
            preset=None,
            styles=(),
            aspect=None,
            noise_floor=bool(self.certificate.noise_floor),
            examination=replace(self.request.examination, instruments=self._instruments(), options=options),
            draft=None,
        )

    def repeat_command(self) -> list[str]:
        """The words of the command line that makes these pictures again, bit for bit on the same machine, libraries,
        model files and word lists. Observations are not in it."""
        return self.repeat_request().to_command()

    def to_json(self) -> str:
        """The text of `record.json`: UTF-8 as it is, two spaces of indentation, a newline at the end."""
        without = {name for name in ("draft", "findings", "observations") if getattr(self, name) is None}
        without |= {"complete"} if self.complete else set()
        return self.model_dump_json(indent=2, exclude=without) + "\n"

    def _instruments(self) -> tuple[str, ...]:
        return () if self.findings is None else tuple(self.findings.results)


def checked_record(**content: Any) -> Record:
    """The record with that content, from Python values. Raises `RecordError` when it contradicts itself."""
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        raise RecordError(
            "the run cannot be recorded: {complaints}",
            hint="this is a fault of the program: please report it",
            complaints=complaint_of(error, whole="record", most=3),
        ) from error


def read_record(path: Path) -> Record:
    """The record in the file `path`. Raises `RecordError` saying what is wrong with it, and where."""
    try:
        content = read_plain_file(path, MAX_RECORD)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RecordError(
            "there is no record at {path}",
            hint="a run is a folder with {record_file} in it; name one that has it",
            path=path,
            record_file=RECORD_FILE,
        ) from error
    except OSError as error:
        raise RecordError(
            "cannot read {path}: {reason}", hint="check the name and who may read it", path=path, reason=error.strerror
        ) from error
    return parse_record(content, str(path))


def parse_record(content: bytes, name: str = RECORD_FILE) -> Record:
    """The record whose JSON is `content`, of this version or brought up from version 1; errors call it `name`.

    Raises `RecordError`.
    """
    if content.count(b"[") + content.count(b"{") > MAX_BRACKETS:
        raise RecordError(
            "{name} has more than {most:,} brackets, as no record has",
            hint="the file was cut off or changed; copy the run again",
            name=name,
            most=MAX_BRACKETS,
        )
    try:
        found = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise RecordError(
            "{name} is not JSON: {error}",
            hint="the file was cut off or changed; copy the run again",
            name=name,
            error=error,
        ) from error
    version = found.get("version") if isinstance(found, dict) else None
    if type(version) is not int or version not in (1, VERSION):
        raise RecordError(
            "{name} is not a record of version 1 or {version}: its version is {version_2!r}",
            hint="a newer Twinseed may have written it: upgrade, or choose another run",
            name=name,
            version=VERSION,
            version_2=version,
        )
    changed = "it was changed by hand or by another program; copy the run again from where it was made"
    try:
        if version == 1:
            content = json.dumps(_from_version_1(found)).encode()
        return Record.model_validate_json(content)
    except ValidationError as error:
        raise RecordError(
            "{name} is not a valid record: {complaints}",
            hint="{changed}",
            name=name,
            complaints=complaint_of(error, whole="record", most=3),
            changed=changed,
        ) from error
    except TwinseedError as error:  # a value of ours that cannot be made
        raise RecordError(
            "{name} is not a valid record: {error}", hint="{changed}", name=name, error=error, changed=changed
        ) from error
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise RecordError(
            "{name} is not a valid record: {error!r}", hint="{changed}", name=name, error=error, changed=changed
        ) from error


def _from_version_1(old: dict[str, Any]) -> dict[str, Any]:
    """A record of version 1 as one of version 2. What had been asked for was not recorded then: the request is made of
    what came of it, with the names of preset, styles, expander and draft."""
    settings, certificate = {**old["settings"]}, {**old["certificate"]}
    early = [*({"request"} & set(old)), *({"compiled"} & set(settings)), *({"evaluations"} & set(certificate))]
    if early:
        raise RecordError("it has what came with version 2: {early}", hint="", early=early[0])
    del settings["digest"]
    preset, styles = settings.pop("preset", None), settings.pop("styles", [])
    settings["compiled"] = "torch.compile" in certificate["libraries"]
    certificate["evaluations"] = certificate.pop("unet_evaluations")
    prompts, concept, findings = old["prompts"], old["concept"], old.get("findings") or {}
    given = prompts["expander"] == "given"
    instruments = [name for name in _OF_VERSION_1 if findings.get(name) is not None]
    request = {
        "concept": concept,
        "settings": settings,
        "simple": prompts["simple"] if given else None,
        "expanded": prompts["expanded"] if given else None,
        "expander": "auto" if given else prompts["expander"],
        "llm_model": prompts["llm_model"],
        "tokens": "chunk" if settings.get("long_prompts") == "chunk" else "fit",
        "preset": preset,
        "styles": styles,
        "noise_floor": bool(certificate.get("noise_floor")),
        "examination": {"instruments": instruments},
        "draft": (old.get("draft") or {}).get("run"),
        "language": language_for(concept["language"]),
    }
    return old | {"version": VERSION, "settings": settings, "certificate": certificate, "request": request}


_OF_VERSION_1 = ("ruler", "placebo", "ladder", "morph", "attention", "sweep", "blind")


def write_schema() -> None:
    """Writes `record.schema.json` anew."""
    SCHEMA_FILE.write_text(schema_json(), encoding="utf-8")


def schema_json() -> str:
    """The JSON Schema (draft 2020-12) of `record.json`, as text."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | Record.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
