"""Embedding names: the textual inversions that a prompt may name, and how many tokens each takes, without torch."""

from __future__ import annotations

from pathlib import Path

from generate.models.catalog import known_models
from generate.models.weight_file import read_weight_file
from ideation.token_budget import CLIP_LIMIT, TokenBudget


def embedding_vectors() -> dict[str, int]:
    """The number of vectors of each embedding in the models folder, by its name: for `ideation.TokenBudget`.

    The headers of `.safetensors` files tell it. Pickles are not opened for it, and are missing.
    """
    vectors: dict[str, int] = {}
    for model in known_models():
        if model.kind == "embedding" and model.path is not None and model.name not in vectors:
            shape = next(iter(read_weight_file(model.path).shapes.values()))
            vectors[model.name] = shape[0] if len(shape) == 2 else 1
    return vectors


def token_budget(tokenizer_file: Path, limit: int = CLIP_LIMIT, *, chunked: bool = False) -> TokenBudget:
    """The budget of a model with that tokenizer, which counts the textual inversions of the models folder as it does.

    Raises `TokenizerError`.
    """
    return TokenBudget(tokenizer_file, limit, vectors=embedding_vectors(), chunked=chunked)
