"""Models: opens a Stable Diffusion model from a folder, a single file or the hub, on the right device."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

import generate.models.quiet  # noqa: F401  isort: skip - before diffusers, which prints at import
from diffusers import DiffusionPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPImageProcessor
from transformers.utils import logging as transformers_logging

from generate.models.architecture import pipeline_class
from generate.models.clip_tokenizer import tokenizer_file
from generate.models.devices import DTYPES, bf16_in_hardware, choose_device, choose_dtype, require_compiler
from generate.models.resolve import ModelError, ModelName, find_model, find_vae, hub_id, unreachable, vae_path
from generate.models.single_file import open_single_file
from generate.models.vae import open_vae
from generate.models.weight_file import digest_of_weights, first_line
from generate.models.weights import require_whole

_CLASSES = {
    "StableDiffusionPipeline": StableDiffusionPipeline,
    "StableDiffusionXLPipeline": StableDiffusionXLPipeline,
}


@dataclass(frozen=True)
class OpenModel:
    """A loaded pipeline.

    `scheduler_config` is the model's own. `folder` holds its configuration, and its weights too, unless they came from
    the single `file`. `vae_path` is the file or folder of the VAE that took the place of its own. `compiled`: its U-Net
    is, or will be at its first evaluation.
    """

    name: str
    pipeline: Any
    device: str
    dtype: str
    scheduler_config: dict[str, Any]
    folder: Path
    tokenizer_folder: Path
    file: Path | None = None
    vae_path: Path | None = None
    compiled: bool = False

    @property
    def token_limit(self) -> int:
        """How many tokens the text encoder reads, start and end tokens included."""
        return int(self.pipeline.text_encoder.config.max_position_embeddings)

    @property
    def tokenizer_file(self) -> Path:
        """The model's `tokenizer.json`, for `ideation.token_budget`."""
        return tokenizer_file(self.tokenizer_folder)

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
        """SHA-256 over the weights, those of another VAE among them."""
        return digest_of_weights(self.file or self.folder, self.vae_path)


def open_model(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    vae: str | None = None,
    revision: str | None = None,
    allow_pickle: bool = False,
    fast: bool = False,
    compiled: bool = False,
) -> OpenModel:
    """Loads a model: a known name, a folder in diffusers' layout, a single file in the original layout, or a hub id.

    `vae` names another VAE to decode with; `revision` is of the hub id, also written `owner/name@revision`;
    `allow_pickle` admits `.ckpt` and `.pt` files, of which nothing but tensors is ever built. `fast` takes bfloat16 on
    a processor that has it in hardware, unless a dtype is named, and lays pictures out as its kernels want them.
    `compiled` has torch compile the U-Net, at its first evaluation in each size: minutes, that only many pictures are
    worth. Raises `ModelError` when it is not there, cannot be reached, or is broken, and `SettingsError` for the device
    and dtype, and where there is no compiler.
    """
    if compiled:
        require_compiler(device)
    found = find_model(name, revision=revision, allow_pickle=allow_pickle)
    found_vae = find_vae(vae, allow_pickle=allow_pickle) if vae is not None else None
    device = choose_device(device)
    if fast and dtype == "auto" and device == "cpu" and bf16_in_hardware():
        dtype = "bfloat16"
    dtype = choose_dtype(dtype, device)
    diffusers_logging.disable_progress_bar()  # our own bar is enough
    transformers_logging.disable_progress_bar()
    other_vae = vae_path(found_vae) if found_vae is not None else None
    open_other: Callable[[Path], Any] | None = None
    if other_vae is not None:
        open_other = partial(open_vae, other_vae, dtype=DTYPES[dtype], allow_pickle=allow_pickle)
    file = found.path if found.path is not None and found.path.is_file() else None
    if file is not None:
        pipeline, folder, tokenizer = open_single_file(file, DTYPES[dtype], vae=open_other, allow_pickle=allow_pickle)
    else:
        folder = found.path or _download(found)
        tokenizer = folder / "tokenizer"
        pipeline = _open_folder(name, folder, DTYPES[dtype], open_other)
    latents = (pipeline.unet.config.in_channels, pipeline.vae.config.latent_channels)
    if latents[0] != latents[1]:
        raise ModelError(
            f"the VAE {vae or 'of ' + name} decodes latents of {latents[1]} channels, the model draws {latents[0]}",
            hint="take a VAE that was made for this model, or none",
        )
    pipeline.set_progress_bar_config(disable=True)
    try:
        pipeline = pipeline.to(device)
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"the model {name} does not fit into the memory of {device} in {dtype}",
            hint="close what else uses it, or take --device cpu",
        ) from error
    if fast:
        pipeline.unet.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
    if compiled:
        # Not the module: its hooks are our witnesses, and would be compiled into it with the first picture's.
        pipeline.unet.forward = torch.compile(pipeline.unet.forward)
    config = dict(pipeline.scheduler.config)
    return OpenModel(name, pipeline, device, dtype, config, folder, tokenizer, file, other_vae, compiled)


def _open_folder(name: str, folder: Path, dtype: torch.dtype, other_vae: Callable[[Path], Any] | None) -> Any:
    pipeline_type = _CLASSES[pipeline_class(folder)]
    tokenizer_file(folder / "tokenizer")  # raises where there is none; loading would go on without
    given = {} if other_vae is None else {"vae": other_vae(folder / "vae")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            pipeline = pipeline_type.from_pretrained(
                str(folder),
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                low_cpu_mem_usage=False,
                **given,
                **_feature_extractor(folder),
            )
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError, SafetensorError, KeyError ...
        raise ModelError(
            f"the model {name} cannot be loaded from {folder}: {first_line(error)}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
        ) from error
    for part, module in pipeline.components.items():
        if isinstance(module, torch.nn.Module) and part not in given:
            require_whole(module, f"{part} of the model in {folder}", folder / part)
    return pipeline


def _feature_extractor(folder: Path) -> dict[str, Any]:
    """The safety checker's eyes, for models of 2022: they name a class that transformers no longer has."""
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    if index.get("feature_extractor", [None, None])[1] != "CLIPFeatureExtractor":
        return {}
    return {
        "feature_extractor": CLIPImageProcessor.from_pretrained(
            str(folder / "feature_extractor"), local_files_only=True
        )
    }


def _download(found: ModelName) -> Path:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return Path(DiffusionPipeline.download(hub_id(found), revision=found.revision, use_safetensors=True))
    except Exception as error:
        raise unreachable(found.name, error) from error
