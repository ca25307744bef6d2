"""AUTOMATIC1111's settings, which Forge, SD.Next and many others write too, and which we write ourselves."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from pydantic import BeforeValidator, Field

from generate.files.foreign.settings import Decimal, ForeignModel, Whole, checked, with_notes
from generate.files.infotext import Infotext, PictureError
from generate.files.parameters import TWINSEED, LoraUse, PictureParameters
from generate.files.sampler_names import sampler_and_schedule, scheduler_named, words_for
from ideation.prompt_syntax import marks_in

_WEIGHT = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,20})?(e-?[0-9]{1,3})?")
#: Programs that say who they are under "Version" (Forge: "f2.0.1v1.10.1-..."); the others pass for AUTOMATIC1111.
_PROGRAMS = (
    (re.compile(f"^{TWINSEED}", re.IGNORECASE), TWINSEED),
    (re.compile("Fooocus", re.IGNORECASE), "Fooocus"),
    (re.compile("ComfyUI", re.IGNORECASE), "ComfyUI"),
    (re.compile(r"^(f[0-9]|neo|classic)"), "Forge"),
)


def _size(value: object) -> object:
    found = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", value) if isinstance(value, str) else None
    return (int(found[1]), int(found[2])) if found else value


class _Settings(ForeignModel):
    steps: Whole | None = Field(None, alias="Steps")
    sampler: str | None = Field(None, alias="Sampler")
    schedule: str | None = Field(None, alias="Schedule type")
    guidance: Decimal | None = Field(None, alias="CFG scale")
    seed: Whole | None = Field(None, alias="Seed")
    size: Annotated[tuple[int, int], BeforeValidator(_size)] | None = Field(None, alias="Size")
    hash: str | None = Field(None, alias="Model hash")
    model: str | None = Field(None, alias="Model")
    lora_hashes: str = Field("", alias="Lora hashes")
    lora_weights: str = Field("", alias="Lora weights")
    rng: str | None = Field(None, alias="RNG")
    version: str = Field("", alias="Version")


def infotext_of(parameters: PictureParameters) -> Infotext:
    """What other programs can read of the parameters: sampler and schedule type by AUTOMATIC1111's names.

    Raises `PictureError` for the name of a LoRA that would be read as several.
    """
    scheduler = parameters.scheduler
    sampler, schedule = (parameters.foreign_scheduler, None) if scheduler is None else sampler_and_schedule(scheduler)
    size = f"{parameters.width}x{parameters.height}" if parameters.width and parameters.height else None
    for lora in parameters.loras:
        if re.search(r'[,:<>"\n]', lora.name) or lora.name != lora.name.strip() or not lora.name:
            raise PictureError(
                f"the LoRA {lora.name!r} cannot be named in a picture", hint="name the file with letters and digits"
            )
    values: dict[str, object] = {
        "Steps": parameters.num_inference_steps,
        "Sampler": sampler,
        "Schedule type": schedule,
        "CFG scale": None if parameters.guidance_scale is None else _short(parameters.guidance_scale),
        "Seed": parameters.seed,
        "Size": size,
        "Model hash": parameters.model_hash,
        "Model": parameters.model,
        "Lora hashes": ", ".join(f"{lora.name}: {lora.hash}" for lora in parameters.loras if lora.hash) or None,
        "Lora weights": ", ".join(f"{lora.name}: {_short(lora.weight)}" for lora in parameters.loras) or None,
        "RNG": parameters.rng,
        "Version": _own_version() if parameters.tool == TWINSEED else parameters.tool,
    }
    written = {key: str(value) for key, value in values.items() if value is not None}
    return Infotext(parameters.prompt, parameters.negative_prompt, written)


def parameters_of_infotext(text: Infotext) -> PictureParameters:
    """The parameters in an infotext. Raises `PictureError` where there are none, or one is not what it should be."""
    if not text.values:
        raise PictureError(
            "the text in the picture names no settings", hint="it should end with a line as Steps: 20, Sampler: Euler"
        )
    found = checked(_Settings, text.values, "AUTOMATIC1111")
    tool = next((name for sign, name in _PROGRAMS if sign.search(found.version)), "AUTOMATIC1111")
    scheduler = None if found.sampler is None else scheduler_named(found.sampler, found.schedule)
    width, height = found.size or (None, None)
    parameters = PictureParameters(
        prompt=text.prompt,
        negative_prompt=text.negative_prompt,
        seed=found.seed,
        num_inference_steps=found.steps,
        guidance_scale=found.guidance,
        scheduler=scheduler,
        foreign_scheduler=None if scheduler else words_for(found.sampler, found.schedule),
        width=width,
        height=height,
        model=found.model,
        model_hash=found.hash,
        loras=_loras(found, "" if tool == TWINSEED else text.prompt),
        tool=tool,
        rng=found.rng,
        unread=found.unread,
    )
    return parameters if tool == TWINSEED else with_notes(parameters)


def _loras(found: _Settings, prompt: str) -> tuple[LoraUse, ...]:
    """Those with a weight of their own in the values, as Fooocus and we write them, then those named in the prompt."""
    hashes = dict(_listed(found.lora_hashes))
    weights = [(name, float(weight)) for name, weight in _listed(found.lora_weights) if _WEIGHT.fullmatch(weight)]
    # A tag may have no weight, which is 1 then, or another one behind the first.
    mentions = (f"{mark.value}:1".split(":") for mark in marks_in(prompt).all if mark.kind == "adapter")
    tags = [(name, float(weight)) for name, weight, *_ in mentions if name and _WEIGHT.fullmatch(weight)]
    return tuple(LoraUse(name, weight, hashes.get(name)) for name, weight in weights or tags)


def _listed(text: str) -> list[tuple[str, str]]:
    """The pairs of `name: value, name: value`."""
    parts = (entry.rpartition(":") for entry in text.split(","))
    return [(name.strip(), value.strip()) for name, colon, value in parts if colon]


def _short(number: float) -> str:
    """As few digits as give the same number again: 7, not 7.0."""
    return repr(float(number)).removesuffix(".0")


def _own_version() -> str:
    try:
        return f"{TWINSEED} {version('twinseed')}"
    except PackageNotFoundError:  # run from a copy of the source
        return TWINSEED
