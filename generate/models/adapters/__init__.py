"""Adapters: what changes an open model's weights or gives it new words, read from the files that people share."""

from __future__ import annotations

from generate.models.adapters.layers import original_unet_name
from generate.models.adapters.loras import Adapter, Loras
from generate.models.adapters.textual_inversion import Embedding, TextualInversions

__all__ = ["Adapter", "Embedding", "Loras", "TextualInversions", "original_unet_name"]
