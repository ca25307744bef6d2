"""Drawing: a batch by whichever way its family goes, and by the next smaller plan where memory runs short."""

from __future__ import annotations

import gc
from dataclasses import replace

import torch

from generate.models.devices import ran_out_of_memory
from generate.render.batch import Batch, DecoderOverflow, Rendered, RenderError, ran_over, render_together
from generate.render.in_turn import render_in_turn
from generate.render.memory import MemoryPlan, applied
from generate.render.numerics import exact_numbers
from ideation import Clause


def render_batch(batch: Batch, plan: MemoryPlan) -> tuple[Rendered, MemoryPlan]:
    """Renders by the `plan`, or by the first smaller one that does, which is returned for the batches that follow.

    Raises `RenderError` where not even the smallest does, and what `on_step` raises.
    """
    render = render_together if batch.model.family.in_turn is None else render_in_turn
    while True:
        try:
            # Tensors without a history cost less than those whose history is only not written down. Weights that move
            # to and fro would become such, and could not be written to afterwards.
            with (
                exact_numbers(batch.model.device, fast=batch.settings.fast),
                applied(plan, batch.model),
                torch.inference_mode(not (plan.cpu_offload or plan.settled)),
            ):
                return render(batch, plan), plan
        except DecoderOverflow as overflow:
            if plan.vae_float32:
                said = Clause("the decoder's numbers run over in {dtype}, and in float32 too", dtype=batch.model.dtype)
                raise ran_over(batch.model, said) from overflow
            plan = replace(plan, vae_float32=True)
        except (RuntimeError, MemoryError, OSError) as error:
            if not ran_out_of_memory(error):
                raise
            smaller = plan.smaller(batch.model.device, in_turn=batch.model.family.in_turn is not None)
            if smaller is None:
                raise RenderError(
                    "{width}x{height} pixels do not fit into the memory of {device}, not even one at a time",
                    hint="take a smaller --size, or close other programs"
                    if batch.model.device == "cpu"
                    else "take a smaller --size, or --device cpu",
                    width=batch.settings.width,
                    height=batch.settings.height,
                    device=batch.model.device,
                ) from error
            plan = smaller
        gc.collect()
        if batch.model.device.startswith("cuda"):
            torch.cuda.empty_cache()
