"""Families of models: one row for each, that says how to recognise its models and how to render them. No torch.

A new family is a file beside `stable_diffusion` and a line in `table`. Those with a U-Net have both arms in one batch
(`generate.render.batch`), those with a transformer one after the other (`generate.render.in_turn`).

>>> FAMILIES["sdxl"].pipeline
'StableDiffusionXLPipeline'
>>> family_of_sizes(768).name
'sd1'
>>> own_clips()
('seedling',)
"""

from __future__ import annotations

from generate.families.protocol import Family, InTurn, Reader
from generate.families.table import (
    FAMILIES,
    OF_OTHER_SIZES,
    family_of_configuration,
    family_of_sizes,
    own_clips,
)

__all__ = [
    "FAMILIES",
    "OF_OTHER_SIZES",
    "Family",
    "InTurn",
    "Reader",
    "family_of_configuration",
    "family_of_sizes",
    "own_clips",
]
