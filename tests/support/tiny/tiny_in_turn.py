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
            if family == "kandinsky5":  # a picture of one of its own sizes takes a minute
                known[family].pipeline.resolutions = [(64, 64)]
        return known[family]

    return model


def settings_of(model: OpenModel, **changes: Any) -> RenderSettings:
    usual = usual_settings(model.family, 5)
    wanted = {"model": model.name, "num_inference_steps": 2, "width": 64, "height": 64, **changes}
    return replace(usual, **wanted)


def prompts_of(model: OpenModel, expanded: str = f"{SHORT} {LONG}", negative: str = NEGATIVE) -> PromptPair:
    return replace(given_pair(SHORT, SHORT, expanded, "", model.budget()), negative=negative)


def pixels(image: Any) -> Any:
    return np.asarray(image).astype(int)
