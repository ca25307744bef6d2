"""Opening models: one of any family, from a folder, a single file or the hub."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPImageProcessor
from transformers.utils import logging as transformers_logging

from generate.families import Family
from generate.models.architecture import family_of_folder, require_known_training, require_proportions
from generate.models.catalog import ModelName
from generate.models.clip_tokenizer import cuts_into_bytes, tokenizer_file
from generate.models.devices import (
    bf16_in_hardware,
    choose_device,
    choose_dtype,
    ran_out_of_memory,
    require_compiler,
    torch_dtype,
)
from generate.models.opening.memory_mode import choose_mode, loading, settle, sizes_of
from generate.models.opening.model import OpenModel, latent_channels
from generate.models.opening.single_file import named_scheduler, open_single_file, open_vae
from generate.models.opening.transformer_file import open_transformer, transformer_file
from generate.models.opening.word_processor import word_processor
from generate.models.resolve import find_model, find_vae, hub_id, unreachable, vae_path
from generate.models.suitability import check_family
from generate.models.weights.tensors import left_in_folder, require_whole
from generate.models.weights.weight_file import ModelError, first_line
from generate.settings import RenderSettings
from ideation import Clause


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
    memory: str | None = None,
) -> OpenModel:
    """Opens a model: a known name, a folder in diffusers' layout, a single file in the original layout, or a hub id.

    `vae` names another VAE to decode with; `revision` is of the hub id, also written `owner/name@revision`;
    `allow_pickle` admits `.ckpt` and `.pt` files, of which nothing but tensors is ever built. `fast` takes bfloat16 on
    a processor that has it in hardware, unless a dtype is named, and lays pictures out as its kernels want them.
    `compiled` has torch compile the denoiser, at its first evaluation in each size: minutes, which only many pictures
    are worth. `memory` is how much the model may take, or one of `MEMORY_MODES`.

    Raises `ModelError` when it is not there, cannot be reached, or is broken, and `SettingsError` for the device and
    dtype, and where there is no compiler.

    >>> with open_model("seedling", device="cpu") as model:
    ...     model.native_size, model.token_limit, model.family.name
    ((256, 256), 77, 'seedling')
    """
    if compiled:
        require_compiler(device)
    found = find_model(name, revision=revision, allow_pickle=allow_pickle)
    found_vae = find_vae(vae, allow_pickle=allow_pickle) if vae is not None else None
    device = choose_device(device)
    file = found.path if found.path is not None and found.path.is_file() else None
    alone = found.rest is not None
    downloaded = None if file is not None and not alone else found.folder or _download(found)
    family = family_of_folder(downloaded) if downloaded is not None else None
    if family is not None and (vae is not None or memory is not None):
        check_family(RenderSettings(vae=vae, memory=memory, compiled=compiled, **family.usual), family)
    if family is None and memory is not None:
        raise ModelError(
            "--memory goes with models that have a transformer, from a folder or the hub",
            hint="leave it out: where memory runs short, a smaller way is found by itself",
        )
    if fast and dtype == "auto" and device == "cpu" and bf16_in_hardware():
        dtype = "bfloat16"
    dtype = choose_dtype(dtype, device, half=family.half if family is not None else "float16")
    diffusers_logging.disable_progress_bar()  # our own bar is enough
    transformers_logging.disable_progress_bar()
    mode = "whole"
    other_vae = vae_path(found_vae) if found_vae is not None else None
    open_other: Callable[[Path], Any] | None = None
    if other_vae is not None:
        open_other = partial(open_vae, other_vae, dtype=torch_dtype(dtype), allow_pickle=allow_pickle)
    if file is not None and not alone:
        pipeline, folder, tokenizer, notes = open_single_file(
            file, torch_dtype(dtype), vae=open_other, allow_pickle=allow_pickle
        )
        family = family_of_folder(folder)
    else:
        assert downloaded is not None  # noqa: S101 - for the type checker
        assert family is not None  # noqa: S101
        folder, tokenizer = downloaded, downloaded / family.counted_tokenizer
        apart = file if alone else transformer_file(folder, family)
        if memory in ("8-bit", "4-bit") and apart is not None:
            raise ModelError(
                "a transformer in its makers' layout is not quantized while it is loaded: {mode}",
                hint="take --memory float8, or the transformer as diffusers saves it",
                mode=memory,
            )
        if memory is not None:
            mode = choose_mode(memory, sizes_of(folder, family, apart), device=device, dtype=dtype)
        pipeline, notes = _open_folder(name, folder, apart, family, torch_dtype(dtype), open_other, mode)
        if alone:
            notes = (*notes, Clause("text encoders and VAE are those of {folder}", folder=folder.name))
    denoiser = getattr(pipeline, family.denoiser)
    channels = denoiser.config.get("in_channels") or denoiser.config["in_visual_dim"]
    latents = (channels // family.packed, latent_channels(pipeline.vae))
    if latents[0] != latents[1]:
        raise ModelError(
            "the VAE {vae} decodes latents of {latents} channels, the model draws {latents_2}",
            hint="take a VAE that was made for this model, or none",
            vae=vae or Clause("of {name}", name=name),
            latents=latents[1],
            latents_2=latents[0],
        )
    pipeline.set_progress_bar_config(disable=True)
    too_large = False
    try:
        pipeline = settle(pipeline, mode, family, device=device, dtype=torch_dtype(dtype))
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        too_large = family.in_turn is not None and device.startswith("cuda")
        if too_large:
            pipeline = pipeline.to("cpu")
            torch.cuda.empty_cache()
        else:
            raise ModelError(
                "the model {name} does not fit into the memory of {device} in {dtype}",
                hint="close what else uses it, or take --device cpu",
                name=name,
                device=device,
                dtype=dtype,
            ) from error
    if fast and family.in_turn is None:
        denoiser.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
    if compiled:
        # Not the module: its hooks look on for us, and would be compiled into it with the first picture's.
        if family.in_turn is None:
            denoiser.forward = torch.compile(denoiser.forward)
        else:
            denoiser.compile_repeated_blocks()
    return OpenModel(
        name,
        family,
        pipeline,
        device=device,
        dtype=dtype,
        folder=folder,
        tokenizer_folder=tokenizer,
        file=file,
        alone=alone,
        vae_path=other_vae,
        compiled=compiled,
        too_large=too_large,
        memory_mode=mode,
        notes=notes,
    )


def _open_folder(
    name: str,
    folder: Path,
    apart: Path | None,
    family: Family,
    dtype: torch.dtype,
    other_vae: Callable[[Path], Any] | None,
    mode: str,
) -> tuple[Any, tuple[Clause, ...]]:
    """The pipeline in the folder, with the transformer in the file `apart` if there is one, and notes on what of it was
    left."""
    pipeline_type = getattr(diffusers, family.pipeline)
    for _, tokenizer in family.text_encoders:
        there = (folder / tokenizer).is_dir() and not cuts_into_bytes(folder / tokenizer)
        if there or tokenizer == family.counted_tokenizer:
            tokenizer_file(folder / tokenizer)  # raises where there is none; loading would go on without
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    given: dict[str, Any] = dict.fromkeys((*family.left_out, *family.processors))
    notes = list[Clause]()
    if other_vae is not None:
        given["vae"] = other_vae(folder / "vae")
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            words = {part: word_processor(folder / part) for part in family.processors}
            if family.processor_first:
                given |= words
            named_scheduler(folder)
            for part in (family.denoiser, "vae", *(encoder for encoder, _ in family.text_encoders)):
                if (folder / part).is_dir():
                    require_proportions(folder / part, apart if part == family.denoiser else None)
                elif any(index.get(part) or ()) and part not in given:
                    raise ModelError(
                        "the model in {folder} is not whole: its {part} is missing",
                        hint="save or download it again, with all folders that its model_index.json names",
                        folder=folder,
                        part=part,
                    )
            if apart is not None:
                given[family.denoiser], of_file = open_transformer(apart, folder, family, dtype)
                notes += of_file
            pipeline = pipeline_type.from_pretrained(
                str(folder),
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                # Weights of many gigabytes are not to be there twice while they are read.
                low_cpu_mem_usage=family.in_turn is not None,
                **given,
                **loading(mode, family, dtype),
                **_feature_extractor(folder, index),
            )
            pipeline.register_modules(**words)
    except ModelError:
        raise
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError, SafetensorError, KeyError ...
        if ran_out_of_memory(error):
            raise
        raise ModelError(
            "the model {name} cannot be loaded from {folder}: {error}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
            name=name,
            folder=folder,
            error=first_line(error),
        ) from error
    trained = {**pipeline.scheduler.config, "_class_name": type(pipeline.scheduler).__name__}
    require_known_training(trained, folder, flow=family.flow)
    for part, module in pipeline.components.items():
        if isinstance(module, torch.nn.Module) and part not in given:
            what = Clause("{part} of the model in {folder}", part=part, folder=folder)
            _cast_float8(module, dtype)
            require_whole(module, what, folder / part)
            notes += left_in_folder(module, what, folder / part)
    return pipeline, tuple(notes)


def _cast_float8(module: torch.nn.Module, dtype: torch.dtype) -> None:
    """Weights that are still in the eight bits of their file become what was asked for: in float16, diffusers leaves
    them so."""
    for weight in module.parameters():
        if weight.dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
            weight.data = weight.data.to(dtype)


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside the block, diffusers does not tell that a processor is ours, that guiders are new to it, or what it is
    about to raise."""
    before = diffusers_logging.get_verbosity()
    diffusers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        diffusers_logging.set_verbosity(before)


def _feature_extractor(folder: Path, index: dict[str, Any]) -> dict[str, Any]:
    """The safety checker's eyes, for models of 2022: they name a class that transformers no longer has."""
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
