"""Transformer files: weights of a transformer in its makers' layout, as ComfyUI has them, put into a model's folder."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES

from generate.families import Family
from generate.models.architecture import configuration_of_part
from generate.models.weights.quantization import is_scale, require_known_quantization
from generate.models.weights.weight_file import ModelError, digest_of_file, read_weight_file
from ideation import Clause

#: How the files begin that diffusers saves.
_ITS_OWN = "diffusion_pytorch_model"
#: What a file with a whole model in it holds besides, by how the names of its tensors begin.
_NOT_READ: dict[str | tuple[str, ...], Clause] = {
    "text_encoders.": Clause("the file's own text encoders are not read: those of the model's folder are used"),
    ("vae.", "first_stage_model."): Clause("the file's own VAE is not read: that of the model's folder is used"),
}


def transformer_file(folder: Path, family: Family) -> Path | None:
    """The file with the transformer of the model in the folder, where it has another name than diffusers gives; None
    where diffusers saved it. Raises `ModelError` where there are several."""
    files = sorted((folder / family.denoiser).glob("*.safetensors"))
    if family.in_turn is None or all(file.name.startswith(_ITS_OWN) for file in files):
        return None
    if len(files) > 1:
        raise ModelError(
            "{folder} has {count} files, and which of them is the transformer cannot be told",
            hint="leave one of them there: {names}",
            folder=folder / family.denoiser,
            count=len(files),
            names=", ".join(file.name for file in files[:6]),
        )
    return files[0]


def open_transformer(file: Path, folder: Path, family: Family, dtype: torch.dtype) -> tuple[Any, tuple[Clause, ...]]:
    """The transformer in the file, with the configuration in the model's folder, and notes on it. Raises `ModelError`;
    and what the libraries raise, which differs."""
    header = read_weight_file(file)
    require_known_quantization(file, header.shapes, header.metadata)
    if scale := next(filter(is_scale, header.shapes), None):
        raise ModelError(
            "the {what} is quantized, and {scale} would be passed over",
            hint="take the file that was not quantized (float16 or bfloat16)",
            what=Clause("{part} of the model in {folder}", part=family.denoiser, folder=folder),
            scale=scale,
        )
    kind = configuration_of_part(folder / family.denoiser)["_class_name"]
    if kind not in SINGLE_FILE_LOADABLE_CLASSES:
        raise ModelError(
            "{file} is in its makers' layout, in which {title} is not read",
            hint="take the transformer as diffusers saves it, or the whole model by its hub id",
            file=file,
            title=family.title,
        )
    try:
        module = getattr(diffusers, kind).from_single_file(
            str(file), config=str(folder), subfolder=family.denoiser, dtype=dtype, local_files_only=True
        )
    except NotImplementedError as error:  # torch cannot move what nothing was filled in for
        raise ModelError(
            "{file} is not whole: tensors are missing that {kind} has",
            hint="its config.json belongs to another model, or weights are missing: download it again",
            file=file,
            kind=kind,
        ) from error
    notes = [Clause("the transformer is that of {file}, SHA-256 {digest}", file=file.name, digest=digest_of_file(file))]
    left = sum(map(prod, header.shapes.values())) - sum(tensor.numel() for tensor in module.state_dict().values())
    notes += [told for begins, told in _NOT_READ.items() if any(name.startswith(begins) for name in header.shapes)]
    if left > 0:
        notes.append(Clause("of {file}, {left:,} numbers were left unread", file=file.name, left=left))
    return module, tuple(notes)
