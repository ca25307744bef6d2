"""Model names: what a name stands for, which models are there, and what their small files say. Torch is not needed."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import platformdirs

from generate.seedling import SEEDLING_FOLDER
from ideation.errors import TwinseedError, nearest

#: The pipelines, by diffusers' class names, that pairs are rendered with.
PIPELINES = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")

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
    """The embedded model, then every model folder in `folder` (the configured one by default), by name.

    A folder that is called like the embedded model can be named by its path only.
    """
    folder = models_folder() if folder is None else folder
    try:
        there = sorted(entry for entry in folder.iterdir() if (entry / "model_index.json").is_file())
    except (FileNotFoundError, NotADirectoryError):
        there = []
    except OSError as error:
        raise ModelError(
            f"cannot read the models folder {folder}: {error.strerror}",
            hint="check who may read it, or name another with TWINSEED_MODELS",
        ) from error
    own = [ModelName(entry.name, "folder", entry) for entry in there if entry.name != "seedling"]
    return [ModelName("seedling", "embedded", SEEDLING_FOLDER), *own]


def find_model(name: str) -> ModelName:
    """What `name` stands for: a known model, the path of a model folder, or a hub id `owner/name`.

    Raises `ModelError` with the nearest name.
    """
    known = {model.name: model for model in known_models()}
    if name in known:
        return known[name]
    path = _existing(name)
    if path is not None and path.is_dir():
        if not (path / "model_index.json").is_file():
            raise ModelError(
                f"{name} is not a model folder: there is no model_index.json in it",
                hint="name the folder that a diffusers pipeline was saved in, with model_index.json at its top",
            )
        return ModelName(name, "folder", path)
    if path is not None:
        raise ModelError(
            f"the model {name} is a file", hint="name a folder in diffusers' layout, with model_index.json at its top"
        )
    if _HUB_ID.fullmatch(name):
        return ModelName(name, "hub", None)
    raise ModelError(
        f"unknown model {name!r}",
        hint=f"{nearest(name, list(known))}; or give a folder, or a hub id such as owner/name",
    )


def require_model(name: str) -> ModelName:
    """As `find_model`, and looks into its `model_index.json` as well, on the hub if need be.

    Fails in a moment where opening the model would load torch first. Raises `ModelError`.
    """
    found = find_model(name)
    pipeline_class(found.path or hub_folder(name, "model_index.json"))
    return found


def pipeline_class(folder: Path) -> str:
    """The entry of `PIPELINES` that the model in `folder` is made for. Raises `ModelError`."""
    try:
        kind = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"model_index.json in {folder} cannot be read: {type(error).__name__}: {first_line(error)}",
            hint="save or download the model again",
        ) from error
    if kind not in PIPELINES:
        raise ModelError(f"the model in {folder} is a {kind}", hint=f"Twinseed renders with {' and '.join(PIPELINES)}")
    return str(kind)


def find_tokenizer(name: str) -> Path:
    """The `tokenizer.json` of the model with that name, on the hub if need be. Raises `ModelError`."""
    found = find_model(name)
    return tokenizer_file(found.path or hub_folder(name, "tokenizer/*"))


@lru_cache
def tokenizer_file(folder: Path) -> Path:
    """The `tokenizer.json` of the model in `folder`.

    Most published models bring only a vocabulary and merges; from these one is made, which lasts as long as the
    program runs. Raises `ModelError` when neither is there.
    """
    file = folder / "tokenizer" / "tokenizer.json"
    if file.is_file():
        return file
    # Without them transformers makes up a tokenizer of two tokens, to which all prompts are alike.
    missing = [part for part in ("vocab.json", "merges.txt") if not (file.parent / part).is_file()]
    if missing:
        raise ModelError(
            f"the model in {folder} has no tokenizer: neither tokenizer.json nor {' and '.join(missing)}",
            hint="save or download the model again, with its tokenizer folder",
        )
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(file.parent), local_files_only=True)
    except Exception as error:
        raise ModelError(
            f"the tokenizer in {file.parent} cannot be read: {first_line(error)}",
            hint="save or download the model again",
        ) from error
    made = Path(tempfile.mkdtemp(prefix="twinseed-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    tokenizer.backend_tokenizer.save(str(made / file.name))
    return made / file.name


def hub_folder(hub_id: str, pattern: str) -> Path:
    """The local copy of the files of a model on the hub that match `pattern`. Raises `ModelError`."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, allow_patterns=pattern))
    except Exception as error:
        raise unreachable(hub_id, error) from error


def unreachable(hub_id: str, error: Exception) -> ModelError:
    """The error for a model that did not come from the hub, for whatever reason the hub's library gave."""
    reason = error.__cause__ or error  # the cause says what happened, the error around it how to use the library
    return ModelError(
        f"the model {hub_id} is not on this machine and could not be fetched from the hub: {first_line(reason)}",
        hint="check the id and the network; without either, --model seedling works offline",
    )


def first_line(error: BaseException) -> str:
    """What a library said, without the advice that follows it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def _existing(name: str) -> Path | None:
    """The file or folder with that path, if there is one."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except (OSError, RuntimeError):  # a name that no path can have: too long, or ~ of nobody
        return None
