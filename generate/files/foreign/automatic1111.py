"""AUTOMATIC1111's settings, which Forge, SD.Next and many others write too, and which we write ourselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from pydantic import BeforeValidator, Field

from generate.files.foreign.settings import Decimal, ForeignModel, Whole, checked, with_notes
from generate.files.infotext import QUOTED, Infotext, PictureError, quoted, unquoted
from generate.files.parameters import TWINSEED, LoraUse, PictureParameters
from generate.files.sampler_names import sampler_and_schedule, scheduler_named, words_for
from ideation import marks_in

_NUMBER = r"-?[0-9]{1,10}(?:\.[0-9]{1,20})?(?:e-?[0-9]{1,3})?"
#: One weight, or the text encoder's and the U-Net's, as in a tag.
_WEIGHTS = re.compile(rf"(?:({_NUMBER}):)?({_NUMBER})")
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
    vae: str | None = Field(None, alias="VAE")
    clip_skip: Whole | None = Field(None, alias="Clip skip")
    lora_hashes: str = Field("", alias="Lora hashes")
    lora_weights: str = Field("", alias="Lora weights")
    ti_hashes: str = Field("", alias="TI hashes")
    rng: str | None = Field(None, alias="RNG")
    version: str = Field("", alias="Version")


def infotext_of(parameters: PictureParameters) -> Infotext:
    """What other programs can read of the parameters: sampler and schedule type by AUTOMATIC1111's names.

    AUTOMATIC1111 counts the layers from the end, so that its "Clip skip: 2" leaves one out; 1 it does not write.
    """
    scheduler = parameters.scheduler
    sampler, schedule = (parameters.foreign_scheduler, None) if scheduler is None else sampler_and_schedule(scheduler)
    size = f"{parameters.width}x{parameters.height}" if parameters.width and parameters.height else None
    values: dict[str, object] = {
        "Steps": parameters.num_inference_steps,
        "Sampler": sampler,
        "Schedule type": schedule,
        "CFG scale": None if parameters.guidance_scale is None else _short(parameters.guidance_scale),
        "Seed": parameters.seed,
        "Size": size,
        "Model hash": parameters.model_hash,
        "Model": parameters.model,
        "VAE": parameters.vae,
        "Clip skip": parameters.clip_skip + 1 if parameters.clip_skip else None,
        "Lora hashes": _list([(lora.name, lora.hash) for lora in parameters.loras if lora.hash]),
        "Lora weights": _list([(lora.name, _weights(lora)) for lora in parameters.loras]),
        "TI hashes": _list(parameters.embeddings.items()),
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
        vae=found.vae,
        clip_skip=None if found.clip_skip is None else max(0, found.clip_skip - 1),
        loras=_loras(found, "" if tool == TWINSEED else text.prompt),
        embeddings=dict(_listed(found.ti_hashes)),
        tool=tool,
        rng=found.rng,
        unread=found.unread,
    )
    return parameters if tool == TWINSEED else with_notes(parameters)


def _loras(found: _Settings, prompt: str) -> tuple[LoraUse, ...]:
    """Those with a weight of their own in the values, as Fooocus and we write them, then those named in the prompt."""
    hashes = dict(_listed(found.lora_hashes))
    uses = []
    tags = [mark.value.partition(":")[::2] for mark in marks_in(prompt).all if mark.kind == "adapter"]
    for name, said in _listed(found.lora_weights) or tags:
        weights = _WEIGHTS.fullmatch(said or "1")
        if weights is not None:
            text_encoder = None if weights[1] in (None, weights[2]) else float(weights[1])
            uses.append(LoraUse(name, float(weights[2]), hashes.get(name), text_encoder))
    return tuple(uses)


def _weights(lora: LoraUse) -> str:
    return f"{'' if lora.text_encoder is None else f'{_short(lora.text_encoder)}:'}{_short(lora.weight)}"


def _list(pairs: Iterable[tuple[str, str]]) -> str | None:
    """The pairs as `name: value, name: value`; a name that would be read as several is quoted."""
    return ", ".join(f"{quoted(name)}: {value}" for name, value in pairs) or None


def _listed(text: str) -> list[tuple[str, str]]:
    """The pairs of `name: value, name: value`."""
    pairs = []
    position = 0
    while position < len(text):
        in_quotes = QUOTED.match(text, position)
        comma = text.find(",", in_quotes.end() if in_quotes else position)
        end = len(text) if comma < 0 else comma
        colon = text.find(":", in_quotes.end() if in_quotes else position, end)
        if colon >= 0:
            pairs.append((unquoted(text[position:colon].strip()), text[colon + 1 : end].strip()))
        position = end + 1
        while text[position : position + 1] == " ":
            position += 1
    return pairs


def _short(number: float) -> str:
    """As few digits as give the same number again: 7, not 7.0."""
    return repr(float(number)).removesuffix(".0")


def _own_version() -> str:
    try:
        return f"{TWINSEED} {version('twinseed')}"
    except PackageNotFoundError:  # run from a copy of the source
        return TWINSEED
