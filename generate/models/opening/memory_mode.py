"""Memory modes: how a model with a transformer lies in memory, and which of them fits what it may take.

Where a model does not fit as a whole, its weights wait in the processor's memory, and come in turn: that changes no
number. Fewer bits to a weight are other numbers, for both arms alike, and stand last.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch

from generate.families import Family
from generate.models.devices import DTYPES, memory_of
from generate.models.weights.weight_file import read_weight_file
from generate.settings import MEMORY_MODES, SettingsError, memory_bytes

#: What a picture takes besides the weights, at a megapixel: activations, and the decoder's.
_WORKING = 1_500_000_000

#: Bits to a weight of the denoiser, and of the text encoders, in the modes that have fewer.
_BITS = {"float8": (8, None), "8-bit": (8, 8), "4-bit": (4.5, 4.5)}

#: In words, for the certificate.
MODE_WORDS = {
    "model-offload": "parts of the model moved to the CPU in turn",
    "group-offload": "layers of the model moved to the CPU in turn",
    "float8": "weights of the transformer kept in float8",
    "8-bit": "weights quantized to 8 bits",
    "4-bit": "weights quantized to 4 bits",
}


@dataclass(frozen=True)
class PartSizes:
    """How many weights the parts of a model have, by their names; `denoiser` and `encoders` are some of them."""

    weights: Mapping[str, int]
    denoiser: str
    encoders: tuple[str, ...]

    def bytes_in(self, mode: str, bytes_each: int) -> dict[str, float]:
        """The bytes that each part takes in that mode, where a weight usually takes so many."""
        denoiser, encoders = _BITS.get(mode, (None, None))
        bits = {self.denoiser: denoiser, **dict.fromkeys(self.encoders, encoders)}
        return {part: count * ((bits.get(part) or 8 * bytes_each) / 8) for part, count in self.weights.items()}


def sizes_of(folder: Path, family: Family, transformer: Path | None = None) -> PartSizes:
    """The sizes of the parts in a model's folder, by the headers of its weight files; of another `transformer` by its
    own."""
    encoders = tuple(encoder for encoder, _ in family.text_encoders)
    parts = [part for part in (family.denoiser, "vae", *encoders) if (folder / part).is_dir()]
    files = {part: [*(folder / part).glob("*.safetensors")] for part in parts}
    if transformer is not None:
        files[family.denoiser] = [transformer]
    weights = {
        part: sum(prod(shape) for file in of_part for shape in read_weight_file(file).shapes.values())
        for part, of_part in files.items()
    }
    return PartSizes(weights, family.denoiser, encoders)


def choose_mode(asked: str, sizes: PartSizes, *, device: str, dtype: str, waiting: int | None = None) -> str:
    """The memory mode for what was `asked`: a mode, or a size such as "8GB", for which the first one is taken that
    fits. `waiting` is the memory in bytes for weights that wait, which is the machine's.

    Raises `SettingsError` where none fits, or where what it takes is not here.

    >>> sizes = PartSizes({"transformer": 6 * 10**9, "text_encoder": 4 * 10**9}, "transformer", ("text_encoder",))
    >>> [choose_mode(asked, sizes, device="cuda", dtype="bfloat16", waiting=64 << 30) for asked in ("24GB", "6GB")]
    ['whole', 'group-offload']
    """
    if asked in MEMORY_MODES:
        _require(asked, device)
        return asked
    most, each = memory_bytes(asked), DTYPES[dtype]
    waiting = waiting if waiting is not None else memory_of("cpu")
    whole = sum(sizes.bytes_in("whole", each).values())
    enough = waiting is None or whole * 1.1 <= waiting
    needed = {
        "whole": whole + _WORKING,
        "model-offload": max(sizes.bytes_in("whole", each).values()) + _WORKING if enough else None,
        "group-offload": float(_WORKING) if enough else None,
        "float8": sum(sizes.bytes_in("float8", each).values()) + _WORKING,
        "8-bit": sum(sizes.bytes_in("8-bit", each).values()) + _WORKING,
        "4-bit": sum(sizes.bytes_in("4-bit", each).values()) + _WORKING,
    }
    for mode, bytes_needed in needed.items():
        if bytes_needed is not None and bytes_needed <= most and _is_here(mode, device):
            return mode
    least = min(value for mode, value in needed.items() if value is not None and _is_here(mode, device))
    raise SettingsError(
        "the model does not fit into {asked} on {device}; the least that it takes here is {least:.1f}GB",
        hint="name more with --memory, take a smaller model, or one that was published with fewer bits",
        asked=asked,
        device=device,
        least=least / 1e9,
    )


def _is_here(mode: str, device: str) -> bool:
    """Whether the mode goes on this device, with what is installed. On a CPU nothing waits elsewhere."""
    if mode in ("model-offload", "group-offload"):
        return device != "cpu"
    if mode in ("8-bit", "4-bit"):
        return device.startswith("cuda") and importlib.util.find_spec("bitsandbytes") is not None
    return True


def _require(mode: str, device: str) -> None:
    """Raises `SettingsError` where a mode that was named cannot be had."""
    if mode in ("8-bit", "4-bit") and not device.startswith("cuda"):
        raise SettingsError(
            "--memory {mode} goes with CUDA alone, and this is {device}",
            hint="--memory float8 keeps the weights of the transformer in eight bits anywhere",
            mode=mode,
            device=device,
        )
    if mode in ("8-bit", "4-bit") and importlib.util.find_spec("bitsandbytes") is None:
        raise SettingsError(
            "--memory {mode} takes bitsandbytes, which is not installed",
            hint="pip install 'twinseed[quant]', or --memory group-offload, which changes no number",
            mode=mode,
        )


def loading(mode: str, family: Family, dtype: torch.dtype) -> dict[str, Any]:
    """The arguments by which a pipeline of the family is loaded in that mode."""
    if mode not in ("8-bit", "4-bit"):
        return {}
    from diffusers.quantizers import PipelineQuantizationConfig

    how: dict[str, Any] = {"load_in_8bit": True}
    if mode == "4-bit":
        how = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": dtype}
    parts = [family.denoiser, *(encoder for encoder, _ in family.text_encoders)]
    made = PipelineQuantizationConfig(
        quant_backend=f"bitsandbytes_{mode[0]}bit", quant_kwargs=how, components_to_quantize=parts
    )
    return {"quantization_config": made}


def settle(pipeline: Any, mode: str, family: Family, *, device: str, dtype: torch.dtype) -> Any:
    """The pipeline on its device in that mode, for as long as it is open."""
    match mode:
        case "model-offload":
            pipeline.enable_model_cpu_offload(device=device)
        case "group-offload":
            pipeline.enable_group_offload(
                onload_device=torch.device(device), offload_device=torch.device("cpu"), offload_type="leaf_level"
            )
        case "float8":
            denoiser = getattr(pipeline, family.denoiser)
            denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
            pipeline = pipeline.to(device)
        case "8-bit" | "4-bit":  # what is quantized lies on the device already, and stays there
            pipeline.vae.to(device)
        case _:
            pipeline = pipeline.to(device)
    return pipeline
