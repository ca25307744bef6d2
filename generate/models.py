"""Models: opens a Stable Diffusion 1.x, 2.x or XL model from a folder or the hub, on the right device."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import generate.quiet  # noqa: F401  isort: skip - before diffusers, which prints at import
from diffusers import DiffusionPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from generate.devices import DTYPES, choose_device, choose_dtype
from generate.model_names import ModelError, find_model

_PIPELINES = {
    "StableDiffusionPipeline": StableDiffusionPipeline,
    "StableDiffusionXLPipeline": StableDiffusionXLPipeline,
}


@dataclass(frozen=True)
class OpenModel:
    """A loaded pipeline. `scheduler_config` is the model's own; `digest` is SHA-256 over its weight files."""

    name: str
    pipeline: Any
    device: str
    dtype: str
    scheduler_config: dict[str, Any]
    folder: Path

    @property
    def token_limit(self) -> int:
        return int(self.pipeline.tokenizer.model_max_length)

    @cached_property
    def tokenizer_file(self) -> Path:
        """The `tokenizer.json` of the model; models that bring only a vocabulary and merges get one made."""
        file = self.folder / "tokenizer" / "tokenizer.json"
        if not file.is_file():
            file = Path(tempfile.mkdtemp(prefix="twinseed-")) / "tokenizer.json"
            self.pipeline.tokenizer.backend_tokenizer.save(str(file))
        return file

    @property
    def native_size(self) -> tuple[int, int]:
        """(width, height) in pixels that the model was trained for."""
        sample = self.pipeline.unet.config.sample_size
        height, width = (sample, sample) if isinstance(sample, int) else sample
        return width * self.pipeline.vae_scale_factor, height * self.pipeline.vae_scale_factor

    @cached_property
    def digest(self) -> str:
        return _digest(self.folder)


def open_model(name: str, *, device: str = "auto", dtype: str = "auto") -> OpenModel:
    """Loads a model. Raises `ModelError` when it is not there, cannot be reached, or is broken."""
    found = find_model(name)
    device = choose_device(device)
    dtype = choose_dtype(dtype, device)
    folder = found.path or _download(found.name)
    kind = _pipeline_class(folder)
    diffusers_logging.disable_progress_bar()  # our own bar is enough
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            pipeline = _PIPELINES[kind].from_pretrained(
                str(folder), dtype=DTYPES[dtype], use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False
            )
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError, SafetensorError, KeyError ...
        raise ModelError(
            f"the model {name} cannot be loaded from {folder}: {_first_line(error)}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return OpenModel(name, pipeline.to(device), device, dtype, dict(pipeline.scheduler.config), folder)


def _pipeline_class(folder: Path) -> str:
    try:
        kind = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"model_index.json in {folder} cannot be read: {_first_line(error)}", hint="save or download the model again"
        ) from error
    if kind not in _PIPELINES:
        raise ModelError(
            f"the model in {folder} is a {kind}", hint=f"Twinseed renders with {' and '.join(_PIPELINES)}"
        )
    return str(kind)


def _download(hub_id: str) -> Path:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return Path(DiffusionPipeline.download(hub_id, use_safetensors=True))
    except Exception as error:  # hub errors, httpx errors, OSError: all mean that it did not come
        raise ModelError(
            f"the model {hub_id} is not on this machine and could not be fetched from the hub: {_first_line(error)}",
            hint="check the id and the network; without either, --model seedling works offline",
        ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all weight files.

    The hub's cache names each large file by its SHA-256; where a link tells it, the file is not read again.
    """
    whole = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        target = file.resolve().name
        if file.is_symlink() and len(target) == 64 and set(target) <= set("0123456789abcdef"):
            content = target
        else:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()}:{content}\n".encode())
    return whole.hexdigest()
