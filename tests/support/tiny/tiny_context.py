"""The context of a pair for the tests of instruments: Seedling, few steps, and a scorer that sees mean colours only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.instruments.context import Context
from generate.models import OpenModel
from generate.render.pair import render_pair
from generate.settings import RenderSettings
from ideation import TokenBudget, given_pair

SIMPLE = "a dog riding a bicycle"
EXPANDED = "a dog riding a bicycle in a forest at night, oil painting"
SETTINGS = RenderSettings(seed=5, images=2, num_inference_steps=3, scheduler="Euler", width=128, height=128)


class MeanColour:
    """A picture's vector is its mean colour and a constant; a text's is drawn from its letters."""

    name, digest, limit = "mean colour", "00" * 32, 77

    def image_vectors(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        means = [np.asarray(image.convert("RGB"), dtype=np.float64).mean((0, 1)) / 255 for image in images]
        return self._unit([[*mean, 0.5] for mean in means])

    def text_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._unit([list(hashlib.sha256(text.encode()).digest()[:4]) for text in texts])

    def cut(self, text: str) -> tuple[str, ...]:
        return ()

    def _unit(self, rows: Sequence[Sequence[float]]) -> NDArray[np.float32]:
        vectors = np.asarray(rows, dtype=np.float64)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def tiny_context(
    model: OpenModel,
    simple: str = SIMPLE,
    expanded: str = EXPANDED,
    settings: RenderSettings = SETTINGS,
    *,
    clip: bool = True,
) -> Context:
    prompts = given_pair("", simple, expanded, "", TokenBudget(model.tokenizer_file, model.token_limit, vectors={}))
    pair = render_pair(prompts, settings, model)
    pictures = {(render.arm, render.seed): render.image for render in pair.pictures}
    return Context(prompts, pair.settings, model, pictures, MeanColour() if clip else None)


def fresh(context: Context) -> Context:
    """The same context, on which nothing lies yet."""
    return replace(context, files={})
