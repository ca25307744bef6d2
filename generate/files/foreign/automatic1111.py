"""AUTOMATIC1111's settings, which Forge, SD.Next and many others write too, and which we write ourselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from pydantic_core import from_json

from generate.files.foreign.flat_settings import parameters_of_values
from generate.files.infotext import Infotext, PictureError, quoted
from generate.files.parameters import TWINSEED, LoraUse, PictureParameters
from generate.files.sampler_names import sampler_and_schedule

#: Programs that say who they are under "Version" (Forge: "f2.0.1v1.10.1-..."); the others pass for AUTOMATIC1111.
_PROGRAMS = (
    (re.compile(f"^{TWINSEED}", re.IGNORECASE), TWINSEED),
    (re.compile("Fooocus", re.IGNORECASE), "Fooocus"),
    (re.compile("ComfyUI", re.IGNORECASE), "ComfyUI"),
    (re.compile(r"^(f[0-9]|neo|classic)"), "Forge"),
    (re.compile(r"SD\.?Next", re.IGNORECASE), "SD.Next"),
)


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
        "Lora weights": _list([(lora.name, _weights(lora)) for lora in parameters.loras if lora.weight is not None]),
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
    values: dict[str, object] = {
        key: value if (structure := _structure(key, value)) is None else structure for key, value in text.values.items()
    }
    said = f"{values.get('Version', '')} {values.get('App', '')}"
    tool = next((name for sign, name in _PROGRAMS if sign.search(said.strip())), "AUTOMATIC1111")
    resources = values.get("Civitai resources")
    if "Model" not in values and isinstance(resources, list):
        checkpoint = next((one for one in resources if isinstance(one, dict) and one.get("type") == "checkpoint"), {})
        values["Model"] = checkpoint.get("modelName")
    found = parameters_of_values(
        {**values, "prompt": "" if tool == TWINSEED else text.prompt, "negative prompt": text.negative_prompt},
        tool,
        rng="CPU" if tool == "ComfyUI" else None,
    )
    if tool != TWINSEED:
        return found
    return replace(found, prompt=text.prompt, without_prompt=None)


def _structure(key: str, value: str) -> object:
    """Civitai's values that are JSON."""
    if key not in ("Civitai resources", "Civitai metadata", "Hashes"):
        return None
    try:
        return from_json(value.encode())
    except ValueError:
        return None


def _weights(lora: LoraUse) -> str:
    assert lora.weight is not None  # noqa: S101 - for the type checker
    return f"{'' if lora.text_encoder is None else f'{_short(lora.text_encoder)}:'}{_short(lora.weight)}"


def _list(pairs: Iterable[tuple[str, str]]) -> str | None:
    """The pairs as `name: value, name: value`; a name that would be read as several is quoted."""
    return ", ".join(f"{quoted(name)}: {value}" for name, value in pairs) or None


def _short(number: float) -> str:
    """As few digits as give the same number again: 7, not 7.0."""
    return repr(float(number)).removesuffix(".0")


def _own_version() -> str:
    try:
        return f"{TWINSEED} {version('twinseed')}"
    except PackageNotFoundError:  # run from a copy of the source
        return TWINSEED
