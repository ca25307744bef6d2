"""Pictures: settings, named choices, models, and `render_pair`, the one way a pair is made.

What is exported here never loads torch; `generate.models.open`, `generate.render.pair`, `generate.models.devices` and
`generate.render.input_check` do, and are imported where they are needed.
"""

from __future__ import annotations

from generate.choices import PRESETS, Preset, Style, all_styles, find_preset, find_style
from generate.models.resolve import (
    ModelError,
    ModelName,
    find_model,
    find_tokenizer,
    known_models,
    models_folder,
    require_model,
)
from generate.schedulers.table import SCHEDULERS, SchedulerChoice, find_scheduler
from generate.settings import RenderSettings, SettingsError

__all__ = [
    "PRESETS",
    "SCHEDULERS",
    "ModelError",
    "ModelName",
    "Preset",
    "RenderSettings",
    "SchedulerChoice",
    "SettingsError",
    "Style",
    "all_styles",
    "find_model",
    "find_preset",
    "find_scheduler",
    "find_style",
    "find_tokenizer",
    "known_models",
    "models_folder",
    "require_model",
]
