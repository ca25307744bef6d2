"""Fooocus' settings: a JSON object under `parameters`, with numbers in strings here and there, and tuples as text."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue

from generate.files.foreign.settings import Decimal, ForeignModel, Whole, checked, json_object, with_notes
from generate.files.parameters import LoraUse, PictureParameters
from generate.files.sampler_names import K_DIFFUSION, scheduler_named, words_for


def _pair(value: object) -> object:
    found = re.fullmatch(r"\(([0-9]{1,6}), ([0-9]{1,6})\)", value) if isinstance(value, str) else None
    return (int(found[1]), int(found[2])) if found else value


class _Settings(ForeignModel):
    prompt: str = ""
    negative_prompt: str = ""
    seed: Whole | None = None
    steps: Whole | None = None
    guidance_scale: Decimal | None = None
    resolution: Annotated[tuple[int, int], BeforeValidator(_pair)] | None = None
    sampler: str | None = None
    scheduler: str | None = None
    base_model: str | None = None
    base_model_hash: str | None = None
    loras: list[tuple[str, Decimal, str] | tuple[str, Decimal]] = Field(default_factory=list)
    version: str = ""
    metadata_scheme: str = ""


def read_fooocus(text: str) -> PictureParameters:
    """The parameters in Fooocus' JSON. Raises `PictureError`."""
    found = checked(_Settings, _with_tuples(json_object(text, "Fooocus")), "Fooocus")
    sampler = found.sampler and K_DIFFUSION.get(found.sampler, found.sampler)
    scheduler = scheduler_named(sampler, found.scheduler) if sampler else None
    width, height = found.resolution or (None, None)
    # What is in `loras` stands a second time as lora_combined_1, lora_combined_2, ...
    unread = tuple(key for key in found.unread if not (found.loras and key.startswith("lora_combined_")))
    return with_notes(
        PictureParameters(
            prompt=found.prompt,
            negative_prompt=found.negative_prompt,
            seed=found.seed,
            num_inference_steps=found.steps,
            guidance_scale=found.guidance_scale,
            scheduler=scheduler,
            foreign_scheduler=None if scheduler else words_for(found.sampler, found.scheduler),
            width=width,
            height=height,
            model=found.base_model,
            model_hash=found.base_model_hash,
            loras=tuple(LoraUse(*lora) for lora in found.loras),
            tool="Fooocus",
            rng=None,
            unread=unread,
        )
    )


def _with_tuples(values: dict[str, JsonValue]) -> dict[str, object]:
    """JSON has lists only; a model that checks strictly wants tuples where it says so."""
    loras = values.get("loras")
    if not isinstance(loras, list):
        return dict(values)
    return values | {"loras": [tuple(lora) if isinstance(lora, list) else lora for lora in loras]}
