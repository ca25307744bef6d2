"""Tensors: read from files without running anything, and models that are filled wholly or not at all."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from generate.models.devices import ran_out_of_memory
from generate.models.weights.left_over import note_on
from generate.models.weights.quantization import is_scale, require_known_quantization, unscaled
from generate.models.weights.weight_file import ModelError, first_line, read_weight_file, require_pickle
from ideation import Clause

Tensors = dict[str, torch.Tensor]


def read_tensors(path: Path, *, allow_pickle: bool = False) -> tuple[Tensors, Mapping[str, str]]:
    """All tensors of a file by name, on the CPU and with the scales of quantized ones applied, and the header's
    metadata.

    `.safetensors`, or with `allow_pickle` a torch pickle, of which nothing but tensors and plain values is ever built
    (`weights_only`). Raises `ModelError` for broken files, and for pickles with anything else in them.
    """
    if path.suffix.lower() == ".safetensors":
        metadata = read_weight_file(path).metadata
        try:
            return unscaled(path, load_file(path), metadata), metadata
        except (OSError, SafetensorError) as error:
            raise ModelError(
                "{path} cannot be read: {error}", hint="download or copy it again", path=path, error=first_line(error)
            ) from error
    content = read_pickle(path, allowed=allow_pickle)
    return unscaled(path, {key: value for key, value in content.items() if torch.is_tensor(value)}, {}), {}


def read_pickle(path: Path, *, allowed: bool) -> dict[str, Any]:
    """What a torch pickle holds, without the `state_dict` around it. Raises `ModelError`; see `read_tensors`."""
    require_pickle(path, allowed=allowed)
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(
                path
            ) as archive:  # torch stores; what is squeezed could unpack to more than there is room
                if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                    raise ModelError(
                        "{path} is a compressed zip file, not a torch pickle", hint="unpack it first", path=path
                    )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the pickles of other programs, before it refuses them
            content = torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except pickle.UnpicklingError as error:
        raise ModelError(
            "{path} holds more than tensors, and was not read: what else is in it could run as a program",
            hint="take the model's .safetensors file",
            path=path,
        ) from error
    except Exception as error:  # on rubbish the unpickler stumbles in any way
        if ran_out_of_memory(error):
            raise
        raise ModelError(
            "{path} cannot be read: {error}", hint="download or copy it again", path=path, error=first_line(error)
        ) from error
    while isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ModelError("{path} holds no named tensors", hint="take the model's .safetensors file", path=path)
    return content


def require_numbers(tensor: torch.Tensor, name: str, part: str, *, whole: bool = False) -> None:
    """Raises `ModelError` where the tensor `part` of the file called `name` holds infinite numbers or none, or whole
    ones where they may not be: weights that are whole numbers are quantized, and their scale is not known."""
    if not (tensor.is_floating_point() or whole):
        raise _quantized(name, part)
    if not tensor.float().isfinite().all():  # not every format of a byte can tell
        raise ModelError(
            "{name} holds numbers that are none, in {name_2}",
            hint="download it again; if that does not help, it was saved broken",
            name=name,
            name_2=part[-80:],
        )


def fill(model: Any, tensors: Mapping[str, torch.Tensor], dtype: torch.dtype, what: str, file: Path) -> Any:
    """`model`, made on the meta device, with every one of its weights taken from `tensors`; `left_over` sees to the
    others. Raises `ModelError` for weights that are missing, have another shape or are whole numbers."""
    wanted = model.state_dict()
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise ModelError(
            "the {what} in {name} is not whole: {count} tensors of {count_2} are there",
            hint="{missing} is missing, for one: download it again, or it is of another make than it seems",
            what=what,
            name=file.name,
            count=len(wanted) - len(missing),
            count_2=len(wanted),
            missing=missing[0],
        )
    for name, like in wanted.items():
        if tensors[name].shape != like.shape:
            raise ModelError(
                "the {what} in {name} has other sizes: {name_2} is {list}, not {list_2}",
                hint="it belongs to another model, or its configuration does",
                what=what,
                name=file.name,
                name_2=name,
                list=list(tensors[name].shape),
                list_2=list(like.shape),
            )
        if like.is_floating_point() and not tensors[name].is_floating_point():
            raise _quantized(file.name, name)
    model.load_state_dict({name: tensors[name].to(dtype) for name in wanted}, assign=True)
    return model.eval()


def _quantized(name: str, part: str) -> ModelError:
    return ModelError(
        "{name} is quantized to whole numbers in {part}, and no scale stands beside them",
        hint="take the file that was not quantized (float16 or bfloat16)",
        name=name,
        part=part[-80:],
    )


#: What bitsandbytes keeps beside the weights that it has quantized, and no file of whole weights has.
_OF_BITSANDBYTES = re.compile(r"\.weight\.(?:absmax|quant_map|nested_\w+|quant_state\..+)$|\.(?:SCB|weight_format)$")


def _published(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of the module that are in its weight files, whether it was quantized meanwhile or not."""
    return {name: tensor for name, tensor in module.state_dict().items() if not _OF_BITSANDBYTES.search(name)}


def require_whole(module: torch.nn.Module, what: str, folder: Path) -> None:
    """Raises `ModelError` where the weight files in `folder` have fewer tensors than the module that was made of them.

    The libraries fill the gaps with random numbers and say so in their logs only. Tensors are counted, not compared by
    name, because the libraries rename those of older files; one that has two names in the module is written once.
    """
    found = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as weights:  # older text encoders keep their positions as well
            found += sum(not key.endswith("position_ids") for key in weights.keys())  # noqa: SIM118
    places = {name if tensor.is_meta else str(tensor.data_ptr()) for name, tensor in _published(module).items()}
    if found < (wanted := len(places)):
        raise ModelError(
            "the {what} is not whole: {found} tensors of {wanted} are there",
            hint="its config.json belongs to another model, or weights are missing: save or download it again",
            what=what,
            found=found,
            wanted=wanted,
        )


def left_in_folder(module: torch.nn.Module, what: Clause, folder: Path) -> tuple[Clause, ...]:
    """A note on the tensors in the weight files of `folder` that the module has no place for, such as the libraries
    pass over with a line in their logs. Raises `ModelError` where they are scales of quantized weights."""
    found = set[str]()
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as weights:
            found |= {key for key in weights.keys() if not key.endswith("position_ids")}  # noqa: SIM118
    require_known_quantization(folder, found, {})
    known = _published(module)
    left = found - {*known} if len(found) > len(known) else set[str]()
    if scaled := [name for name in left if is_scale(name)]:
        raise ModelError(
            "the {what} is quantized, and {scale} would be passed over",
            hint="take the file that was not quantized (float16 or bfloat16)",
            what=what,
            scale=scaled[0],
        )
    return (note_on(what, sorted(left)),) if left else ()
