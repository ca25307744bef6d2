"""Memory: how a render is done when it, or a number format, runs short, and the next smaller way.

Whatever is given up is given up for both arms: a pair whose arms were computed in two ways compares the ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from generate.models.devices import ran_out_of_memory
from generate.models.opening.memory_mode import MODE_WORDS
from generate.models.opening.model import OpenModel


@dataclass(frozen=True)
class MemoryPlan:
    """How a pair is computed. `denoiser_batch` is how many pictures go through the denoiser at a time (with
    guidance each counts twice); None is all of them. `settled` is the memory mode that the model was opened in, in
    words, which stays as it is."""

    denoiser_batch: int | None = None
    vae_tiled: bool = False
    vae_float32: bool = False
    cpu_offload: bool = False
    layer_offload: bool = False
    settled: str | None = None

    @classmethod
    def first(cls, model: OpenModel) -> MemoryPlan:
        """The usual way, or where the model as a whole does not fit into its device, the one for that."""
        return cls(cpu_offload=model.too_large, settled=MODE_WORDS.get(model.memory_mode))

    @property
    def given_up(self) -> tuple[str, ...]:
        """What is not as it would be with enough memory, in words; empty for the usual way.

        >>> MemoryPlan(denoiser_batch=1, vae_tiled=True).given_up
        ('U-Net in batches of 1', 'VAE in tiles')
        """
        return tuple(
            words
            for words, holds in (
                (f"U-Net in batches of {self.denoiser_batch}", self.denoiser_batch is not None),
                ("VAE in tiles", self.vae_tiled),
                ("VAE in float32", self.vae_float32),
                ("parts of the model moved to the CPU in turn", self.cpu_offload and not self.layer_offload),
                ("layers of the model moved to the CPU in turn", self.layer_offload),
                (self.settled or "", self.settled is not None),
            )
            if holds
        )

    def smaller(self, device: str, *, in_turn: bool = False) -> MemoryPlan | None:
        """The next way that takes less of the memory of `device`; None where there is none left.

        First the arms' guidance is taken apart, then the arms, unless they go `in_turn` anyway, then the decoder's
        picture; on CUDA, what is not at work leaves the device, and last, of models whose arms go in turn, every layer
        that is not.
        """
        match self:
            case MemoryPlan(denoiser_batch=None) if not in_turn:
                return replace(self, denoiser_batch=2)
            case MemoryPlan(denoiser_batch=2):
                return replace(self, denoiser_batch=1)
            case MemoryPlan(vae_tiled=False):
                return replace(self, vae_tiled=True)
            case MemoryPlan(settled=str()):
                return None
            case MemoryPlan(cpu_offload=False) if device.startswith("cuda"):
                return replace(self, cpu_offload=True)
            case MemoryPlan(layer_offload=False) if in_turn and device.startswith("cuda"):
                return replace(self, layer_offload=True)
        return None


@contextmanager
def applied(plan: MemoryPlan, model: OpenModel) -> Iterator[None]:
    """The model works by this plan inside the block and as before after it."""
    pipeline = model.pipeline
    undo: list[Callable[[], Any]] = []
    try:
        if plan.denoiser_batch is not None:
            undo.append(_in_slices(model.denoiser, plan.denoiser_batch))
        if plan.vae_tiled:
            pipeline.vae.enable_slicing()
            pipeline.vae.enable_tiling()
            undo += [pipeline.vae.disable_slicing, pipeline.vae.disable_tiling]
        if plan.vae_float32:
            undo.append(_in_float32(pipeline.vae))
        if plan.cpu_offload:
            offload = (
                pipeline.enable_sequential_cpu_offload if plan.layer_offload else pipeline.enable_model_cpu_offload
            )
            home = "cpu" if model.too_large else model.device
            offload(device=model.device)
            undo.append(lambda: _brought_back(model, home))
        yield
    finally:
        for step in reversed(undo):
            step()


def _brought_back(model: OpenModel, home: str) -> None:
    """The model as a whole where it was; where there is no room for it any more, as one that is too large."""
    model.pipeline.remove_all_hooks()
    try:
        model.pipeline.to(home)
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        model.pipeline.to("cpu")
        model.too_large = True


def _in_slices(denoiser: Any, size: int) -> Callable[[], None]:
    """Makes the denoiser compute `size` rows of its batch at a time. Hooks still see the whole batch."""
    whole, own = denoiser.forward, denoiser.__dict__.get("forward")

    def sliced(sample: torch.Tensor, timestep: Any, **keywords: Any) -> tuple[torch.Tensor]:
        rows = len(sample)

        def of(value: Any, begin: int) -> Any:
            if isinstance(value, dict):
                return {name: of(entry, begin) for name, entry in value.items()}
            batched = torch.is_tensor(value) and value.ndim > 0 and len(value) == rows
            return value[begin : begin + size] if batched else value

        keywords["return_dict"] = False  # what the pipelines ask for
        made = [
            whole(of(sample, k), of(timestep, k), **{name: of(value, k) for name, value in keywords.items()})[0]
            for k in range(0, rows, size)
        ]
        return (torch.cat(made),)

    def undo() -> None:
        del denoiser.forward
        if own is not None:  # the compiled one
            denoiser.forward = own

    denoiser.forward = sliced
    return undo


def _in_float32(vae: Any) -> Callable[[], None]:
    usual = vae.dtype
    decode = vae.decode
    vae.to(torch.float32)
    vae.decode = lambda latents, *arguments, **keywords: decode(latents.float(), *arguments, **keywords)

    def undo() -> None:
        del vae.__dict__["decode"]
        vae.to(usual)

    return undo
