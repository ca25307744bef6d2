"""Presets: named bundles of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generate.settings import SettingsError
from ideation.errors import nearest


@dataclass(frozen=True)
class Preset:
    """`settings` are fields of `RenderSettings`; what it leaves out keeps its usual value."""

    name: str
    description: str
    settings: Mapping[str, Any]


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("seedling", "the embedded model as it was meant: 20 steps of DPM++ 2M Karras, guidance 5",
               {"model": "seedling", "scheduler": "DPM++ 2M Karras", "num_inference_steps": 20, "guidance_scale": 5.0}),
        Preset("laptop", "the embedded model in half the time: 10 steps of UniPC",
               {"model": "seedling", "scheduler": "UniPC", "num_inference_steps": 10, "guidance_scale": 5.0}),
        Preset("default", "a good start for Stable Diffusion 1.x and 2.x: 25 steps of DPM++ 2M Karras, guidance 7.5",
               {"scheduler": "DPM++ 2M Karras", "num_inference_steps": 25, "guidance_scale": 7.5}),
        Preset("sdxl", "a good start for Stable Diffusion XL: 30 steps of DPM++ 2M SDE Karras, guidance 5",
               {"scheduler": "DPM++ 2M SDE Karras", "num_inference_steps": 30, "guidance_scale": 5.0}),
        Preset("wander", "the course's example of a scheduler that does not settle: 20 steps of Euler a",
               {"scheduler": "Euler a", "num_inference_steps": 20}),
    )
}  # fmt: skip


def find_preset(name: str) -> Preset:
    """The preset with that name, in any case. Raises `SettingsError` with the nearest name."""
    preset = PRESETS.get(name.strip().casefold())
    if preset is None:
        raise SettingsError(f"unknown preset {name!r}", hint=nearest(name, list(PRESETS)))
    return preset
