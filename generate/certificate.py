"""The certificate: proof that the two pictures of a seed differ in the prompt alone."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from dataclasses import dataclass, field
from typing import Any

import torch

ARMS = ("simple", "expanded")
_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow")


@dataclass(frozen=True)
class Certificate:
    """`differs` names what was not equal between the arms; "prompt" alone is what it should hold, or nothing where
    both prompts are the same. `latents_sha256` maps each seed to the hash of the noise that either arm began with.
    `unet_evaluations` counts how often the U-Net ran for one picture pair, both arms and guidance in one batch.
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


@dataclass
class Witness:
    """Watches the U-Net during one pair: what went into it at the first step, arm by arm, and how often it ran.

    The batch is `[simple, expanded]`, or `[simple, expanded, simple, expanded]` with guidance, the unconditional half
    first, as diffusers builds it.
    """

    evaluations: int = 0
    differs: set[str] = field(default_factory=set)

    def watch(self, _module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """A forward pre-hook with keywords."""
        self.evaluations += 1
        if self.evaluations > 1:
            return
        sample = arguments[0] if arguments else keywords["sample"]
        for simple, expanded in sample.reshape(-1, 2, *sample.shape[1:]):
            if not torch.equal(simple, expanded):
                self.differs.add("initial noise")
        context = keywords["encoder_hidden_states"]
        halves = context.reshape(-1, 2, *context.shape[1:])
        if len(halves) > 1 and not torch.equal(*halves[0]):
            self.differs.add("negative prompt")
        if not torch.equal(*halves[-1]):
            self.differs.add("prompt")


def digest_of(latents: torch.Tensor) -> str:
    """SHA-256 of one picture's latents, as bytes of their own dtype in C order."""
    return hashlib.sha256(latents.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


def library_versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _LIBRARIES}
