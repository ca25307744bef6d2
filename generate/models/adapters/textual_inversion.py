"""Textual inversions (Gal et al. 2022), words that a text encoder learns without being trained anew."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken

from generate.families import Family
from generate.models.catalog import embedding_pattern
from generate.models.resolve import find_part
from generate.models.weights.tensors import read_pickle, read_tensors, require_numbers
from generate.models.weights.weight_file import ModelError, digest_of_file, vectors_in
from ideation import Clause

_MENDING = "take one that was trained for this model, or download it again"


@dataclass(frozen=True)
class Embedding:
    """A textual inversion as it is loaded: the name that stands for it in a prompt, its file with the SHA-256 of that,
    how many tokens it takes up, and what it is called beside adapters of other makes."""

    name: str
    file: Path
    digest: str
    vectors: int
    make: str = "textual inversion"


class TextualInversions:
    """The textual inversions in one pipeline, of the `family`, which is called `name` where something does not fit.
    `notes` say what of their files was left."""

    def __init__(self, name: str, family: Family, pipeline: Any) -> None:
        self.embeddings: tuple[Embedding, ...] = ()
        self.notes: tuple[Clause, ...] = ()
        self._name, self._family, self._pipeline = name, family, pipeline
        self._tokenizers: dict[str, Any] = {}
        self._layers: dict[str, tuple[Any, int]] = {}

    def load(self, names: Iterable[str], *, allow_pickle: bool = False) -> None:
        """Leaves exactly the named embeddings in the model, and takes out what was loaded before.

        From then on `pipeline.maybe_convert_prompt(prompt, tokenizer)`, which diffusers' `encode_prompt` asks by
        itself, puts their tokens where their names stand. Raises `ModelError` for what cannot be found or does not fit.
        """
        wanted, vectors, notes = [], {}, list[Clause]()
        for name in dict.fromkeys(names):
            found = find_part("embedding", name, allow_pickle=allow_pickle)
            assert found.path is not None  # noqa: S101 - for the type checker
            vectors[name], left = self._read(name, found.path, allow_pickle)
            notes += left
            count = len(next(iter(vectors[name].values())))
            wanted.append(Embedding(name, found.path, digest_of_file(found.path), count))
        if self.embeddings == tuple(wanted):
            return
        self.unload()
        if not wanted:
            return
        for part, tokenizer_name in self._family.text_encoders:
            encoder = getattr(self._pipeline, part)
            if encoder is None:
                continue
            before = getattr(self._pipeline, tokenizer_name)
            tokenizer, layer = copy.deepcopy(before), encoder.get_input_embeddings()
            tokens = [token for one in wanted for token in _tokens(one)]
            tokenizer.add_tokens([AddedToken(token, normalized=False) for token in tokens])
            rows = torch.cat([layer.weight.detach(), *(vectors[one.name][part].to(layer.weight) for one in wanted)])
            body = getattr(encoder, "text_model", encoder)
            self._tokenizers[tokenizer_name] = before
            self._layers[part] = (layer, body.eos_token_id)
            # Older configurations have the end token wrong, and take the highest number for it: now there are higher
            # ones.
            body.eos_token_id = tokenizer.eos_token_id
            encoder.set_input_embeddings(torch.nn.Embedding.from_pretrained(rows))
            setattr(self._pipeline, tokenizer_name, tokenizer)
        self.embeddings, self.notes = tuple(wanted), tuple(notes)
        self._pipeline.maybe_convert_prompt = partial(_convert, self.embeddings)

    def unload(self) -> None:
        """Puts back the tokenizers and the embedding layers that the model was opened with."""
        self.embeddings, self.notes = (), ()
        self._pipeline.__dict__.pop("maybe_convert_prompt", None)
        for name, tokenizer in self._tokenizers.items():
            setattr(self._pipeline, name, tokenizer)
        for part, (layer, end) in self._layers.items():
            encoder = getattr(self._pipeline, part)
            encoder.set_input_embeddings(layer)
            getattr(encoder, "text_model", encoder).eos_token_id = end
        self._tokenizers.clear()
        self._layers.clear()

    def _read(self, name: str, file: Path, allow_pickle: bool) -> tuple[dict[str, torch.Tensor], tuple[Clause, ...]]:
        """The vectors of an embedding by the text encoder that they are for, each (tokens, width), and notes."""
        if file.suffix.lower() == ".safetensors":
            content: dict[str, Any] = dict(read_tensors(file)[0])
        else:
            content = read_pickle(file, allowed=allow_pickle)
            if isinstance(content.get("string_to_param"), dict):  # AUTOMATIC1111
                content = content["string_to_param"]
            content = {str(key): value for key, value in content.items() if torch.is_tensor(value)}
        encoders = {part: getattr(self._pipeline, part) for part, _ in self._family.text_encoders}
        parts = [part for part, encoder in encoders.items() if encoder is not None]
        read = vectors_in({key: tuple(tensor.shape) for key, tensor in content.items()})
        if read.keys() == {"clip_l", "clip_g"}:
            found = {"text_encoder": content["clip_l"], "text_encoder_2": content["clip_g"]}
        elif len(read) == 1:
            found = {"text_encoder": content[next(iter(read))]}
        else:
            raise ModelError(
                "{file} holds {count} embeddings ({names}), and its name stands for one",
                hint="take a file with one word in it",
                file=file,
                count=len(read),
                names=", ".join(read)[:80] or Clause("none"),
            )
        for key in read:
            require_numbers(content[key], name, key)
        vectors = {part: (one[None] if one.ndim == 1 else one).detach().float() for part, one in found.items()}
        widths = {part: tuple(one.shape[1:]) for part, one in vectors.items()}
        wanted = {part: (encoders[part].get_input_embeddings().embedding_dim,) for part in parts}
        if widths != wanted or len({len(one) for one in vectors.values()}) != 1:
            raise ModelError(
                (
                    "the embedding {name} does not fit the model {name_2}: its vectors are "
                    "{values}, the text encoder's {values_2} wide"
                ),
                hint="{mending}",
                name=name,
                name_2=self._name,
                values=" and ".join(str(list(one.shape)) for one in vectors.values()),
                values_2=" and ".join(str(width) for (width,) in wanted.values()),
                mending=_MENDING,
            )
        left = sorted(key for key in content.keys() - read if content[key].numel() > 1)
        note = Clause("of the embedding {name}, {left} was left unread", name=name, left=", ".join(left)[:80])
        return vectors, (note,) if left else ()


def _convert(embeddings: tuple[Embedding, ...], prompt: Any, _tokenizer: Any) -> Any:
    """In the place of the pipeline's own method, which misses names in capitals and finds them inside other words."""
    if not isinstance(prompt, str):
        return [_convert(embeddings, one, _tokenizer) for one in prompt]
    tokens = {one.name.casefold(): " ".join(_tokens(one)) for one in embeddings}
    return embedding_pattern([one.name for one in embeddings]).sub(lambda found: tokens[found[0].casefold()], prompt)


def _tokens(embedding: Embedding) -> list[str]:
    """What stands for its vectors in the tokenizer: nothing that anybody would type."""
    return [f"<|{embedding.name}#{number}|>" for number in range(embedding.vectors)]
