"""Single files: opens checkpoints and VAEs in the original (CompVis, Stability AI) layout, without network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    require_known_training,
    require_no_code,
    require_proportions,
    vocabulary_entries,
)
from generate.models.clip_tokenizer import find_clip_tokenizer, tokenizer_file
from generate.models.devices import ran_out_of_memory
from generate.models.weights.left_over import left_over, require_told_noise
from generate.models.weights.tensors import Tensors, fill, read_tensors, require_whole
from generate.models.weights.weight_file import ModelError, first_line
from ideation import Clause

#: Each has its place in several tables; published models have a thousand.
_MOST_TRAINING_STEPS = 100_000

_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError)


def open_single_file(
    file: Path,
    dtype: torch.dtype,
    *,
    vae: Callable[[Path], Any] | None = None,
    allow_pickle: bool = False,
) -> tuple[Any, Path, Path, tuple[Clause, ...]]:
    """The pipeline of a checkpoint, the folders of its configuration and of its tokenizer, and notes on what of it was
    left.

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
    weights = _Weights(file, tensors, folder, dtype)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            parts = {
                "unet": weights.unet(),
                "vae": vae(folder / "vae") if vae else weights.vae(folder / "vae"),
                "text_encoder": weights.text_encoder(),
                "tokenizer": _tokenizer(tokenizer, folder / "text_encoder", entries, file),
                "scheduler": scheduler_of(folder, file, shapes, dict(metadata)),
            }
            if len(family.text_encoders) == 1:
                parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
            else:
                second = folder / "tokenizer_2"
                parts["text_encoder_2"] = weights.second_text_encoder()
                parts["tokenizer_2"] = _tokenizer(
                    second if second.is_dir() else tokenizer, folder / "text_encoder_2", entries, file
                )
            require_told_noise(file, tensors, parts["scheduler"], parts["vae"])
            notes = left_over(file, tensors, weights.used, passed_over=("first_stage_model.",) if vae else ())
            return pipeline_type(**parts), folder, tokenizer, notes
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
                require_no_code(own if own.is_dir() else like, "AutoencoderKL")
                tensors, _ = read_tensors(path, allow_pickle=allow_pickle)
                weights = _Weights(path, tensors, like, dtype)
                vae = weights.vae(own if (own / "config.json").is_file() else like)
                left_over(path, tensors, weights.used, passed_over=("model.diffusion_model.",))
                return vae
            require_no_code(path, "AutoencoderKL")
            require_proportions(path)
            vae = AutoencoderKL.from_pretrained(
                str(path), dtype=dtype, use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False
            )
    except ModelError:
        raise
    except Exception as error:
        if ran_out_of_memory(error):
            raise
        raise ModelError(
            "the VAE in {path} cannot be loaded: {error}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
            path=path,
            error=first_line(error),
        ) from error
    require_whole(vae, Clause("VAE in {path}", path=path), path)
    return vae


@dataclass
class _Weights:
    """The weights of a file, for the parts of a model with the configuration in `folder`; `used` is where the numbers
    lie that some part has taken."""

    file: Path
    tensors: Tensors
    folder: Path
    dtype: torch.dtype
    used: set[int] = field(default_factory=set)

    def unet(self) -> Any:
        with init_empty_weights():
            config = UNet2DConditionModel.load_config(str(self.folder), subfolder="unet", local_files_only=True)
            model = UNet2DConditionModel.from_config(config)
        return self._fill(model, convert_ldm_unet_checkpoint(self.tensors, model.config), "U-Net")

    def vae(self, config: Path) -> Any:
        """The VAE with the config.json in the folder `config`."""
        with init_empty_weights():
            vae = AutoencoderKL.from_config(AutoencoderKL.load_config(str(config), local_files_only=True))
        if set(vae.state_dict()) <= set(self.tensors):
            return self._fill(vae, self.tensors, "VAE")
        return self._fill(vae, convert_ldm_vae_checkpoint(self.tensors, vae.config), "VAE")

    def text_encoder(self) -> Any:
        with init_empty_weights():
            model = CLIPTextModel(
                CLIPTextConfig.from_pretrained(str(self.folder / "text_encoder"), local_files_only=True)
            )
        found = convert_ldm_clip_checkpoint(self.tensors)
        if not found:  # Stable Diffusion 2.x has OpenCLIP's layout
            found = convert_open_clip_checkpoint(model, self.tensors, prefix="cond_stage_model.model.")
        found = {name.removeprefix("text_model."): tensor for name, tensor in found.items()}
        return self._fill(model, found, "text encoder")

    def second_text_encoder(self) -> Any:
        with init_empty_weights():
            config = CLIPTextConfig.from_pretrained(str(self.folder / "text_encoder_2"), local_files_only=True)
            model = CLIPTextModelWithProjection(config)
        found = convert_open_clip_checkpoint(model, self.tensors, prefix="conditioner.embedders.1.model.")
        return self._fill(model, found, "second text encoder")

    def _fill(self, model: Any, found: Mapping[str, torch.Tensor], what: str) -> Any:
        self.used |= {found[name].data_ptr() for name in model.state_dict() if name in found}
        return fill(model, found, self.dtype, what, self.file)


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
    kind, config = named_scheduler(folder)
    require_known_training({"_class_name": config.get("_class_name"), **config}, folder)
    told, says = prediction_type(file, shapes, metadata), config.get("prediction_type", "epsilon")
    own = own_configuration(file)
    if own is not None and told not in (None, says):
        raise ModelError(
            "{name} says that it predicts {told}, and its configuration in {folder} that it predicts {says}",
            hint="set prediction_type in scheduler/scheduler_config.json there to what is right",
            name=file.name,
            told=told,
            folder=own,
            says=says,
        )
    if own is None and told is not None:
        config = {**config, "prediction_type": told}
    if "ztsnr" in shapes:  # trained to begin from pure noise (Lin et al. 2023)
        if config.get("prediction_type") != "v_prediction":
            raise ModelError(
                "{name} has a tensor ztsnr, for models that begin from pure noise and predict v, but predicts noise",
                hint="if it predicts v, write NAME.yaml beside it as docs/rendering/models.md shows, "
                "with parameterization: v",
                name=file.name,
            )
        config = {**config, "rescale_betas_zero_snr": True}
    return kind.from_config(config)


def named_scheduler(folder: Path) -> tuple[Any, dict[str, Any]]:
    """The class and the settings of the scheduler that the configuration in `folder` names. Raises `ModelError`."""
    config: dict[str, Any] = diffusers.DDIMScheduler.load_config(
        str(folder), subfolder="scheduler", local_files_only=True
    )
    kind = getattr(diffusers, str(config.get("_class_name")), None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
        raise ModelError(
            "{folder} names the scheduler {get!r}, which diffusers has not",
            hint="mend its scheduler/scheduler_config.json",
            folder=folder,
            get=config.get("_class_name"),
        )
    if not 1 <= (steps := config.get("num_train_timesteps", 1)) <= _MOST_TRAINING_STEPS:
        raise ModelError(
            "{folder} names {steps} training steps; up to {most:,} are read",
            hint="mend num_train_timesteps in its scheduler/scheduler_config.json",
            folder=folder,
            steps=str(steps)[:40],
            most=_MOST_TRAINING_STEPS,
        )
    return kind, config
