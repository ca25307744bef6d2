"""Pictures: settings, named choices, models, and `render_pair`, the one way a pair is made.

Nothing here loads torch before it is used: what does is imported when it is first asked for.

>>> find_scheduler("euler a").name
'Euler a'
>>> RenderSettings(seed=7, images=3).seeds
[7, 8, 9]
>>> family_of("seedling").clip is not None
True
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from generate.choices import PRESETS, Preset, Style, all_styles, find_preset, find_style
from generate.families import FAMILIES, Family, own_clips
from generate.models import (
    ModelError,
    ModelName,
    embedding_vectors,
    embeddings_in,
    family_of,
    find_model,
    find_tokenizer,
    known_models,
    known_words,
    models_folder,
    require_model,
    token_budget,
    vocabulary_of,
)
from generate.picture import ARMS, Arm, Certificate, NoiseFloor, Picture, PicturePair, SchedulerUse
from generate.schedulers import SCHEDULERS, SchedulerChoice, find_scheduler
from generate.settings import MAX_SIDE, MAX_STEPS, RenderSettings, SettingsError

if TYPE_CHECKING:
    from generate.clip import Clip, default_clip, open_clip
    from generate.models import OpenModel, choose_device, choose_dtype, explain_choice, open_model
    from generate.render import (
        RenderCancelled,
        RenderError,
        RenderInterrupted,
        Step,
        library_versions,
        render_pair,
        render_series,
        resolve_settings,
    )

# Read by torch, diffusers and transformers when they are imported, which is after this. Threads that wait for one
# another had better sleep than spin, or whatever else runs on the machine makes rendering several times slower. Loading
# bars and advice of the libraries stay off the screen; what matters in their warnings is raised as an error by the
# modules that call them.
for _name, _value in {
    "OMP_WAIT_POLICY": "PASSIVE",
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "critical",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}.items():
    os.environ.setdefault(_name, _value)

_WITH_TORCH = {
    "Clip": "generate.clip",
    "OpenModel": "generate.models",
    "RenderCancelled": "generate.render",
    "RenderError": "generate.render",
    "RenderInterrupted": "generate.render",
    "Step": "generate.render",
    "choose_device": "generate.models",
    "choose_dtype": "generate.models",
    "default_clip": "generate.clip",
    "explain_choice": "generate.models",
    "library_versions": "generate.render",
    "open_clip": "generate.clip",
    "open_model": "generate.models",
    "render_pair": "generate.render",
    "render_series": "generate.render",
    "resolve_settings": "generate.render",
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WITH_TORCH[name]), name)


__all__ = [
    "ARMS",
    "FAMILIES",
    "MAX_SIDE",
    "MAX_STEPS",
    "PRESETS",
    "SCHEDULERS",
    "Arm",
    "Certificate",
    "Clip",
    "Family",
    "ModelError",
    "ModelName",
    "NoiseFloor",
    "OpenModel",
    "Picture",
    "PicturePair",
    "Preset",
    "RenderCancelled",
    "RenderError",
    "RenderInterrupted",
    "RenderSettings",
    "SchedulerChoice",
    "SchedulerUse",
    "SettingsError",
    "Step",
    "Style",
    "all_styles",
    "choose_device",
    "choose_dtype",
    "default_clip",
    "embedding_vectors",
    "embeddings_in",
    "explain_choice",
    "family_of",
    "find_model",
    "find_preset",
    "find_scheduler",
    "find_style",
    "find_tokenizer",
    "known_models",
    "known_words",
    "library_versions",
    "models_folder",
    "open_clip",
    "open_model",
    "own_clips",
    "render_pair",
    "render_series",
    "require_model",
    "resolve_settings",
    "token_budget",
    "vocabulary_of",
]
