"""Adapter files: which tensor of a LoRA or its like is what to which module, told from their names."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from generate.models.adapters.changes import BESIDES, BIASES, LENGTHS, MAKES, Make
from generate.models.adapters.layers import Layer, plain_name
from generate.models.weights.weight_file import ModelError, WeightFile
from ideation import Clause, read_plain_file

#: What to do about a file in which something is wrong.
MENDING = "download it again; if that does not help, it is of a make that is not read"

# What the programs that train adapters call their tensors, behind the name of the module. peft puts the adapter's name
# behind a factor's, diffusers calls it default_0 and so on.
_ROLE = re.compile(
    r"(?P<module>.+?)(?:"
    r"[._](?:lora[._])?(?:linear_layer\.)?(?:(?P<down>down|A(?:\.[\w-]+)?)|(?P<up>up|B(?:\.[\w-]+)?)|(?P<mid>mid))"
    r"\.(?:weight|(?P<bias>bias))"
    r"|\.(?P<magnitude>lora_magnitude_vector)(?:\.[\w-]+)*"
    r"|\.(?P<role>alpha|dora_scale|diff|diff_b|hada_w[12]_[ab]|hada_t[12]|lokr_w[12](?:_[ab])?|lokr_t[12]|w_norm|b_norm"
    r"|weight|on_input))"
)
_WORD = re.compile(r"bundle_emb\.(?P<word>.+?)\.(?P<vectors>string_to_param\.\*|[\w-]+)")

#: The makes that are not read, by the names of their tensors.
_OTHER_MAKES = {
    r"\b(?:oft|boft)_|\.oft\.": "OFT or BOFT",
    r"\b[ab][12]\.weight$|\bglora_|\bbm\.weight$": "GLoRA",
    r"\bvera_lambda": "VeRA",
    r"\blora_embedding_": "a LoRA of the words",
    r"\blora_E\b|\branknum\b": "AdaLoRA",
    r"\b(?:lambda_layer|[pq]_layer)\b": "T-LoRA",
    r"\.set_weight$|\.reshape_weight$": "weights that take the place of the model's",
    r"^lllite_": "ControlNet-LLLite",
    r"^control_model\.|^lora_controlnet": "ControlNet",
    r"motion_modules|temporal_transformer": "AnimateDiff",
    r"to_[kv]_ip\b|^ip_adapter\.|^image_proj\.": "IP-Adapter",
}

# Models with transformers in the place of the U-Net, by the names of their blocks.
_OTHER_MODELS = {
    r"double_blocks|single_blocks|single_transformer_blocks": "Flux",
    r"joint_blocks|joint_transformer_blocks": "Stable Diffusion 3",
    r"lora_te3_|text_encoder_3": "Stable Diffusion 3 or Flux",
    r"(?:^|_unet_|diffusion_model\.|transformer\.)(?:blocks|layers|transformer_blocks)[._]\d": "a transformer",
}


@dataclass(frozen=True)
class Module:
    """What a file has for one module of a model: its name as `plain_name` makes it, the names of its tensors by their
    roles, and its make, None where it has a bias alone."""

    name: str
    tensors: Mapping[str, str]
    make: Make | None

    @property
    def told_make(self) -> str:
        """What people call it."""
        if self.make is None:
            return "biases"
        if not self.tensors.keys() & LENGTHS:
            return self.make.name
        return "DoRA" if self.make.name == "LoRA" else f"{self.make.name} with DoRA"


@dataclass(frozen=True)
class AdapterFile:
    """What the names in a file say: the modules that it changes, and for each word that is bundled with it the names of
    its vectors."""

    file: WeightFile
    modules: tuple[Module, ...]
    words: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, name: str, file: WeightFile) -> AdapterFile:
        """The file of the adapter that is asked for by `name`. Raises `ModelError` for what is not read."""
        modules: dict[str, dict[str, str]] = {}
        words: dict[str, dict[str, str]] = {}
        for tensor in file.shapes:
            if (found := _WORD.fullmatch(tensor)) is not None:
                words.setdefault(found["word"], {})[found["vectors"]] = tensor
                continue
            found = _ROLE.fullmatch(tensor)
            other = next((said for make, said in _OTHER_MAKES.items() if re.search(make, tensor)), None)
            if other is not None or found is None:
                raise _not_read(name, tensor, other)
            module = modules.setdefault(plain_name(found["module"]), {})
            role = _role(found)
            if role in module:
                raise two_of(name, tensor, module[role])
            module[role] = tensor
        read = tuple(Module(one, roles, _make(name, one, roles)) for one, roles in modules.items())
        return cls(file, read, words)

    @property
    def make(self) -> str:
        """What the file is called for what is in it, such as "LoRA" or "LoHa, norms"."""
        told = [*sorted({module.told_make for module in self.modules}), *(["words"] if self.words else [])]
        return ", ".join(told)

    @property
    def other_model(self) -> str | None:
        """The model of another architecture that it is for, going by its names."""
        names = "\n".join(module.name for module in self.modules)
        return next((said for blocks, said in _OTHER_MODELS.items() if re.search(blocks, names, re.MULTILINE)), None)


def _role(found: re.Match[str]) -> str:
    if found["up"] and found["bias"]:
        return "up_bias"
    return found["role"] or next(role for role in ("down", "up", "mid", "magnitude") if found[role])


def _make(name: str, module: str, roles: Mapping[str, str]) -> Make | None:
    """The make of a module by the roles of its tensors; None where it has a bias alone. Raises `ModelError`."""
    own = roles.keys() - BESIDES
    if not own and roles.keys() & set(BIASES) and not roles.keys() & LENGTHS:
        return None
    make = next((one for one in MAKES if own <= one.needed | one.allowed), None)
    if make is None:
        raise ModelError(
            "{name} changes {module} in two ways at once: {ways}",
            hint="{mending}",
            name=name,
            module=module,
            ways=", ".join(sorted(own)),
            mending=MENDING,
        )
    if own == {"weight"}:
        raise _not_read(name, roles["weight"], None)
    if not own or not make.needed <= own:
        raise not_whole(name, Clause("{module} has one factor of two", module=module))
    return make


def two_of(name: str, one: str, other: str) -> ModelError:
    """The error for a file that changes one thing under two names, or twice."""
    return ModelError(
        "{name} holds two adapters: {one} and {other} change the same",
        hint="take a file with one adapter in it",
        name=name,
        one=one[-80:],
        other=other[-80:],
    )


def not_whole(name: str, what: Clause) -> ModelError:
    """The error for an adapter that lacks something."""
    return ModelError("{name} is not whole: {what}", hint="{mending}", name=name, what=what, mending=MENDING)


def _not_read(name: str, tensor: str, make: str | None) -> ModelError:
    if make is None:
        return ModelError(
            "{name} has a tensor {name_2!r}, which is none of a LoRA",
            hint="{mending}",
            name=name,
            name_2=tensor[:80],
            mending=MENDING,
        )
    return ModelError(
        "{name} is an adapter of a make that is not read: {make}, by its tensor {tensor}",
        hint="LoRA, LoHa, LoKr, DoRA, (IA)3, norms and whole differences are read: take one of these",
        name=name,
        make=make,
        tensor=tensor[-60:],
    )


@dataclass(frozen=True)
class Scales:
    """What the changes in a file are multiplied by, alpha / rank, as peft's configuration of each part tells it.

    diffusers writes that configuration into the header; peft, into adapter_config.json beside the file.
    """

    configs: Mapping[str, _Config]

    @classmethod
    def of(cls, header: WeightFile, parts: tuple[str, ...]) -> Scales:
        """The scales for the parts of a pipeline. Raises `ModelError`."""
        told: dict[str, Any] = {}
        file = header.path
        beside = file.with_name("adapter_config.json")
        try:
            if (text := header.metadata.get("lora_adapter_metadata")) is not None:
                told = dict(json.loads(text))
            elif file.name == "adapter_model.safetensors" and beside.is_file():
                own = json.loads(read_plain_file(beside, 1_000_000))
                told = {f"{part}.{key}": value for part in parts for key, value in own.items()}
            return cls({part: _Config.of(told, part) for part in parts})
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(
                "the configuration of the LoRA {file} cannot be read: {error}",
                hint="{mending}",
                file=file,
                error=error,
                mending=MENDING,
            ) from error

    def scale(self, layer: Layer, rank: int | None, alpha: torch.Tensor | None) -> float:
        """Of one layer, by the alpha that stands beside its tensors, by the configuration, or else 1."""
        if alpha is not None:
            return 1.0 if rank is None else float(alpha) / rank
        return self.configs[layer.part].scale(layer.name, rank)


@dataclass(frozen=True)
class _Config:
    """peft's configuration of one part of the pipeline."""

    alpha: float | None
    rank: int | None
    alphas: Mapping[re.Pattern[str], float]
    ranks: Mapping[re.Pattern[str], int]
    rooted: bool

    @classmethod
    def of(cls, told: Mapping[str, Any], part: str) -> _Config:
        alpha, rank = told.get(f"{part}.lora_alpha", told.get(f"{part}.alpha")), told.get(f"{part}.r")
        alphas, ranks = (told.get(f"{part}.{kind}_pattern") or {} for kind in ("alpha", "rank"))
        return cls(
            None if alpha is None else float(alpha),
            None if rank is None else int(rank),
            {_pattern(key): float(value) for key, value in alphas.items()},
            {_pattern(key): int(value) for key, value in ranks.items()},
            bool(told.get(f"{part}.use_rslora")),
        )

    def scale(self, name: str, rank: int | None) -> float:
        if rank is None:  # a Kronecker product of two whole sides
            rank = next((value for key, value in self.ranks.items() if key.fullmatch(name)), self.rank)
        alpha = next((value for key, value in self.alphas.items() if key.fullmatch(name)), self.alpha)
        if alpha is None or not rank:
            return 1.0
        return alpha / (math.sqrt(rank) if self.rooted else rank)  # rsLoRA (Kalajdzievski 2023)


def _pattern(key: str) -> re.Pattern[str]:
    """As peft matches it: the whole name, or what stands behind any dot of it. Of the text encoders' names our own lack
    their first word. Whoever wrote the file may have written any expression: only names are taken."""
    plain = key.removesuffix("$").removeprefix("^").removeprefix("text_model.")
    if not re.fullmatch(r"[\w.]+", plain):
        raise ValueError(f"the pattern {key[:80]!r} is no name")
    return re.compile(f"{'' if key.startswith('^') else '(?:.*[.])?'}{re.escape(plain)}")
