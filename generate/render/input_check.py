"""What really goes into the denoiser, arm by arm: what the certificate of a pair rests on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch

_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "pillow")


@dataclass
class InputCheck:
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
