"""The batch of a study: how many pairs of a concept are drawn in one, where nobody says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from compare.request import PairRequest
from generate.models import require_model
from generate.settings import MAX_PAIRS_PER_BATCH, RenderSettings
from ideation import PromptPair, given_pair

if TYPE_CHECKING:
    from generate.models import OpenModel

#: A larger batch has to be quicker by this part to be worth its memory.
WORTH = 0.05


def usual_batch(request: PairRequest, models: Sequence[str]) -> int | None:
    """How many of the request's seeds share a batch: as many as its model is quickest with, tried out on a GPU. None,
    each its own, for models that draw one picture after the other, and on a processor: there a stopwatch gains little,
    and the same words are to give the same pictures on every machine."""
    from generate.models import choose_device, open_model

    settings = request.settings
    families = [require_model(model, allow_pickle=request.allow_pickle) for model in models]
    if settings.images == 1 or any(family is not None and family.in_turn is not None for family in families):
        return None
    if not choose_device(settings.device).startswith("cuda"):
        return None
    # Let go of at the end: whoever carries the study out opens it anew, here or in other processes on the same GPU.
    with open_model(
        settings.model,
        device=settings.device,
        dtype=settings.dtype,
        vae=settings.vae,
        fast=settings.fast,
        compiled=settings.compiled,
        allow_pickle=request.allow_pickle,
    ) as model:
        if model.family.in_turn is not None:
            return None
        text = request.concept.text
        found = quickest_batch(given_pair(text, text, text, "", model.budget()), settings, model)
    return found if found > 1 else None


def quickest_batch(
    prompts: PromptPair,
    settings: RenderSettings,
    model: OpenModel,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """With how many pairs in a batch the model takes the least time for each: powers of two and all seeds are tried
    while it gets quicker and nothing has to be given up for memory. Raises as `render_pair` does."""
    from generate.render import render_pair

    most = min(settings.images, MAX_PAIRS_PER_BATCH)
    best, least = 1, inf
    for size in sorted({size for size in (1, 2, 4, 8, 16) if size <= most} | {most}):
        some = replace(settings, images=size, pairs_per_batch=size if size > 1 else None)
        for _ in range(2):  # a device warms up for each shape
            began = clock()
            made = render_pair(prompts, some, model)
            took = (clock() - began) / size
        if made.certificate.given_up or took > (1 - WORTH) * least:
            break
        best, least = size, took
    return best
