"""The certificate: proof that the two pictures of a seed differ in the prompt alone."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch

ARMS = ("simple", "expanded")
_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow")


@dataclass(frozen=True)
class NoiseFloor:
    """How far the simple picture of a seed moves when nothing changes but the shape of the batch: on average (0..1),
    and at its furthest byte (0..255)."""

    mean_absolute_difference: float
    largest_difference: int


@dataclass(frozen=True)
class Certificate:
    """`differs` names what was not equal between the arms: "prompt" alone is what it should hold, or nothing where both
    prompts are the same; the others are "initial noise", "negative prompt", "noise on the way", "size conditioning".
    `same_seed`: neither noise differs. `latents_sha256` maps each seed to the hash of the noise that either arm began
    with. `unet_evaluations` counts how often the U-Net ran for one picture pair, both arms and guidance in one batch.
    `adapters` maps the LoRAs and textual inversions that were in the model, for both arms, to the SHA-256 of their
    files; `context` says how many tokens of context each prompt took before all were brought to one length; `given_up`
    maps a seed to what had to be given up for it, both arms alike, where memory or number formats ran short.
    """

    same_seed: bool
    differs: tuple[str, ...]
    latents_sha256: dict[int, dict[str, str]]
    scheduler: dict[str, Any]
    unet_evaluations: int
    batch_shape: tuple[int, ...]
    device: str
    dtype: str
    model_digest: str
    libraries: dict[str, str]
    context: dict[str, int] = field(default_factory=dict)
    adapters: dict[str, str] = field(default_factory=dict)
    given_up: dict[int, tuple[str, ...]] = field(default_factory=dict)
    noise_floor: dict[int, NoiseFloor] = field(default_factory=dict)


@dataclass
class Witness:
    """Watches the U-Net during one pair: what went into it at the first step, arm by arm, and how often it ran.

    The batch is `[simple, expanded]`, or `[simple, expanded, simple, expanded]` with guidance, the unconditional half
    first, as diffusers builds it. With one arm there is nothing to compare.
    """

    arms: int = 2
    evaluations: int = 0
    differs: set[str] = field(default_factory=set)

    def watch(self, _module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """A forward pre-hook with keywords."""
        self.evaluations += 1
        if self.evaluations > 1 or self.arms < 2:
            return
        if not all(map(_alike, _by_arm(arguments[0] if arguments else keywords["sample"]))):
            self.differs.add("initial noise")
        added = keywords.get("added_cond_kwargs") or {}  # of the XL models
        if "time_ids" in added and not all(map(_alike, _by_arm(added["time_ids"]))):
            self.differs.add("size conditioning")
        for context in filter(torch.is_tensor, (keywords["encoder_hidden_states"], added.get("text_embeds"))):
            *unconditional, conditional = _by_arm(context)
            if not all(map(_alike, unconditional)):
                self.differs.add("negative prompt")
            if not _alike(conditional):
                self.differs.add("prompt")


def _by_arm(batch: torch.Tensor) -> torch.Tensor:
    """(2 n, ...) to (n, 2, ...): n is 2 with guidance, else 1; the axis of two is simple and expanded."""
    return batch.reshape(-1, 2, *batch.shape[1:])


def _alike(both: torch.Tensor) -> bool:
    return torch.equal(both[0], both[1])


def digest_of(latents: torch.Tensor) -> str:
    """SHA-256 of one picture's latents, as bytes of their own dtype in C order."""
    return hashlib.sha256(latents.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


def library_versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: _version(name) for name in _LIBRARIES}


@cache
def _version(library: str) -> str:
    """Looked up once: every time, it is read and parsed from a file."""
    return importlib.metadata.version(library)
