"""The settings of a render: everything but the prompt, and so everything that both arms share."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

from ideation import AdapterMention, TwinseedError
from ideation.files import MAX_SEED, STRICT, Seed

#: The model that is shipped: it needs no network and no GPU.
DEFAULT_MODEL = "seedling"
#: Fields that came after the first pictures were marked with a digest.
_LATER = ("attention_backend", "compiled", "max_sequence_length", "memory", "pairs_per_batch")

#: How a model with a transformer may lie in memory, from what changes least to what takes least.
MEMORY_MODES = ("whole", "model-offload", "group-offload", "float8", "8-bit", "4-bit")
_SIZE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?) ?GB", re.IGNORECASE)

#: Other kernels for attention than torch chooses, by diffusers' names, each with the package that it is in; None is
#: torch itself. What diffusers would fetch from the hub and run is left out.
ATTENTION_BACKENDS: dict[str, str | None] = {
    "_native_cudnn": None,
    "_native_efficient": None,
    "_native_flash": None,
    "_native_math": None,
    "flash": "flash_attn",
    "_flash_3": "flash_attn_interface",
    "sage": "sageattention",
    "xformers": "xformers",
}

MAX_SIDE = 4096
MAX_STEPS = 1000
MAX_IMAGES = 1000
#: So many pairs may share a batch.
MAX_PAIRS_PER_BATCH = 16


class SettingsError(TwinseedError):
    """A setting that no model can render."""


@dataclass(frozen=True)
class RenderSettings:
    """How to render, for both arms alike. Names are diffusers' names.

    `width` and `height` are pixels, multiples of 8; None takes the model's own size. `dtype` is "auto", "float32",
    "float16" or "bfloat16"; `device` is "auto", "cpu", "cuda" (or "cuda:1") or "mps". `images` seeds are rendered:
    `seed`, `seed + 1`, and so on. A prompt longer than the text encoder reads is cut there ("truncate"), or read in
    chunks that the U-Net sees one behind the other ("chunk"). `clip_skip` last layers of the text encoder are left out
    (0 is none; what other programs call "Clip skip 2" is 1 here). `vae` names another decoder; `adapters` are the LoRAs
    that both arms are drawn with. `fast` trades exact numbers for speed, where the device has the means;
    `compiled` has torch compile the denoiser first. `max_sequence_length` tokens of each prompt are read by a family
    that leaves it open; None is its own number. `memory` is how much of the device's a model may take ("8GB"), or one
    of `MEMORY_MODES`; None takes it as a whole, if it fits. `pairs_per_batch` seeds, one after the other, are drawn in
    one batch, which a large GPU is quicker with, and which moves the last digits of a picture; None has a batch for
    each pair. `attention_backend` is one of `ATTENTION_BACKENDS`, None what torch chooses. Raises `SettingsError` when
    made with a value that cannot work.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    model: str = DEFAULT_MODEL
    scheduler: str = "DPM++ 2M Karras"
    num_inference_steps: int = 20
    guidance_scale: float = 5.0
    width: int | None = None
    height: int | None = None
    seed: Seed = 0
    images: int = 1
    device: str = "auto"
    dtype: str = "auto"
    long_prompts: Literal["truncate", "chunk"] = "truncate"
    clip_skip: int = 0
    vae: str | None = None
    adapters: tuple[AdapterMention, ...] = ()
    fast: bool = False
    compiled: bool = False
    max_sequence_length: int | None = None
    memory: str | None = None
    pairs_per_batch: int | None = None
    attention_backend: str | None = None

    def __post_init__(self) -> None:
        _require(
            1 <= self.num_inference_steps <= MAX_STEPS,
            "steps is {steps}",
            hint="give a whole number from 1 to {most}; 20 is a good start",
            steps=self.num_inference_steps,
            most=MAX_STEPS,
        )
        _require(
            1 <= self.images <= MAX_IMAGES,
            "images is {images}",
            hint="give a whole number from 1 to {most}: so many seeds are rendered",
            images=self.images,
            most=MAX_IMAGES,
        )
        _require(
            0 <= self.seed <= MAX_SEED - self.images,
            "seed is {seed}",
            hint="give a whole number from 0 to {most}",
            seed=self.seed,
            most=MAX_SEED - self.images,
        )
        _require(
            math.isfinite(self.guidance_scale) and 0 <= self.guidance_scale <= 100,
            "guidance is {guidance}",
            hint="give a number from 0 to 100; 4 to 8 is usual",
            guidance=self.guidance_scale,
        )
        _require(
            0 <= self.clip_skip <= 8,
            "clip skip is {clip_skip}",
            hint="give a whole number from 0 to 8: so many last layers of the text encoder are left out",
            clip_skip=self.clip_skip,
        )
        _require(
            self.max_sequence_length is None or 16 <= self.max_sequence_length <= 4096,
            "the length of prompts is {length} tokens",
            hint="give a whole number from 16 on; 256 and 512 are usual",
            length=self.max_sequence_length,
        )
        _require(
            self.memory is None or self.memory in MEMORY_MODES or _SIZE.fullmatch(self.memory) is not None,
            "--memory is {memory!r}",
            hint="give gigabytes, as in --memory 8GB, or one of these: {modes}",
            memory=self.memory,
            modes=", ".join(MEMORY_MODES),
        )
        _require(
            self.pairs_per_batch is None or 2 <= self.pairs_per_batch <= MAX_PAIRS_PER_BATCH,
            "{pairs} pairs are to share a batch",
            hint="give a whole number from 2 to {most}, or leave it out: then each has one of its own",
            pairs=self.pairs_per_batch,
            most=MAX_PAIRS_PER_BATCH,
        )
        _require(
            self.attention_backend is None or self.attention_backend in ATTENTION_BACKENDS,
            "there is no attention backend {backend!r}",
            hint="take one of these, or leave it out: {names}",
            backend=self.attention_backend,
            names=", ".join(ATTENTION_BACKENDS),
        )
        for side, pixels in (("width", self.width), ("height", self.height)):
            _require(
                pixels is None or (pixels % 8 == 0 and 8 <= pixels <= MAX_SIDE),
                "{side} is {pixels} pixels",
                hint="give a multiple of 8 from 8 to {most}, as in --size 512x512",
                side=side,
                pixels=pixels,
                most=MAX_SIDE,
            )

    @property
    def seeds(self) -> list[int]:
        """One seed per picture pair: S, S+1, S+2, ..."""
        return [self.seed + offset for offset in range(self.images)]

    @property
    def batches(self) -> list[tuple[int, ...]]:
        """The seeds as they are rendered: those that share a batch together, the last ones with as many as are left.

        >>> RenderSettings(seed=7, images=3, pairs_per_batch=2).batches
        [(7, 8), (9,)]
        """
        seeds, size = self.seeds, self.pairs_per_batch or 1
        return [tuple(seeds[begin : begin + size]) for begin in range(0, len(seeds), size)]

    @property
    def digest(self) -> str:
        """SHA-256 of all settings, as 64 hexadecimal digits: equal settings, equal digest, on every machine.

        What was added later counts where it is used, so that pictures of before keep the digest that they bear.
        """
        usual = RenderSettings.__dataclass_fields__
        left_out = {name for name in _LATER if getattr(self, name) == usual[name].default}
        told = {name: value for name, value in asdict(self).items() if name not in left_out}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def memory_bytes(told: str) -> int:
    """The bytes of a size that `RenderSettings.memory` may be.

    >>> memory_bytes("8GB")
    8000000000
    """
    found = _SIZE.fullmatch(told)
    assert found is not None  # noqa: S101 - RenderSettings saw to it
    return int(float(found[1]) * 1e9)


def _require(holds: bool, message: str, *, hint: str, **values: Any) -> None:
    if not holds:
        raise SettingsError(message, hint=hint, **values)
