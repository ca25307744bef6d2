"""Devices: where to render, and in which number format."""

from __future__ import annotations

import torch

from generate.settings import SettingsError
from ideation.errors import nearest

DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def choose_device(name: str) -> str:
    """ "auto" becomes the best device that is there: CUDA, then MPS, then the CPU. Raises `SettingsError`."""
    available = ["cpu"]
    if torch.cuda.is_available():
        available += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        available.append("mps")
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if device in available)
    if name not in available:
        raise SettingsError(
            f"there is no device {name!r} on this machine",
            hint=f"these are there: {', '.join(available)}; leave --device out to take the best of them",
        )
    return name


def choose_dtype(name: str, device: str) -> str:
    """ "auto" becomes float16 on CUDA and float32 elsewhere: MPS draws black pictures in half precision with some
    models, and CPUs are slow in it. Raises `SettingsError`."""
    if name == "auto":
        return "float16" if device.startswith("cuda") else "float32"
    if name not in DTYPES:
        raise SettingsError(f"unknown dtype {name!r}", hint=nearest(name, list(DTYPES)))
    return name
