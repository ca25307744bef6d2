"""Tiny models whose arms are drawn in turn, opened once for all tests, and what they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_families import save_tiny

from generate import RenderSettings
from generate.models import OpenModel, open_model, usual_settings
from ideation import PromptPair, given_pair

Folders = Callable[[str], Path]
Opened = Callable[[str], OpenModel]

SHORT = "a red cat"
LONG = " ".join(["near the ancient lighthouse in front of a misty valley ,"] * 8)
NEGATIVE = "blurry low quality"


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The folder of the tiny model of a family, made when it is first asked for."""
    models = tmp_path_factory.mktemp("families")

    def folder(family: str) -> Path:
        made = models / family
        return made if made.is_dir() else save_tiny(family, made)

    return folder


@pytest.fixture(scope="session")
def opened(folders: Folders) -> Opened:
    known: dict[str, OpenModel] = {}

    def model(family: str) -> OpenModel:
        if family not in known:
            known[family] = open_model(str(folders(family)), device="cpu")
            made_quick(known[family].pipeline)
        return known[family]

    return model


def made_quick(pipeline: Any) -> None:
    """What a pipeline has settled is made smaller where it takes much time."""
    if hasattr(pipeline, "resolutions"):  # Kandinsky's own sizes: a picture takes a minute
        pipeline.resolutions = [(64, 64)]
    if hasattr(pipeline, "tokenizer_2_max_length"):  # HunyuanImage's, which fills every prompt up to 1000 tokens
        pipeline.tokenizer_max_length = 128


def few_tokens(model: OpenModel) -> dict[str, int]:
    """Prompts filled up to 128 tokens, enough for the longest here, where else it would be hundreds."""
    assert model.family.in_turn is not None
    return {"max_sequence_length": 128} if "max_sequence_length" in model.family.in_turn.arguments else {}


def settings_of(model: OpenModel, **changes: Any) -> RenderSettings:
    usual = usual_settings(model.family, 5)
    wanted = {"model": model.name, "num_inference_steps": 2, "width": 64, "height": 64, **changes}
    return replace(usual, **wanted)


def prompts_of(model: OpenModel, expanded: str = f"{SHORT} {LONG}", negative: str = NEGATIVE) -> PromptPair:
    return replace(given_pair(SHORT, SHORT, expanded, "", model.budget()), negative=negative)


def pixels(image: Any) -> Any:
    return np.asarray(image).astype(int)
