"""Single files: opens checkpoints and VAEs in the original (CompVis, Stability AI) layout, without network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from generate.families import OF_OTHER_SIZES
from generate.models.architecture import (
    configuration,
    own_configuration,
    pipeline_class,
    prediction_type,
    vocabulary_entries,
)
from generate.models.clip_tokenizer import find_clip_tokenizer, tokenizer_file
from generate.models.tensors import Tensors, fill, read_tensors, require_whole
from generate.models.weight_file import ModelError, first_line
from ideation import Clause

_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError)


def open_single_file(
    file: Path,
    dtype: torch.dtype,
    *,
    vae: Callable[[Path], Any] | None = None,
    allow_pickle: bool = False,
) -> tuple[Any, Path, Path]:
    """The pipeline of a checkpoint, and the folders of its configuration and of its tokenizer.

    `vae` opens the VAE that takes the place of the file's own, given the folder with the configuration of that. The
    configuration is that of the folder `NAME/` beside `NAME.safetensors`, or the published one of the checkpoint's
    shapes. Raises `ModelError`.
    """
    tensors, metadata = read_tensors(file, allow_pickle=allow_pickle)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    folder = configuration(file, shapes, metadata)
    entries = vocabulary_entries(file, shapes)
    tokenizer = find_clip_tokenizer(file, entries)
    tokenizer_file(tokenizer)  # raises where it cannot be read
    family = OF_OTHER_SIZES[pipeline_class(folder)]
    pipeline_type = getattr(diffusers, family.pipeline)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            parts = {
                "unet": _unet(tensors, folder, dtype, file),
                "vae": vae(folder / "vae") if vae else _fill_vae(tensors, folder / "vae", dtype, file),
                "text_encoder": _text_encoder(tensors, folder, dtype, file),
                "tokenizer": _tokenizer(tokenizer, folder / "text_encoder", entries, file),
                "scheduler": scheduler_of(folder, file, shapes, dict(metadata)),
            }
            if len(family.text_encoders) == 1:
                pipeline = pipeline_type(
                    **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
                )
                return pipeline, folder, tokenizer
            parts["text_encoder_2"] = _second_text_encoder(tensors, folder, dtype, file)
            second = folder / "tokenizer_2"
            parts["tokenizer_2"] = _tokenizer(
                second if second.is_dir() else tokenizer, folder / "text_encoder_2", entries, file
            )
            return pipeline_type(**parts), folder, tokenizer
    except _UNREADABLE as error:  # what is odd in a configuration or in the names of tensors
        raise ModelError(
            "the model {name} cannot be loaded with the configuration in {folder}: {error}",
            hint="its configuration may belong to another model, or the file is of another make than it seems",
            name=file.name,
            folder=folder,
            error=first_line(error),
        ) from error


def open_vae(path: Path, like: Path, dtype: torch.dtype, *, allow_pickle: bool = False) -> Any:
    """The VAE at `path`: a folder in diffusers' layout, or a file in that or in the original one.

    A file brings no configuration: it has that of the folder `NAME/` beside `NAME.safetensors`, or else the one in the
    folder `like`, of the model that it is for. Raises `ModelError`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            if path.is_file():
                own = path.with_suffix("")
                tensors, _ = read_tensors(path, allow_pickle=allow_pickle)
                return _fill_vae(tensors, own if (own / "config.json").is_file() else like, dtype, path)
            vae = AutoencoderKL.from_pretrained(
                str(path), dtype=dtype, use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False
            )
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            "the VAE in {path} cannot be loaded: {error}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
            path=path,
            error=first_line(error),
        ) from error
    require_whole(vae, Clause("VAE in {path}", path=path), path)
    return vae


def _unet(tensors: Tensors, folder: Path, dtype: torch.dtype, file: Path) -> Any:
    with init_empty_weights():
        config = UNet2DConditionModel.load_config(str(folder), subfolder="unet", local_files_only=True)
        model = UNet2DConditionModel.from_config(config)
    return fill(model, convert_ldm_unet_checkpoint(tensors, model.config), dtype, "U-Net", file)


def _fill_vae(tensors: Mapping[str, torch.Tensor], config: Path, dtype: torch.dtype, file: Path) -> Any:
    """The VAE in the tensors of `file`, with the config.json in the folder `config`."""
    with init_empty_weights():
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(str(config), local_files_only=True))
    if not set(vae.state_dict()) <= set(tensors):
        tensors = convert_ldm_vae_checkpoint(tensors, vae.config)
    return fill(vae, tensors, dtype, "VAE", file)


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
            "the tokenizer in {folder} has {count} entries, the text encoder in {name} has {entries}",
            hint="it belongs to another model: put the right one there",
            folder=folder,
            count=len(tokenizer),
            name=file.name,
            entries=entries,
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
            "{folder} names the scheduler {get!r}, which diffusers has not",
            hint="mend its scheduler/scheduler_config.json",
            folder=folder,
            get=config.get("_class_name"),
        )
    if own_configuration(file) is None and (told := prediction_type(file, shapes, metadata)) is not None:
        config = {**config, "prediction_type": told}
        if "ztsnr" in shapes:  # trained to begin from pure noise (Lin et al. 2023)
            config["rescale_betas_zero_snr"] = True
    scheduler: Any = kind
    return scheduler.from_config(config)
