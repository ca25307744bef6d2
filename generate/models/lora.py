"""Adapters: LoRAs (Hu et al. 2021), added into a model's weights as W + alpha dW and taken out without a trace."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch

from generate.models.open import OpenModel
from generate.models.original_names import original_unet_name
from generate.models.resolve import find_part, hub_file, hub_folder
from generate.models.weight_file import ModelError, WeightFile, digest_of_file, read_weight_file
from generate.models.weights import read_tensors

_TEXT_ENCODERS = ("text_encoder", "text_encoder_2")
_PARTS = ("unet", *_TEXT_ENCODERS)

# What the programs that train LoRAs call the two factors, behind the name of the module.
_FACTOR = re.compile(
    r"(?P<module>.+?)[._](?:lora[._])?(?:linear_layer\.)?(?:(?P<down>down|A)|(?P<up>up|B))(?:\.default)?\.weight"
)
_OTHER_MAKES = re.compile(r"\.(hada_|lokr_|dora_scale|lora_mid|lora_magnitude|oft_|boft_|glora_|on_input)")


@dataclass(frozen=True)
class Adapter:
    """A LoRA as it is loaded: its name as asked for, its file and that file's SHA-256, and how much of it was added to
    the text encoders and to the U-Net."""

    name: str
    file: Path
    digest: str
    text_encoder_weight: float
    unet_weight: float


@dataclass(frozen=True)
class _Change:
    """One weight's part of a LoRA: scale * (up @ down), with `up` (out, rank, ...) and `down` (rank, in, ...)."""

    scale: float
    up: torch.Tensor
    down: torch.Tensor

    def on(self, parameter: torch.Tensor) -> torch.Tensor:
        """What is added to the weight, in float32 and on its device."""
        up, down = (factor.to(parameter.device, torch.float32).flatten(1) for factor in (self.up, self.down))
        return (up @ down).reshape(parameter.shape) * self.scale


@dataclass(frozen=True)
class _Loaded:
    adapters: tuple[Adapter, ...]
    originals: dict[torch.Tensor, torch.Tensor]


#: What is in which pipeline now, with the weights that were there before.
_LOADED: WeakKeyDictionary[Any, _Loaded] = WeakKeyDictionary()


def load_adapters(model: OpenModel, wanted: Iterable[tuple[str, float, float]]) -> tuple[Adapter, ...]:
    """Leaves exactly the `wanted` LoRAs in the model, each as (name, text encoder weight, U-Net weight).

    What was loaded before is taken out first, bit for bit; no LoRA, or weights of 0, is the model as it was opened. The
    formats of Kohya (as on Civitai, with original or diffusers' names), diffusers and peft are read. Names are those of
    `find_part`. Raises `ModelError`, with the model as it was opened, for what cannot be found or does not fit.
    """
    found = tuple(_find(name, text, unet) for name, text, unet in wanted)
    if loaded_adapters(model) == found:
        return found
    unload_adapters(model)
    changes: dict[torch.Tensor, list[_Change]] = {}
    for adapter in found:
        for parameter, change in _changes(adapter, model):
            changes.setdefault(parameter, []).append(change)
    originals = {}
    with torch.no_grad():
        for parameter, sum_of in changes.items():
            originals[parameter] = parameter.detach().to("cpu", copy=True)
            changed = parameter.float()
            for change in sum_of:
                changed = changed + change.on(parameter)
            parameter.copy_(changed)
    if found:
        _LOADED[model.pipeline] = _Loaded(found, originals)
    return found


def unload_adapters(model: OpenModel) -> None:
    """Puts back the weights that the model was opened with, bit for bit."""
    loaded = _LOADED.pop(model.pipeline, None)
    if loaded is not None:
        with torch.no_grad():
            for parameter, original in loaded.originals.items():
                parameter.copy_(original)


def loaded_adapters(model: OpenModel) -> tuple[Adapter, ...]:
    """The LoRAs that are in the model now."""
    loaded = _LOADED.get(model.pipeline)
    return loaded.adapters if loaded is not None else ()


def _find(name: str, text_encoder_weight: float, unet_weight: float) -> Adapter:
    for weight in (text_encoder_weight, unet_weight):
        if not (math.isfinite(weight) and abs(weight) <= 100):
            raise ModelError(f"the weight of the LoRA {name} is {weight}", hint="give a number such as 0.7; 1 is all")
    found = find_part("lora", name)
    file = found.path
    if file is None:
        wanted = hub_file(name)[1] or "*.safetensors"
        folder = hub_folder(found, wanted, "adapter_config.json")
        files = [one for one in sorted(folder.glob(wanted)) if read_weight_file(one).kind == "lora"]
        if len(files) != 1:
            raise ModelError(
                f"{name} on the hub holds {len(files) or 'no'} LoRAs",
                hint=f"name the one that you mean: {found.name}/FILE.safetensors",
            )
        (file,) = files
    return Adapter(name, file, digest_of_file(file), float(text_encoder_weight), float(unet_weight))


