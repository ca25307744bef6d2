"""Model names: what a name stands for and which models are there. Reads folders only; torch is not needed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from generate.seedling import SEEDLING_FOLDER
from ideation.errors import TwinseedError, nearest

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class ModelError(TwinseedError):
    """A model that is not there, cannot be reached, or is broken."""


@dataclass(frozen=True)
class ModelName:
    """`kind` is "embedded", "folder" or "hub"; `path` is the folder, or None for a model on the hub."""

    name: str
    kind: str
    path: Path | None


def models_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where people keep their models: `TWINSEED_MODELS`, or the usual place for the data of programs."""
    return Path(environ.get("TWINSEED_MODELS") or platformdirs.user_data_path("twinseed") / "models")


def known_models(folder: Path | None = None) -> list[ModelName]:
    """The embedded model, then every model folder in `folder` (the configured one by default), by name."""
    folder = models_folder() if folder is None else folder
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    own = [ModelName(entry.name, "folder", entry) for entry in there if (entry / "model_index.json").is_file()]
    return [ModelName("seedling", "embedded", SEEDLING_FOLDER), *own]


def find_model(name: str) -> ModelName:
    """What `name` stands for: a known model, the path of a model folder, or a hub id `owner/name`.

    Raises `ModelError` with the nearest name.
    """
    known = {model.name: model for model in known_models()}
    if name in known:
        return known[name]
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "model_index.json").is_file():
            raise ModelError(
                f"{name} is not a model folder: there is no model_index.json in it",
                hint="name the folder that a diffusers pipeline was saved in, with model_index.json at its top",
            )
        return ModelName(name, "folder", path)
    if _HUB_ID.fullmatch(name):
        return ModelName(name, "hub", None)
    raise ModelError(
        f"unknown model {name!r}",
        hint=f"{nearest(name, list(known))}; or give a folder, or a hub id such as owner/name",
    )
