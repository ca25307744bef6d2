"""Families of models: one row for each, that says how to recognise its models and how to render them. No torch.

A new family is a file beside `stable_diffusion` and a line in `table`. So far all are U-Nets, whose two arms share one
batch (`generate.render.batch`); one whose arms have to go in turn needs a second way there.

>>> FAMILIES["sdxl"].pipeline
'StableDiffusionXLPipeline'
>>> family_of_sizes(768).name
'sd1'
>>> own_clips()
('seedling',)
"""

from __future__ import annotations

from generate.families.protocol import Family
from generate.families.table import FAMILIES, OF_OTHER_SIZES, family_of_sizes, own_clips

__all__ = ["FAMILIES", "OF_OTHER_SIZES", "Family", "family_of_sizes", "own_clips"]
