"""LoRAs (Hu et al. 2021), added into a model's weights as W + alpha dW and taken out without a trace."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from generate.families import Family
from generate.models.resolve import find_part, hub_file, hub_folder
from generate.models.tensors import read_tensors
from generate.models.weight_file import ModelError, WeightFile, digest_of_file, read_weight_file
from ideation import Clause

_MENDING = "download it again; if that does not help, it is of a make that is not read"

# What the programs that train LoRAs call the two factors, behind the name of the module.
_FACTOR = re.compile(
    r"(?P<module>.+?)[._](?:lora[._])?(?:linear_layer\.)?(?:(?P<down>down|A)|(?P<up>up|B))(?:\.default)?\.weight"
)
_OTHER_MAKES = re.compile(r"\.(hada_|lokr_|dora_scale|lora_mid|lora_magnitude|oft_|boft_|glora_|on_input)")

# How those programs begin the names of what is in the denoiser, and in each of the text encoders.
_DENOISER_PREFIX = "lora_unet_"
_ENCODER_PREFIXES = (("lora_te_", "lora_te1_"), ("lora_te2_",))

# What the parts of `UNet2DConditionModel` were called in the code that it was published with.
_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_IN_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}


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


class Loras:
    """The LoRAs in one pipeline, of the `family`, which is called `name` where something does not fit."""

    def __init__(self, name: str, family: Family, pipeline: Any) -> None:
        self.adapters: tuple[Adapter, ...] = ()
        self._name, self._family, self._pipeline = name, family, pipeline
        self._originals: dict[torch.Tensor, torch.Tensor] = {}

    def load(self, wanted: Iterable[tuple[str, float, float]]) -> None:
        """Leaves exactly the `wanted` LoRAs in the model, each as (name, text encoder weight, denoiser weight).

        What was loaded before is taken out first, bit for bit; no LoRA, or weights of 0, is the model as it was opened.
        The formats of Kohya (as on Civitai, with original or diffusers' names), diffusers and peft are read. Names are
        those of `find_part`. Raises `ModelError` for what cannot be found or does not fit.
        """
        found = tuple(_find(name, text, unet) for name, text, unet in wanted)
        if self.adapters == found:
            return
        self.unload()
        changes: dict[torch.Tensor, list[_Change]] = {}
        for adapter in found:
            for parameter, change in self._changes(adapter):
                changes.setdefault(parameter, []).append(change)
        with torch.no_grad():
            for parameter, sum_of in changes.items():
                self._originals[parameter] = parameter.detach().to("cpu", copy=True)
                changed = parameter.float()
                for change in sum_of:
                    changed = changed + change.on(parameter)
                parameter.copy_(changed)
        self.adapters = found

    def unload(self) -> None:
        """Puts back the weights that the model was opened with, bit for bit."""
        self.adapters = ()
        with torch.no_grad():
            for parameter, original in self._originals.items():
                parameter.copy_(original)
        self._originals.clear()

    def _changes(self, adapter: Adapter) -> Iterator[tuple[torch.Tensor, _Change]]:
        """What the LoRA adds to which of the model's weights; the scale is weight * alpha / rank."""
        header = read_weight_file(adapter.file)
        other = next((name for name in header.shapes if _OTHER_MAKES.search(name)), None)
        if other is not None:
            raise ModelError(
                "{name} is an adapter of another make than LoRA: {other} is in it",
                hint="LoHa, LoKr, DoRA and their like are not read: take a plain LoRA",
                name=adapter.name,
                other=other[-60:],
            )
        tensors, _ = read_tensors(adapter.file)
        factors: dict[str, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            match = _FACTOR.fullmatch(name)
            if match is not None:
                factors.setdefault(_plain(match["module"]), {})["down" if match["down"] else "up"] = tensor
            elif not (name.endswith(".alpha") and tensor.numel() == 1):
                raise ModelError(
                    "{name} has a tensor {name_2!r}, which is none of a LoRA",
                    hint="{mending}",
                    name=adapter.name,
                    name_2=name[:80],
                    mending=_MENDING,
                )
            if not torch.isfinite(tensor).all():
                raise ModelError(
                    "{name} holds numbers that are none, in {name_2}",
                    hint="{mending}",
                    name=adapter.name,
                    name_2=name[:80],
                    mending=_MENDING,
                )
        alphas = {
            _plain(name.removesuffix(".alpha")): float(tensors[name]) for name in tensors if name.endswith(".alpha")
        }
        modules, told = self._modules(), _told_alphas(adapter.file, header, self._parts)
        for name, pair in factors.items():
            if name not in modules:
                raise self._misfit(
                    adapter, header, Clause("it changes {name}, which this model does not have", name=name)
                )
            if len(pair) != 2:
                raise ModelError(
                    "{name} is not whole: {name_2} has one factor of two",
                    hint="{mending}",
                    name=adapter.name,
                    name_2=name,
                    mending=_MENDING,
                )
            (part, parameter), down, up = modules[name], pair["down"], pair["up"]
            rank = down.shape[0] if down.ndim > 1 else 0
            if rank == 0 or up.ndim < 2 or (up.shape[1], up[0].numel()) != (rank, rank):
                raise ModelError(
                    "{name} is not whole: the factors of {name_2} do not match",
                    hint="{mending}",
                    name=adapter.name,
                    name_2=name,
                    mending=_MENDING,
                )
            sizes, wanted = [(up.shape[0], down[0].numel()), (parameter.shape[0], parameter[0].numel())]
            if sizes != wanted:
                raise self._misfit(
                    adapter,
                    header,
                    Clause(
                        "{name} would be {width}x{height}, not {width_2}x{height_2}",
                        name=name,
                        width=sizes[0],
                        height=sizes[1],
                        width_2=wanted[0],
                        height_2=wanted[1],
                    ),
                )
            weight = adapter.unet_weight if part == self._family.denoiser else adapter.text_encoder_weight
            if weight:
                yield (
                    parameter,
                    _Change(weight * (alphas[name] if name in alphas else told(name, rank)) / rank, up, down),
                )

    def _misfit(self, adapter: Adapter, header: WeightFile, what: Clause) -> ModelError:
        return ModelError(
            "the LoRA {name} does not fit the model {name_2}: {what}",
            hint="take a LoRA that was trained for this model"
            if header.family == "unknown"
            else "take a LoRA that was trained for this model; going by its sizes this one is for the family {family}",
            name=adapter.name,
            name_2=self._name,
            what=what,
            family=header.family,
        )

    @property
    def _parts(self) -> tuple[str, ...]:
        return (self._family.denoiser, *(encoder for encoder, _ in self._family.text_encoders))

    def _modules(self) -> dict[str, tuple[str, torch.Tensor]]:
        """Every weight that a LoRA can change, under every name that it has in such files, with the part it is in."""
        names: dict[str, tuple[str, torch.Tensor]] = {}
        part, *encoders = self._parts
        denoiser = getattr(self._pipeline, part)
        blocks, layers = denoiser.config.up_block_types, denoiser.config.layers_per_block
        attended = frozenset(number for number, kind in enumerate(blocks) if "Attn" in kind)
        for name, module in denoiser.named_modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
                entry = (part, module.weight)
                names[f"{part}.{name}"] = names[f"{_DENOISER_PREFIX}{name.replace('.', '_')}"] = entry
                if isinstance(layers, int):
                    original = original_unet_name(name, layers, attended)
                    names[f"diffusion_model.{original}"] = entry
                    names[f"{_DENOISER_PREFIX}{original.replace('.', '_')}"] = entry
        for part, prefixes in zip(encoders, _ENCODER_PREFIXES, strict=False):
            encoder = getattr(self._pipeline, part)
            for name, module in encoder.named_modules() if encoder is not None else ():
                if isinstance(module, torch.nn.Linear):
                    plain = name.removeprefix("text_model.")
                    for prefix in (f"{part}.", *prefixes):
                        names[prefix + (plain if prefix[-1] == "." else plain.replace(".", "_"))] = (
                            part,
                            module.weight,
                        )
        return names


def _find(name: str, text_encoder_weight: float, unet_weight: float) -> Adapter:
    for weight in (text_encoder_weight, unet_weight):
        if not (math.isfinite(weight) and abs(weight) <= 100):
            raise ModelError(
                "the weight of the LoRA {name} is {weight}",
                hint="give a number such as 0.7; 1 is all",
                name=name,
                weight=weight,
            )
    found = find_part("lora", name)
    file = found.path
    if file is None:
        wanted = hub_file(name)[1] or "*.safetensors"
        folder = hub_folder(found, wanted, "adapter_config.json")
        files = [one for one in sorted(folder.glob(wanted)) if read_weight_file(one).kind == "lora"]
        if len(files) != 1:
            raise ModelError(
                "{name} on the hub holds {count} LoRAs",
                hint="name the one that you mean: {name_2}/FILE.safetensors",
                name=name,
                count=len(files) or "no",
                name_2=found.name,
            )
        (file,) = files
    return Adapter(name, file, digest_of_file(file), float(text_encoder_weight), float(unet_weight))


def _plain(module: str) -> str:
    """The name of a module as `_modules` lists it, without what older programs put into it."""
    name = re.sub(r"[._]lora$|\.processor(?=\.)", "", module)
    name = re.sub(r"(attn\d)\.to_out$", r"\1.to_out.0", name)
    name = re.sub(r"self_attn\.to_(q|k|v|out)$", r"self_attn.\1_proj", name)
    name = re.sub(r"^base_model\.model\.", "unet.", name)
    name = re.sub(r"^(text_encoder(?:_2)?)\.text_model\.", r"\1.", name)
    return re.sub(r"^(lora_te[12]?_)text_model_", r"\1", name)


def _told_alphas(file: Path, header: WeightFile, parts: tuple[str, ...]) -> Callable[[str, int], float]:
    """The alpha of a module with a rank as peft's configuration tells it, or else the rank.

    diffusers writes that configuration into the header; peft, into adapter_config.json beside the file.
    """
    told: dict[str, Any] = {}
    beside = file.with_name("adapter_config.json")
    try:
        if (text := header.metadata.get("lora_adapter_metadata")) is not None:
            told = dict(json.loads(text))
        elif file.name == "adapter_model.safetensors" and beside.is_file():
            told = {f"{parts[0]}.{key}": value for key, value in json.loads(beside.read_text(encoding="utf-8")).items()}
        alphas = {part: float(told[f"{part}.lora_alpha"]) for part in parts if f"{part}.lora_alpha" in told}
        patterns = {
            f"{part}.{key.removeprefix('^')}": float(value)
            for part in parts
            for key, value in (told.get(f"{part}.alpha_pattern") or {}).items()
        }
        rooted = {part for part in parts if told.get(f"{part}.use_rslora")}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            "the configuration of the LoRA {file} cannot be read: {error}",
            hint="{mending}",
            file=file,
            error=error,
            mending=_MENDING,
        ) from error

    def alpha(module: str, rank: int) -> float:
        part = module.partition(".")[0]
        found = patterns.get(module, alphas.get(part, float(rank)))
        return found * math.sqrt(rank) if part in rooted else found  # rsLoRA divides by the root (Kalajdzievski 2023)

    return alpha


def original_unet_name(name: str, layers_per_block: int, attended: frozenset[int]) -> str:
    """The name in CompVis' and Stability AI's code of a part of `UNet2DConditionModel`, or of a tensor of it.

    There, one list of input and one of output blocks takes the place of blocks with lists in them. `attended` are the
    numbers of the up blocks with attention: their upsampler stands one place further back.
    """
    for ours, theirs in _TOP.items():
        if name == ours or name.startswith(f"{ours}."):
            return theirs + name[len(ours) :]
    each = layers_per_block + 1
    match = re.fullmatch(
        r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)(?:\.(.*))?", name
    )
    if match is not None:
        way, block, kind, layer, rest = match[1], int(match[2]), match[3], int(match[4]), match[5] or ""
        if kind == "downsamplers":
            return f"input_blocks.{(block + 1) * each}.0.{rest.replace('conv', 'op', 1)}"
        if kind == "upsamplers":
            return f"output_blocks.{block * each + layers_per_block}.{2 if block in attended else 1}.{rest}"
        place = f"input_blocks.{1 + block * each + layer}" if way == "down" else f"output_blocks.{block * each + layer}"
        return f"{place}.0.{_in_resnet(rest)}" if kind == "resnets" else f"{place}.1.{rest}"
    match = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d+)(?:\.(.*))?", name)
    if match is None:
        return name
    if match[1] == "attentions":
        return f"middle_block.1.{match[3] or ''}"
    return f"middle_block.{2 * int(match[2])}.{_in_resnet(match[3] or '')}"


def _in_resnet(rest: str) -> str:
    part, dot, tensor = rest.partition(".")
    return f"{_IN_RESNET.get(part, part)}{dot}{tensor}"
