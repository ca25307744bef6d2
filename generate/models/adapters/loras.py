"""LoRAs and their like, added into a model's weights as W + weight x dW and taken out without a trace."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from generate.families import Family
from generate.models.adapters.adapter_file import AdapterFile, Scales, not_whole, two_of
from generate.models.adapters.changes import BIASES, DIFFERENCE, Change
from generate.models.adapters.layers import Layer, layers_by_name
from generate.models.resolve import find_part, hub_file, hub_folder
from generate.models.weights.tensors import read_tensors, require_numbers
from generate.models.weights.weight_file import ModelError, digest_of_file, read_weight_file
from ideation import Clause


@dataclass(frozen=True)
class Adapter:
    """A LoRA or its like as it is loaded: its name as asked for, its file, that file's SHA-256 and its make, and how
    much of it was added to the text encoders and to the U-Net."""

    name: str
    file: Path
    digest: str
    make: str
    text_encoder_weight: float
    unet_weight: float


class Loras:
    """The LoRAs in one pipeline, of the `family`, which is called `name` where something does not fit. `notes` say what
    of their files was left."""

    def __init__(self, name: str, family: Family, pipeline: Any) -> None:
        self.adapters: tuple[Adapter, ...] = ()
        self.notes: tuple[Clause, ...] = ()
        self._name, self._family, self._pipeline = name, family, pipeline
        self._originals: dict[torch.Tensor, torch.Tensor] = {}

    def load(self, wanted: Iterable[tuple[str, float, float]]) -> None:
        """Leaves exactly the `wanted` LoRAs in the model, each as (name, text encoder weight, denoiser weight).

        What was loaded before is taken out first, bit for bit; no LoRA, or weights of 0, is the model as it was opened.
        The formats of Kohya (as on Civitai, with original or diffusers' names), LyCORIS, ComfyUI, diffusers and peft
        are read. Names are those of `find_part`. Raises `ModelError` for what cannot be found or does not fit.
        """
        found = tuple(_find(name, text, unet) for name, text, unet in wanted)
        if self.adapters == found:
            return
        self.unload()
        changes: dict[torch.Tensor, list[Change]] = {}
        for adapter in found:
            for parameter, change in self._changes(adapter):
                changes.setdefault(parameter, []).append(change)
        with torch.no_grad():
            for parameter, added in changes.items():
                self._originals[parameter] = parameter.detach().to("cpu", copy=True)
                changed = parameter.float()
                for change in added:
                    changed = changed + change.on(parameter)
                parameter.copy_(changed)
        self.adapters = found
        self.notes = tuple(
            Clause(
                "the LoRA {name} brings words with it ({words}), which are read as plain words here",
                name=adapter.name,
                words=", ".join(words),
            )
            for adapter in found
            if (words := AdapterFile.of(adapter.name, read_weight_file(adapter.file)).words)
        )

    def unload(self) -> None:
        """Puts back the weights that the model was opened with, bit for bit."""
        self.adapters, self.notes = (), ()
        with torch.no_grad():
            for parameter, original in self._originals.items():
                parameter.copy_(original)
        self._originals.clear()

    def _changes(self, adapter: Adapter) -> Iterator[tuple[torch.Tensor, Change]]:
        """What the LoRA adds to which of the model's weights; all of it is checked, also at a weight of 0."""
        header = read_weight_file(adapter.file)
        file, tensors = AdapterFile.of(adapter.name, header), read_tensors(adapter.file)[0]
        layers, seen = layers_by_name(self._pipeline, self._family), dict[Layer, str]()
        if self._family.in_turn is not None and any(module.name not in layers for module in file.modules):
            file, tensors = self._translated(adapter, file, tensors, layers)
        scales = Scales.of(header, (self._family.denoiser, *(encoder for encoder, _ in self._family.text_encoders)))
        for module in file.modules:
            roles = {role: tensors[tensor] for role, tensor in module.tensors.items()}
            for role, tensor in roles.items():
                require_numbers(tensor, adapter.name, module.tensors[role], whole=role in ("alpha", "on_input"))
            if module.name not in layers:
                what = Clause("it changes {name}, which this model does not have", name=module.name)
                raise self._misfit(adapter, file, what)
            layer = layers[module.name]
            if (other := seen.setdefault(layer, module.name)) != module.name:
                raise two_of(adapter.name, module.name, other)
            strength = adapter.unet_weight if layer.part == self._family.denoiser else adapter.text_encoder_weight
            try:
                scale = scales.scale(layer, module.make.rank(roles) if module.make else None, roles.get("alpha"))
                changes = [(layer.module.weight, Change(module.make, roles, scale, strength))] if module.make else []
                for role in (role for role in BIASES if role in roles):
                    by = scale if role == "up_bias" else 1.0
                    changes.append((layer.module.bias, Change(DIFFERENCE, {"diff": roles[role]}, by, strength)))
                for parameter, change in changes:
                    self._require_fit(adapter, file, module.name, parameter, change)
            except (RuntimeError, LookupError, ArithmeticError) as error:
                what = Clause("the factors of {module} do not match", module=module.name)
                raise not_whole(adapter.name, what) from error
            yield from changes if strength else ()

    def _translated(
        self, adapter: Adapter, file: AdapterFile, tensors: Mapping[str, torch.Tensor], layers: Mapping[str, Layer]
    ) -> tuple[AdapterFile, dict[str, torch.Tensor]]:
        """The adapter under the names of diffusers, whose pipelines know what other programs call the layers of a
        transformer. Raises `ModelError` where they do not, and where they would leave something of it out."""
        factors = {tensor: tensors[tensor] for module in file.modules for tensor in module.tensors.values()}
        unknown = next(module.name for module in file.modules if module.name not in layers)
        misfit = self._misfit(adapter, file, Clause("it changes {name}, which this model does not have", name=unknown))
        if any(module.told_make != "LoRA" for module in file.modules):  # of others, they would leave something out
            raise misfit
        try:
            found = type(self._pipeline).lora_state_dict(dict(factors))
        except (ValueError, KeyError, IndexError, RuntimeError, AttributeError) as error:
            raise misfit from error
        found = found[0] if isinstance(found, tuple) else found
        shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
        told = AdapterFile.of(adapter.name, replace(file.file, shapes=shapes, metadata={}))
        if len(told.modules) < len(file.modules):
            raise misfit
        return told, found

    def _require_fit(
        self, adapter: Adapter, file: AdapterFile, name: str, parameter: torch.Tensor | None, change: Change
    ) -> None:
        """Raises `ModelError` where the parameter is not there or has other sizes, and what torch does where the
        change's tensors do not fit together."""
        if parameter is None:
            raise self._misfit(
                adapter, file, Clause("it changes the bias of {name}, which has none in this model", name=name)
            )
        shape = change.shape(parameter)
        sizes, wanted = [(one[0], math.prod(one[1:])) for one in (shape, parameter.shape)]
        if sizes != wanted:
            raise self._misfit(
                adapter,
                file,
                Clause(
                    "{name} would be {width}x{height}, not {width_2}x{height_2}",
                    name=name,
                    width=sizes[0],
                    height=sizes[1],
                    width_2=wanted[0],
                    height_2=wanted[1],
                ),
            )
        change.on(parameter.to("meta"))

    def _misfit(self, adapter: Adapter, file: AdapterFile, what: Clause) -> ModelError:
        transformer = None if self._family.in_turn is not None else file.other_model
        other = transformer or (file.file.family if file.file.family != "unknown" else None)
        return ModelError(
            "the LoRA {name} does not fit the model {name_2}: {what}",
            hint="take a LoRA that was trained for this model"
            if other is None
            else "take a LoRA that was trained for this model; going by its tensors this one is for {family}",
            name=adapter.name,
            name_2=self._name,
            what=what,
            family=other,
        )


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
    make = AdapterFile.of(name, read_weight_file(file)).make
    return Adapter(name, file, digest_of_file(file), make, float(text_encoder_weight), float(unet_weight))
