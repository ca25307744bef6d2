"""Single files: opens a checkpoint in the original (CompVis, Stability AI) layout, without network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import generate.models.quiet  # noqa: F401  isort: skip - before diffusers, which prints at import
import diffusers
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_open_clip_checkpoint,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from generate.models.architecture import (
    configuration,
    own_configuration,
    pipeline_class,
    prediction_type,
    vocabulary_entries,
)
from generate.models.clip_tokenizer import find_clip_tokenizer, tokenizer_file
from generate.models.vae import fill_vae
from generate.models.weight_file import ModelError, first_line
from generate.models.weights import Tensors, fill, read_tensors

_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError)


def open_single_file(
    file: Path,
    dtype: torch.dtype,
    *,
    vae: Callable[[Path], Any] | None = None,
    allow_pickle: bool = False,
) -> tuple[Any, Path, Path]:
    """The pipeline of a checkpoint, and the folders of its configuration and of its tokenizer.

    `vae` opens the VAE that takes the place of the file's own, given the folder with the configuration of that.

    The configuration is that of the folder `NAME/` beside `NAME.safetensors`, or the published one of the checkpoint's
    shapes. Raises `ModelError`.
    """
    tensors, metadata = read_tensors(file, allow_pickle=allow_pickle)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    folder = configuration(file, shapes, metadata)
    entries = vocabulary_entries(file, shapes)
    tokenizer = find_clip_tokenizer(file, entries)
    tokenizer_file(tokenizer)  # raises where it cannot be read
    large = pipeline_class(folder) == "StableDiffusionXLPipeline"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            parts = {
                "unet": _unet(tensors, folder, dtype, file),
                "vae": vae(folder / "vae") if vae else fill_vae(tensors, folder / "vae", dtype, file),
                "text_encoder": _text_encoder(tensors, folder, dtype, file),
                "tokenizer": _tokenizer(tokenizer, folder / "text_encoder", entries, file),
                "scheduler": scheduler_of(folder, file, shapes, dict(metadata)),
            }
            if not large:
                pipeline = StableDiffusionPipeline(
                    **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
                )
                return pipeline, folder, tokenizer
            parts["text_encoder_2"] = _second_text_encoder(tensors, folder, dtype, file)
            second = folder / "tokenizer_2"
            parts["tokenizer_2"] = _tokenizer(
                second if second.is_dir() else tokenizer, folder / "text_encoder_2", entries, file
            )
            return StableDiffusionXLPipeline(**parts), folder, tokenizer
    except _UNREADABLE as error:  # what is odd in a configuration or in the names of tensors
        raise ModelError(
            f"the model {file.name} cannot be loaded with the configuration in {folder}: {first_line(error)}",
            hint="its configuration may belong to another model, or the file is of another make than it seems",
        ) from error


def _unet(tensors: Tensors, folder: Path, dtype: torch.dtype, file: Path) -> Any:
    with init_empty_weights():
        config = UNet2DConditionModel.load_config(str(folder), subfolder="unet", local_files_only=True)
        model = UNet2DConditionModel.from_config(config)
    return fill(model, convert_ldm_unet_checkpoint(tensors, model.config), dtype, "U-Net", file)


def _text_encoder(tensors: Tensors, folder: Path, dtype: torch.dtype, file: Path) -> Any:
    with init_empty_weights():
        model = CLIPTextModel(CLIPTextConfig.from_pretrained(str(folder / "text_encoder"), local_files_only=True))
    found = convert_ldm_clip_checkpoint(tensors)
    if not found:  # Stable Diffusion 2.x has OpenCLIP's layout
        found = convert_open_clip_checkpoint(model, tensors, prefix="cond_stage_model.model.")
    found = {name.removeprefix("text_model."): tensor for name, tensor in found.items()}
    return fill(model, found, dtype, "text encoder", file)


def _second_text_encoder(tensors: Tensors, folder: Path, dtype: torch.dtype, file: Path) -> Any:
    with init_empty_weights():
        config = CLIPTextConfig.from_pretrained(str(folder / "text_encoder_2"), local_files_only=True)
        model = CLIPTextModelWithProjection(config)
    found = convert_open_clip_checkpoint(model, tensors, prefix="conditioner.embedders.1.model.")
    return fill(model, found, dtype, "second text encoder", file)


def _tokenizer(folder: Path, text_encoder: Path, entries: int, file: Path) -> Any:
    """The tokenizer in `folder`, which may be another model's, with the padding that this text encoder has learnt."""
    config = CLIPTextConfig.from_pretrained(str(text_encoder), local_files_only=True)
    tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    if len(tokenizer) != entries:
        raise ModelError(
            f"the tokenizer in {folder} has {len(tokenizer)} entries, the text encoder in {file.name} has {entries}",
            hint="it belongs to another model: put the right one there",
        )
    tokenizer.model_max_length = config.max_position_embeddings
    if not (folder.parent == text_encoder.parent and (folder / "tokenizer_config.json").is_file()):
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(config.pad_token_id)
    return tokenizer


def scheduler_of(folder: Path, file: Path, shapes: dict[str, tuple[int, ...]], metadata: dict[str, str]) -> Any:
    """The scheduler of the configuration in `folder`, set to what the checkpoint `file` says that it predicts."""
    config = diffusers.DDIMScheduler.load_config(str(folder), subfolder="scheduler", local_files_only=True)
    kind = getattr(diffusers, str(config.get("_class_name")), None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
        raise ModelError(
            f"{folder} names the scheduler {config.get('_class_name')!r}, which diffusers has not",
            hint="mend its scheduler/scheduler_config.json",
        )
    if own_configuration(file) is None and (told := prediction_type(file, shapes, metadata)) is not None:
        config = {**config, "prediction_type": told}
        if "ztsnr" in shapes:  # trained to begin from pure noise (Lin et al. 2023)
            config["rescale_betas_zero_snr"] = True
    scheduler: Any = kind
    return scheduler.from_config(config)
