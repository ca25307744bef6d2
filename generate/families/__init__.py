"""Families of models: one row for each, that says how to recognise its models and how to render them. No torch.

A new family is a file and a line in `table`. Those with a U-Net are in `stable_diffusion`, and have both arms in one
batch (`generate.render.batch`). Those with a transformer are in `t5` and `llm`, by what reads their words; their arms
go one after the other (`generate.render.in_turn`).

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
