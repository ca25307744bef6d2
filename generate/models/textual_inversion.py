"""Embeddings: textual inversions (Gal et al. 2022), words that a text encoder learns without being trained anew."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from tokenizers import AddedToken

from generate.models.catalog import ModelName, known_models
from generate.models.model_folders import EMBEDDINGS, models_folder
from generate.models.open import OpenModel
from generate.models.resolve import find_part
from generate.models.weight_file import ModelError, digest_of_file
from generate.models.weights import read_pickle, read_tensors

_ENCODERS = (("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2"))

_MENDING = "take one that was trained for this model, or download it again"


@dataclass(frozen=True)
class Embedding:
    """A textual inversion as it is loaded: the name that stands for it in a prompt, its file with the SHA-256 of that,
    and how many tokens it takes up."""

    name: str
    file: Path
    digest: str
    vectors: int


@dataclass(frozen=True)
class _Loaded:
    embeddings: tuple[Embedding, ...]
    tokenizers: dict[str, Any]
    layers: dict[str, tuple[Any, int]]


#: What is in which pipeline now, with the tokenizers and the embedding layers (and end tokens) that were there before.
_LOADED: WeakKeyDictionary[Any, _Loaded] = WeakKeyDictionary()


def embeddings_in(*prompts: str) -> tuple[str, ...]:
    """The names of the known embeddings that stand in any of the prompts, as whole words, in upper or lower case."""
    names = [model.name for model in known_models() if model.kind == "embedding" or _is_pickled(model)]
    return tuple(name for name in dict.fromkeys(names) if any(_pattern([name]).search(prompt) for prompt in prompts))


def load_embeddings(model: OpenModel, names: Iterable[str], *, allow_pickle: bool = False) -> tuple[Embedding, ...]:
    """Leaves exactly the named embeddings in the model, and takes out what was loaded before.

    From then on `pipeline.maybe_convert_prompt(prompt, tokenizer)`, which diffusers' `encode_prompt` asks by itself,
    puts their tokens where their names stand. Raises `ModelError`, with the model as it was opened, for what cannot be
    found or does not fit.
    """
    wanted, vectors = [], {}
    for name in dict.fromkeys(names):
        found = find_part("embedding", name, allow_pickle=allow_pickle)
        assert found.path is not None  # noqa: S101 - for the type checker
        vectors[name] = _read(name, found.path, model, allow_pickle)
        count = len(next(iter(vectors[name].values())))
        wanted.append(Embedding(name, found.path, digest_of_file(found.path), count))
    if loaded_embeddings(model) == tuple(wanted):
        return tuple(wanted)
    unload_embeddings(model)
    if not wanted:
        return ()
    pipeline, loaded = model.pipeline, _Loaded(tuple(wanted), {}, {})
    for part, tokenizer_name in _ENCODERS:
        encoder = getattr(pipeline, part, None)
        if encoder is None:
            continue
        tokenizer, layer = copy.deepcopy(getattr(pipeline, tokenizer_name)), encoder.get_input_embeddings()
        tokens = [token for one in wanted for token in _tokens(one)]
        tokenizer.add_tokens([AddedToken(token, normalized=False) for token in tokens])
        rows = torch.cat([layer.weight.detach(), *(vectors[one.name][part].to(layer.weight) for one in wanted)])
        body = getattr(encoder, "text_model", encoder)
        loaded.tokenizers[tokenizer_name] = getattr(pipeline, tokenizer_name)
        loaded.layers[part] = (layer, body.eos_token_id)
        # Older configurations have the end token wrong, and take the highest number for it: now there are higher ones.
        body.eos_token_id = tokenizer.eos_token_id
        encoder.set_input_embeddings(torch.nn.Embedding.from_pretrained(rows))
        setattr(pipeline, tokenizer_name, tokenizer)
    pipeline.maybe_convert_prompt = partial(_convert, loaded.embeddings)
    _LOADED[pipeline] = loaded
    return loaded.embeddings


def unload_embeddings(model: OpenModel) -> None:
    """Puts back the tokenizers and the embedding layers that the model was opened with."""
    pipeline, loaded = model.pipeline, _LOADED.pop(model.pipeline, None)
    if loaded is None:
        return
    del pipeline.maybe_convert_prompt
    for name, tokenizer in loaded.tokenizers.items():
        setattr(pipeline, name, tokenizer)
    for part, (layer, end) in loaded.layers.items():
        encoder = getattr(pipeline, part)
        encoder.set_input_embeddings(layer)
        getattr(encoder, "text_model", encoder).eos_token_id = end


def loaded_embeddings(model: OpenModel) -> tuple[Embedding, ...]:
    """The embeddings that are in the model now."""
    loaded = _LOADED.get(model.pipeline)
    return loaded.embeddings if loaded is not None else ()


def _read(name: str, file: Path, model: OpenModel, allow_pickle: bool) -> dict[str, torch.Tensor]:
    """The vectors of an embedding by the text encoder that they are for, each (tokens, width)."""
    if file.suffix.lower() == ".safetensors":
        content: dict[str, Any] = dict(read_tensors(file)[0])
    else:
        content = read_pickle(file, allowed=allow_pickle)
        if isinstance(content.get("string_to_param"), dict):  # AUTOMATIC1111
            content = content["string_to_param"]
        content = {str(key): value for key, value in content.items() if torch.is_tensor(value)}
    encoders = {part: getattr(model.pipeline, part, None) for part, _ in _ENCODERS}
    parts = [part for part, encoder in encoders.items() if encoder is not None]
    if {"clip_l", "clip_g"} <= set(content):
        found = {"text_encoder": content["clip_l"], "text_encoder_2": content["clip_g"]}
    elif len(content) == 1:
        found = {"text_encoder": next(iter(content.values()))}
    else:
        raise ModelError(f"{file} is no embedding: there are {len(content)} tensors in it", hint=_MENDING)
    vectors = {part: (one[None] if one.ndim == 1 else one).detach() for part, one in found.items()}
    widths = {part: tuple(one.shape[1:]) for part, one in vectors.items()}
    wanted = {part: (encoders[part].get_input_embeddings().embedding_dim,) for part in parts}  # type: ignore[union-attr]
    if widths != wanted or len({len(one) for one in vectors.values()}) != 1:
        raise ModelError(
            f"the embedding {name} does not fit the model {model.name}: its vectors are "
            f"{' and '.join(str(list(one.shape)) for one in vectors.values())}, "
            f"the text encoder's {' and '.join(str(width) for (width,) in wanted.values())} wide",
            hint=_MENDING,
        )
    if not all(torch.isfinite(one).all() for one in vectors.values()):
        raise ModelError(f"the embedding {name} holds numbers that are none", hint=_MENDING)
    return vectors


def _convert(embeddings: tuple[Embedding, ...], prompt: Any, _tokenizer: Any) -> Any:
    """In the place of the pipeline's own method, which misses names in capitals and finds them inside other words."""
    if not isinstance(prompt, str):
        return [_convert(embeddings, one, _tokenizer) for one in prompt]
    tokens = {one.name.casefold(): " ".join(_tokens(one)) for one in embeddings}
    return _pattern([one.name for one in embeddings]).sub(lambda found: tokens[found[0].casefold()], prompt)


def _tokens(embedding: Embedding) -> list[str]:
    """What stands for its vectors in the tokenizer: nothing that anybody would type."""
    return [f"<|{embedding.name}#{number}|>" for number in range(embedding.vectors)]


def _pattern(names: list[str]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def _is_pickled(model: ModelName) -> bool:
    folder = models_folder() / EMBEDDINGS
    return model.kind == "pickle" and model.path is not None and model.path.is_relative_to(folder)
