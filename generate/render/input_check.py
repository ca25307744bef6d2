"""What really goes into the denoiser, arm by arm: what the certificate of a pair rests on."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from typing import Any

import torch

from generate.families import Family


class InputCheck:
    """Watches the denoiser of a `family` during one batch: what went into it at the first step, arm by arm, and how
    often it ran.

    A batch holds one row for each of its `pictures`, a pair's two beside each other; with guidance, once for each of
    the family's `guided_rows`. `differs` names what was not equal between the arms of any pair, of all tensors that
    have such rows: as the family names its inputs, words in the unconditional rows as "negative prompt". With one
    picture there is nothing to compare.
    """

    def __init__(self, family: Family, pictures: int = 2) -> None:
        self.evaluations = 0
        self.differs: set[str] = set()
        self._family, self._pictures = family, pictures

    def watch(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """A forward pre-hook with keywords."""
        self.evaluations += 1
        if self.evaluations > 1 or self._pictures < 2:
            return
        named = named_inputs(module, arguments, keywords)
        rows = len(next(value for name, value in named.items() if self._family.inputs.get(name) == "initial noise"))
        guided = self._family.guided_rows if rows > self._pictures else ("prompt",)
        for name, value in _tensors(named):
            if value.ndim == 0 or len(value) != rows:  # the same for all rows
                continue
            what = self._family.inputs.get(name, name)
            for half, pictures in zip(guided, value.unflatten(0, (len(guided), self._pictures)), strict=True):
                if not torch.equal(pictures[0::2], pictures[1::2]):
                    self.differs.add(half if what == "prompt" else what)


def named_inputs(module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a module's forward by their names, as a hook is given them.

    By the class's own forward: a module's may be one that was put over it, compiled or taken apart into slices.
    """
    names = list(inspect.signature(type(module).forward).parameters)[1:]
    return {**dict(zip(names, arguments, strict=False)), **keywords}


def _tensors(values: dict[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors among the values, those in dictionaries with both names and a dot between them."""
    for name, value in values.items():
        if torch.is_tensor(value):
            yield name, value
        elif isinstance(value, dict):
            yield from _tensors({f"{name}.{key}": entry for key, entry in value.items()})


def digest_of(latents: torch.Tensor) -> str:
    """SHA-256 of one picture's latents, as bytes of their own dtype in C order."""
    # What has no axis, or one of stride 0, is no row of bytes.
    flat = latents.detach().cpu().reshape(-1).clone(memory_format=torch.contiguous_format)
    return hashlib.sha256(flat.view(torch.uint8).numpy().tobytes()).hexdigest()
