"""Transformers whose words are read by a T5, with or without a CLIP beside it: one file a family."""

from __future__ import annotations

from generate.families.t5.chroma import CHROMA
from generate.families.t5.flux import FLUX, FLUX_SCHNELL
from generate.families.t5.pixart import PIXART
from generate.families.t5.stable_diffusion_3 import STABLE_DIFFUSION_3

__all__ = ["CHROMA", "FLUX", "FLUX_SCHNELL", "PIXART", "STABLE_DIFFUSION_3"]
