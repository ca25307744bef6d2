"""Picture parameters: what made a picture, whichever program it was, in Twinseed's words as far as there are any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from generate.models import known_models
from generate.settings import RenderSettings

TWINSEED = "Twinseed"


@dataclass(frozen=True)
class LoraUse:
    """A LoRA by its name, with its weight (1 is full strength) and its hash where that was written."""

    name: str
    weight: float
    hash: str | None = None


@dataclass(frozen=True)
class PictureParameters:
    """What made a picture; None where it does not say.

    `scheduler` is a name of `generate.schedulers.table`, or None where there is none for what the other program calls
    `foreign_scheduler`. `rng` is where the noise was drawn: "CPU" as here, "GPU", "NV". `unread` are the keys that were
    there and mean nothing here. `notes` are sentences for the user: why the picture will not come out the same.
    """

    prompt: str
    negative_prompt: str = ""
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    foreign_scheduler: str | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    model_hash: str | None = None
    loras: tuple[LoraUse, ...] = ()
    tool: str = TWINSEED
    rng: str | None = "CPU"
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def render_settings_of(parameters: PictureParameters, base: RenderSettings) -> RenderSettings:
    """`base` with all that the picture says. Its model is taken where it is on this machine, under that name.

    Raises `SettingsError` for what cannot be rendered here, as a seed past 2**63 or a side that is no multiple of 8.
    """
    said = {
        "seed": parameters.seed,
        "num_inference_steps": parameters.num_inference_steps,
        "guidance_scale": parameters.guidance_scale,
        "scheduler": parameters.scheduler,
        "width": parameters.width,
        "height": parameters.height,
        "model": parameters.model if parameters.model in {model.name for model in known_models()} else None,
    }
    changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    return replace(base, **changes)
