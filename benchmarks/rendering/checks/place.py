"""Where a graphics card is tried: the device, the models that are open there, and pictures held against others."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from tiny_families import save_tiny

from benchmarks.rendering.model_shapes import save_shaped
from generate.models import OpenModel, open_model, usual_settings
from generate.picture import PicturePair
from generate.render import render_pair
from generate.settings import RenderSettings
from ideation import PromptPair, TokenCount

SIMPLE = "a dog riding a bicycle, watercolor style"
EXPANDED = "a red dog riding a bicycle on a beach at sunset in the snow, soft light, fine detail, watercolor style"
NEGATIVE = "blurry"
SHORT = "a red cat"
LONG = f"{SHORT} " + " ".join(["near the ancient lighthouse in front of a misty valley ,"] * 8)
SEED = 7
DTYPES = ("float32", "float16", "bfloat16")

Pixels = list[bytes]


class NotFor(Exception):
    """A check that does not go with this device or these packages, and why."""


class Failed(Exception):
    """What should hold does not."""


def require(holds: bool, words: object) -> None:
    if not holds:
        raise Failed(words)


@dataclass
class Place:
    """Where it is run: the device, a folder for models and runs, and the models that are open already."""

    device: str
    folder: Path
    open: dict[tuple[str, str, str], OpenModel] = field(default_factory=dict)
    drawn: dict[str, PicturePair] = field(default_factory=dict)
    elsewhere: subprocess.Popen[str] | None = None

    @property
    def cuda(self) -> bool:
        return self.device.startswith("cuda")

    def require_cuda(self) -> None:
        if not self.cuda:
            raise NotFor("for CUDA alone")

    def model(self, name: str = "seedling", dtype: str = "float32", device: str | None = None) -> OpenModel:
        """Opened once; `name` may be that of a family, of which a tiny model is made."""
        key = (name, dtype, device or self.device)
        if key not in self.open:
            where = name if name == "seedling" else str(self.tiny(name))
            self.open[key] = open_model(where, device=key[2], dtype=dtype)
            if name == "kandinsky5":  # its own sizes are large
                self.open[key].pipeline.resolutions = [(64, 64)]
        return self.open[key]

    def tiny(self, family: str) -> Path:
        folder = self.folder / family
        return folder if folder.is_dir() else save_tiny(family, folder)

    def widths(self) -> Path:
        """A model of which it matters where it lies: on CUDA of Z-Image's widths, 0.9 billion weights."""
        if not self.cuda:
            return self.tiny("z-image")
        folder = self.folder / "z-image-widths"
        return folder if folder.is_dir() else save_shaped("z-image", folder)


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Place], str]


def prompts_for(model: OpenModel) -> PromptPair:
    own = model.family.in_turn is None
    simple, expanded = (SIMPLE, EXPANDED) if own else (SHORT, LONG)
    return PromptPair(simple, "en", simple, expanded, NEGATIVE, "given", None, (), (), TokenCount(77, 1, 1))


def settings_for(model: OpenModel, **changes: Any) -> RenderSettings:
    usual = replace(usual_settings(model.family, SEED), model=model.name)
    small = {} if model.family.in_turn is None else {"width": 64, "height": 64, "num_inference_steps": 2}
    return replace(usual, **(small | changes))


def draw(model: OpenModel, prompts: PromptPair | None = None, **changes: Any) -> PicturePair:
    """A pair, of which the certificate must hold and the pictures must differ."""
    keywords = {name: changes.pop(name) for name in ("on_step", "noise_floor") if name in changes}
    pair = render_pair(prompts or prompts_for(model), settings_for(model, **changes), model, **keywords)
    certificate = pair.certificate
    require(certificate.holds, f"the arms differ in {', '.join(certificate.offences)}")
    require(certificate.differs == ("prompt",), f"they differ in {certificate.differs}")
    simple, expanded = pixels(pair)[:2]
    require(simple != expanded, "the prompt changes nothing")
    return pair


def pixels(pair: PicturePair) -> Pixels:
    return [picture.image.tobytes() for picture in pair.pictures]


def apart(one: Pixels, other: Pixels) -> tuple[int, float]:
    """How far pictures are apart: at most, and on average, of 255."""
    gaps = [
        np.abs(np.frombuffer(a, np.uint8).astype(int) - np.frombuffer(b, np.uint8).astype(int))
        for a, b in zip(one, other, strict=True)
    ]
    return max(int(gap.max()) for gap in gaps), float(np.mean([gap.mean() for gap in gaps]))


def told(one: Pixels, other: Pixels) -> str:
    """The same in words."""
    if one == other:
        return "bit for bit"
    most, mean = apart(one, other)
    return f"within {most} of 255, {mean:.3f} on average"


def timed(work: Callable[[], Any], device: str, times: int = 5) -> float:
    """The median seconds, after one that warms up."""
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return median(seconds[1:])


@contextlib.contextmanager
def limited(place: Place, more: int) -> Iterator[None]:
    """Inside the block, the device has so many bytes more than are taken, and no others."""
    place.require_cuda()
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(place.device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + more) / whole)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
