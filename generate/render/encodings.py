"""Encodings: what text encoders made of prompts, kept for as long as their weights stay what they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch

from generate.models.open import OpenModel

#: So many prompts are kept of a model. A context of Stable Diffusion 1.x in float32 takes a quarter of a megabyte.
_MOST = 64

#: The context of a prompt, and the pooled vector that XL models have.
Encoding = tuple[torch.Tensor, torch.Tensor | None]


@dataclass(frozen=True)
class _State:
    """What prompts are encoded with: tokenizers and weights, and how often each of the weights was written to."""

    parts: tuple[Any, ...]
    versions: tuple[Any, ...]

    def is_still(self, other: _State) -> bool:
        """By identity: both hold what they are made of, so that nothing else can have come to its place."""
        return self.versions == other.versions and [*map(id, self.parts)] == [*map(id, other.parts)]


@dataclass
class Encodings:
    """The encodings of one model by a key that says of what and how."""

    state: _State
    kept: dict[Any, Encoding] = field(default_factory=dict)

    def get(self, key: Any) -> Encoding | None:
        return self.kept.get(key)

    def keep(self, key: Any, encoding: Encoding) -> None:
        """The oldest makes room."""
        if len(self.kept) >= _MOST:
            del self.kept[next(iter(self.kept))]
        self.kept[key] = encoding


_OF_PIPELINES: WeakKeyDictionary[Any, Encodings] = WeakKeyDictionary()


def encodings_of(model: OpenModel) -> Encodings:
    """What was encoded with the model as it is now: none if a LoRA, an embedding or anybody else has changed it."""
    pipeline = model.pipeline
    encoders = [pipeline.text_encoder, getattr(pipeline, "text_encoder_2", None)]
    weights = [weight for encoder in encoders if encoder is not None for weight in encoder.parameters()]
    state = _State(
        (pipeline.tokenizer, getattr(pipeline, "tokenizer_2", None), *weights),
        tuple((weight._version, weight.dtype, weight.device) for weight in weights),
    )
    encodings = _OF_PIPELINES.get(pipeline)
    if encodings is None or not encodings.state.is_still(state):
        encodings = _OF_PIPELINES[pipeline] = Encodings(state)
    return encodings


def forget_encodings(model: OpenModel) -> None:
    """Gives the memory back; for measurements too, that shall not profit by what an earlier one has encoded."""
    _OF_PIPELINES.pop(model.pipeline, None)
