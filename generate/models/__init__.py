"""Models: found by name, told apart, checked and opened, with the LoRAs and textual inversions that go into them.

What finds them never loads torch; `open_model` and what comes with it do, once they are used.

>>> [model.name for model in known_models() if model.kind == "embedded"]
['seedling']
>>> find_model("seedling").family
'seedling'
>>> find_model("seedlng")
Traceback (most recent call last):
    ...
generate.models.weights.weight_file.ModelError: unknown model 'seedlng'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from generate.models.catalog import (
    ModelName,
    embedded_loras,
    embedding_vectors,
    embeddings_in,
    known_models,
    models_folder,
    token_budget,
)
from generate.models.resolve import (
    family_of,
    find_model,
    find_part,
    find_tokenizer,
    find_vae,
    hub_file,
    hub_id,
    known_words,
    require_model,
    require_plain_name,
    vae_path,
    vocabulary_of,
)
from generate.models.suitability import check_batch, check_family, usual_settings
from generate.models.target import WritingTarget, find_writing_target, writing_target
from generate.models.weights.weight_file import ModelError, digest_of_file, digest_of_weights

if TYPE_CHECKING:
    from generate.models.adapters import Adapter, Embedding
    from generate.models.devices import choose_device, choose_dtype, explain_choice, ran_out_of_memory, require_compiler
    from generate.models.opening.model import OpenModel
    from generate.models.opening.open import open_model

_WITH_TORCH = {
    "Adapter": "generate.models.adapters",
    "Embedding": "generate.models.adapters",
    "OpenModel": "generate.models.opening.model",
    "choose_device": "generate.models.devices",
    "choose_dtype": "generate.models.devices",
    "explain_choice": "generate.models.devices",
    "open_model": "generate.models.opening.open",
    "ran_out_of_memory": "generate.models.devices",
    "require_compiler": "generate.models.devices",
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WITH_TORCH[name]), name)


__all__ = [
    "Adapter",
    "Embedding",
    "ModelError",
    "ModelName",
    "OpenModel",
    "WritingTarget",
    "check_batch",
    "check_family",
    "choose_device",
    "choose_dtype",
    "digest_of_file",
    "digest_of_weights",
    "embedded_loras",
    "embedding_vectors",
    "embeddings_in",
    "explain_choice",
    "family_of",
    "find_model",
    "find_part",
    "find_tokenizer",
    "find_vae",
    "find_writing_target",
    "hub_file",
    "hub_id",
    "known_models",
    "known_words",
    "models_folder",
    "open_model",
    "ran_out_of_memory",
    "require_compiler",
    "require_model",
    "require_plain_name",
    "token_budget",
    "usual_settings",
    "vae_path",
    "vocabulary_of",
    "writing_target",
]
