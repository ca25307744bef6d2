"""Named choices: styles, presets, performance levels and sizes, from small files: those that come along and one's own.

>>> find_style("Watercolor").wrap("a dog")
'a dog, watercolor style, wet washes on rough paper'
"""

from __future__ import annotations

from generate.choices.earlier import earlier_clip, earlier_family, size_of_today
from generate.choices.performance import (
    Performance,
    all_performance,
    combined_settings,
    find_performance,
    performance_problems,
)
from generate.choices.presets import (
    PRESETS,
    NegativePart,
    Preset,
    chosen_styles,
    find_preset,
    negative_parts,
    preset_adapters,
    preset_problems,
    with_preset,
)
from generate.choices.sizes import FoundSize, ModelFamily, all_families, aspect_ratio_problems, match_aspect_ratio
from generate.choices.store import ChoiceFileError
from generate.choices.styles import Style, StyledPrompts, all_styles, apply_styles, find_style, style_problems

__all__ = [
    "PRESETS",
    "ChoiceFileError",
    "FoundSize",
    "ModelFamily",
    "NegativePart",
    "Performance",
    "Preset",
    "Style",
    "StyledPrompts",
    "all_families",
    "all_performance",
    "all_styles",
    "apply_styles",
    "aspect_ratio_problems",
    "chosen_styles",
    "combined_settings",
    "earlier_clip",
    "earlier_family",
    "find_performance",
    "find_preset",
    "find_style",
    "match_aspect_ratio",
    "negative_parts",
    "performance_problems",
    "preset_adapters",
    "preset_problems",
    "size_of_today",
    "style_problems",
    "with_preset",
]
