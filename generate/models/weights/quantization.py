"""Quantization: weights that were rounded to eight bits and scaled, made into the numbers that they stand for.

What is drawn without its scales is noise, so that whatever is not known here is refused by its name. Torch is not
needed to refuse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generate.models.weights.weight_file import ModelError

if TYPE_CHECKING:
    import torch

#: What stands behind a module's name for the factor of its weight: a number, one for each row, or for each block.
#: ComfyUI has had two names for it. bitsandbytes counts in steps of a 127th.
_SCALES = {".scale_weight": 1.0, ".weight_scale": 1.0, ".SCB": 1 / 127}

# Beside them: what its input is scaled by where products are rounded too, as here they are not, and how it was made.
_WITHOUT_EFFECT = re.compile(r"(?:.*\.)?(?:scale_input|input_scale|scaled_fp8|weight_format|comfy_quant)")

# The formats of ComfyUI in which a weight is its numbers times its scale, and what its settings say besides.
_SCALED_FORMATS = frozenset({"float8_e4m3fn", "float8_e5m2", "int8_tensorwise"})
_SETTINGS = frozenset({"format", "full_precision_matrix_mult"})

#: The makes that are not read, by the names of their tensors.
_OTHER_MAKES = {
    r"\.weight_scale_2|\.weight_scalar": "NVFP4 or MXFP8",
    r"\.weight\.(?:absmax|nested_|quant_map|quant_state)": "bitsandbytes in four bits",
    r"\.(?:qweight|qzeros|g_idx)$": "GPTQ or AWQ",
    r"\.weight\._(?:data|scale|shift)": "quanto",
    r"\.weight_scale_inv": "blocks of float8",
    r"\.(?:weight_)?zero_point|\.weight_s_rel|\.weight_codebook": "whole numbers with an offset or a code book",
    r"\.(?:proj_down|proj_up|smooth_factor|wscales|wzeros)$": "SVDQuant",
}


def require_known_quantization(path: Path, names: Iterable[str], metadata: Mapping[str, str]) -> None:
    """Raises `ModelError` for a quantization that is not known, by the tensors' names and by the header."""
    for name in names:
        if (make := next((make for tensor, make in _OTHER_MAKES.items() if re.search(tensor, name)), None)) is not None:
            raise _unknown(path, make)
    if (header := metadata.get("_quantization_metadata")) is not None:
        layers = _json(path, header).get("layers", {})
        for name, settings in layers.items() if isinstance(layers, dict) else ():
            _require_known_settings(path, name, settings)


def is_scale(name: str) -> bool:
    """Whether a tensor of that name is what others are to be multiplied by."""
    return name.endswith(tuple(_SCALES))


def unscaled(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """The tensors with their scales applied, in float32, and without the scales; others as they are.

    Raises `ModelError` for a quantization that is not known, and for scales that do not fit.
    """
    require_known_quantization(path, tensors, metadata)
    plain = {name: tensor for name, tensor in tensors.items() if not _WITHOUT_EFFECT.fullmatch(name)}
    for name, tensor in tensors.items():
        if name.endswith(".comfy_quant"):
            _require_known_settings(path, name, _json(path, bytes(tensor.flatten().byte().tolist())))
    for name in [name for name in plain if is_scale(name)]:
        ending = next(one for one in _SCALES if name.endswith(one))
        weight = f"{name.removesuffix(ending)}.weight"
        factor = plain.pop(name).float() * _SCALES[ending]
        rows = plain[weight].shape[:1].numel() if weight in plain and plain[weight].ndim else 1
        if weight not in plain or factor.numel() not in (1, rows):
            raise ModelError(
                "{path} is quantized, and its scale {name} fits no weight",
                hint="take the file that was not quantized (float16 or bfloat16)",
                path=path,
                name=name[-80:],
            )
        like = plain[weight].float()
        plain[weight] = like * factor.reshape(-1, *[1] * (like.ndim - 1))
    return plain


def _require_known_settings(path: Path, name: str, settings: Any) -> None:
    told = settings if isinstance(settings, dict) else {"format": str(settings)}
    if told.get("format") not in _SCALED_FORMATS:
        raise _unknown(path, str(told.get("format"))[:80])
    if more := sorted(key for key in told.keys() - _SETTINGS if told[key]):
        raise _unknown(path, f"{told['format']} with {', '.join(more)} in {name}"[:120])


def _json(path: Path, said: str | bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(said))
    except (ValueError, TypeError, RecursionError) as error:
        raise _unknown(path, str(said[:40])) from error


def _unknown(path: Path, make: str) -> ModelError:
    return ModelError(
        "{path} is quantized in a way that is not read: {make}",
        hint="take the file that was not quantized (float16 or bfloat16), or one with a scale for each weight",
        path=path,
        make=make,
    )
