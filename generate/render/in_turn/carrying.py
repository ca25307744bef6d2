"""Carrying on: of some steps a transformer's attention is not computed, but carried on from the steps before it.

TaylorSeer (Liu et al. 2025, arXiv 2503.06923), as diffusers has it. Which steps those are hangs on their number alone,
never on the picture, so both arms are treated alike; caches that look at the picture first are not taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffusers import TaylorSeerCacheConfig

from generate.models.devices import torch_dtype
from generate.models.opening.model import OpenModel
from generate.settings import RenderSettings

#: What transformers of two streams, one for the picture and one for words, call their attention layers.
_LAYERS = [r"(single_)?transformer_blocks\.\d+\.attn1?"]
#: The first steps are computed, where most is decided, then every third, and the last two.
_FIRST, _EVERY, _LAST = 3, 3, 2
#: Of fewer steps hardly one would be left to be carried on.
_FEWEST = 10


def how_carried(model: OpenModel, settings: RenderSettings) -> dict[str, Any]:
    """The numbers of the rule, as diffusers calls them, for the certificate; nothing where all steps are computed: only
    `fast` renders carry on, of families whose pipelines tell the denoiser which of their calls is which, and what is
    compiled is left as it is."""
    in_turn, steps = model.family.in_turn, settings.num_inference_steps
    if not settings.fast or model.compiled or in_turn is None or not in_turn.carries or steps < _FEWEST:
        return {}
    return {
        "cache_interval": _EVERY,
        "disable_cache_before_step": _FIRST,
        "disable_cache_after_step": steps - _LAST,
        "max_order": 1,
    }


@contextmanager
def carried_on(model: OpenModel, settings: RenderSettings) -> Iterator[None]:
    """Inside the block, which draws one picture, the steps of the rule are carried on, from nothing that was before."""
    rule = how_carried(model, settings)
    if not rule:
        yield
        return
    model.denoiser.enable_cache(
        TaylorSeerCacheConfig(cache_identifiers=_LAYERS, taylor_factors_dtype=torch_dtype(model.dtype), **rule)
    )
    try:
        yield
    finally:
        model.denoiser.disable_cache()
