"""Models: opens a Stable Diffusion 1.x, 2.x or XL model from a folder or the hub, on the right device."""

from __future__ import annotations

import hashlib
import logging
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

import generate.quiet  # noqa: F401  isort: skip - before diffusers, which prints at import
from diffusers import DiffusionPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from safetensors import safe_open
from transformers.utils import logging as transformers_logging

from generate.devices import DTYPES, choose_device, choose_dtype
from generate.model_names import ModelError, find_model, first_line, pipeline_class, tokenizer_file, unreachable

_CLASSES = {
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
        """How many tokens the text encoder reads, start and end tokens included."""
        return int(self.pipeline.text_encoder.config.max_position_embeddings)

    @property
    def tokenizer_file(self) -> Path:
        """The model's `tokenizer.json`, for `ideation.token_budget`."""
        return tokenizer_file(self.folder)

    @property
    def size_unit(self) -> int:
        """Pixels to one latent: width and height must be multiples of it."""
        return int(self.pipeline.vae_scale_factor)

    @property
    def native_size(self) -> tuple[int, int]:
        """(width, height) in pixels that the model was trained for."""
        sample = self.pipeline.unet.config.sample_size
        height, width = (sample, sample) if isinstance(sample, int) else sample
        return width * self.size_unit, height * self.size_unit

    @cached_property
    def digest(self) -> str:
        return _digest(self.folder)


def open_model(name: str, *, device: str = "auto", dtype: str = "auto") -> OpenModel:
    """Loads a model. Raises `ModelError` when it is not there, cannot be reached, or is broken."""
    found = find_model(name)
    device = choose_device(device)
    dtype = choose_dtype(dtype, device)
    folder = found.path or _download(found.name)
    pipeline_type = _CLASSES[pipeline_class(folder)]
    tokenizer_file(folder)  # raises where there is none; loading would go on without
    diffusers_logging.disable_progress_bar()  # our own bar is enough
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            pipeline = pipeline_type.from_pretrained(
                str(folder), dtype=DTYPES[dtype], use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False
            )
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError, SafetensorError, KeyError ...
        raise ModelError(
            f"the model {name} cannot be loaded from {folder}: {first_line(error)}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
        ) from error
    _require_whole(pipeline, folder)
    pipeline.set_progress_bar_config(disable=True)
    try:
        pipeline = pipeline.to(device)
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"the model {name} does not fit into the memory of {device} in {dtype}",
            hint="close what else uses it, or take --device cpu",
        ) from error
    return OpenModel(name, pipeline, device, dtype, dict(pipeline.scheduler.config), folder)


def _download(hub_id: str) -> Path:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return Path(DiffusionPipeline.download(hub_id, use_safetensors=True))
    except Exception as error:
        raise unreachable(hub_id, error) from error


def _require_whole(pipeline: Any, folder: Path) -> None:
    """Raises `ModelError` where a weight file has fewer tensors than its part of the model.

    The libraries fill the gaps with random numbers and say so in their logs only. Tensors are counted, not compared by
    name, because the libraries rename those of older files.
    """
    for part, module in pipeline.components.items():
        if not isinstance(module, torch.nn.Module):
            continue
        found = 0
        for file in (folder / part).glob("*.safetensors"):
            with safe_open(file, "pt") as weights:  # older text encoders keep their positions as well
                found += sum(not key.endswith("position_ids") for key in weights.keys())  # noqa: SIM118
        if found < (wanted := len(module.state_dict())):
            raise ModelError(
                f"the {part} of the model in {folder} is not whole: {found} tensors of {wanted} are there",
                hint="its config.json belongs to another model, or weights are missing: save or download it again",
            )


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
