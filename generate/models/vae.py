"""VAEs: opens the decoder that takes the place of a model's own, from a file, a folder or the hub."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import generate.models.quiet  # noqa: F401  isort: skip - before diffusers, which prints at import
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers import AutoencoderKL
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

from generate.models.weight_file import ModelError, first_line
from generate.models.weights import fill, read_tensors, require_whole


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
                return fill_vae(tensors, own if (own / "config.json").is_file() else like, dtype, path)
            vae = AutoencoderKL.from_pretrained(
                str(path), dtype=dtype, use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False
            )
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"the VAE in {path} cannot be loaded: {first_line(error)}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
        ) from error
    require_whole(vae, f"VAE in {path}", path)
    return vae


def fill_vae(tensors: Mapping[str, torch.Tensor], config: Path, dtype: torch.dtype, file: Path) -> Any:
    """The VAE in the tensors of `file`, with the config.json in the folder `config`."""
    with init_empty_weights():
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(str(config), local_files_only=True))
    if not set(vae.state_dict()) <= set(tensors):
        tensors = convert_ldm_vae_checkpoint(tensors, vae.config)
    return fill(vae, tensors, dtype, "VAE", file)