def _changes(adapter: Adapter, model: OpenModel) -> Iterator[tuple[torch.Tensor, _Change]]:
    """What the LoRA adds to which of the model's weights; the scale is weight * alpha / rank."""
    header = read_weight_file(adapter.file)
    other = next((name for name in header.shapes if _OTHER_MAKES.search(name)), None)
    if other is not None:
        raise ModelError(
            f"{adapter.name} is an adapter of another make than LoRA: {other[-60:]} is in it",
            hint="LoHa, LoKr, DoRA and their like are not read: take a plain LoRA",
        )
    tensors, _ = read_tensors(adapter.file)
    factors: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        match = _FACTOR.fullmatch(name)
        if match is not None:
            factors.setdefault(_plain(match["module"]), {})["down" if match["down"] else "up"] = tensor
        elif not (name.endswith(".alpha") and tensor.numel() == 1):
            raise ModelError(f"{adapter.name} has a tensor {name[:80]!r}, which is none of a LoRA", hint=_MENDING)
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{adapter.name} holds numbers that are none, in {name[:80]}", hint=_MENDING)
    alphas = {_plain(name.removesuffix(".alpha")): float(tensors[name]) for name in tensors if name.endswith(".alpha")}
    modules, told = _modules(model.pipeline), _told_alphas(adapter.file, header)
    for name, pair in factors.items():
        if name not in modules:
            raise _misfit(adapter, header, model, f"it changes {name}, which this model does not have")
        if len(pair) != 2:
            raise ModelError(f"{adapter.name} is not whole: {name} has one factor of two", hint=_MENDING)
        (part, parameter), down, up = modules[name], pair["down"], pair["up"]
        rank = down.shape[0] if down.ndim > 1 else 0
        if rank == 0 or up.ndim < 2 or (up.shape[1], up[0].numel()) != (rank, rank):
            raise ModelError(f"{adapter.name} is not whole: the factors of {name} do not match", hint=_MENDING)
        sizes, wanted = [(up.shape[0], down[0].numel()), (parameter.shape[0], parameter[0].numel())]
        if sizes != wanted:
            raise _misfit(adapter, header, model, f"{name} would be {sizes[0]}x{sizes[1]}, not {wanted[0]}x{wanted[1]}")
        weight = adapter.unet_weight if part == "unet" else adapter.text_encoder_weight
        if weight:
            yield parameter, _Change(weight * (alphas[name] if name in alphas else told(name, rank)) / rank, up, down)


_MENDING = "download it again; if that does not help, it is of a make that is not read"


def _misfit(adapter: Adapter, header: WeightFile, model: OpenModel, what: str) -> ModelError:
    made_for = "" if header.family == "unknown" else f"; going by its sizes this one is for the family {header.family}"
    return ModelError(
        f"the LoRA {adapter.name} does not fit the model {model.name}: {what}",
        hint=f"take a LoRA that was trained for this model{made_for}",
    )


def _plain(module: str) -> str:
    """The name of a module as `_modules` lists it, without what older programs put into it."""
    name = re.sub(r"[._]lora$|\.processor(?=\.)", "", module)
    name = re.sub(r"(attn\d)\.to_out$", r"\1.to_out.0", name)
    name = re.sub(r"self_attn\.to_(q|k|v|out)$", r"self_attn.\1_proj", name)
    name = re.sub(r"^base_model\.model\.", "unet.", name)
    name = re.sub(r"^(text_encoder(?:_2)?)\.text_model\.", r"\1.", name)
    return re.sub(r"^(lora_te[12]?_)text_model_", r"\1", name)


def _modules(pipeline: Any) -> dict[str, tuple[str, torch.Tensor]]:
    """Every weight that a LoRA can change, under every name that it has in such files, with the part that it is in."""
    names: dict[str, tuple[str, torch.Tensor]] = {}
    unet = pipeline.unet
    attended = frozenset(number for number, kind in enumerate(unet.config.up_block_types) if "Attn" in kind)
    layers = unet.config.layers_per_block
    for name, module in unet.named_modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            entry = ("unet", module.weight)
            names[f"unet.{name}"] = names[f"lora_unet_{name.replace('.', '_')}"] = entry
            if isinstance(layers, int):
                original = original_unet_name(name, layers, attended)
                names[f"diffusion_model.{original}"] = names[f"lora_unet_{original.replace('.', '_')}"] = entry
    for part, prefixes in zip(_TEXT_ENCODERS, (("lora_te_", "lora_te1_"), ("lora_te2_",)), strict=True):
        encoder = getattr(pipeline, part, None)
        for name, module in encoder.named_modules() if encoder is not None else ():
            if isinstance(module, torch.nn.Linear):
                plain = name.removeprefix("text_model.")
                for prefix in (f"{part}.", *prefixes):
                    names[prefix + (plain if prefix[-1] == "." else plain.replace(".", "_"))] = (part, module.weight)
    return names


def _told_alphas(file: Path, header: WeightFile) -> Callable[[str, int], float]:
    """The alpha of a module with a rank as peft's configuration tells it, or else the rank.

    diffusers writes that configuration into the header; peft, into adapter_config.json beside the file.
    """
    told: dict[str, Any] = {}
    beside = file.with_name("adapter_config.json")
    try:
        if (text := header.metadata.get("lora_adapter_metadata")) is not None:
            told = dict(json.loads(text))
        elif file.name == "adapter_model.safetensors" and beside.is_file():
            told = {f"unet.{key}": value for key, value in json.loads(beside.read_text(encoding="utf-8")).items()}
        alphas = {part: float(told[f"{part}.lora_alpha"]) for part in _PARTS if f"{part}.lora_alpha" in told}
        patterns = {
            f"{part}.{key.removeprefix('^')}": float(value)
            for part in _PARTS
            for key, value in (told.get(f"{part}.alpha_pattern") or {}).items()
        }
        rooted = {part for part in _PARTS if told.get(f"{part}.use_rslora")}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"the configuration of the LoRA {file} cannot be read: {error}", hint=_MENDING) from error

    def alpha(module: str, rank: int) -> float:
        part = module.partition(".")[0]
        found = patterns.get(module, alphas.get(part, float(rank)))
        return found * math.sqrt(rank) if part in rooted else found  # rsLoRA divides by the root (Kalajdzievski 2023)

    return alpha
