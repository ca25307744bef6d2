"""Layers: what in a model an adapter can change, under every name that it has in the files of adapters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from generate.families import Family

# How the names of what is in the denoiser begin: in Kohya's files and LyCORIS', whose dots are underscores, in
# diffusers' and ComfyUI's, and in peft's, which say nothing of it.
_DENOISER_UNDERSCORED = ("lora_unet_", "lora_transformer_", "lycoris_")
_DENOISER_DOTTED = ("", "diffusion_model.", "model.diffusion_model.")
# The same for each of the text encoders.
_ENCODER_UNDERSCORED = (("lora_te_", "lora_te1_"), ("lora_te2_",))
_ENCODER_DOTTED = (("text_model.", "text_encoders.clip_l.transformer."), ("text_encoders.clip_g.transformer.",))

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
class Layer:
    """A module with weights in a `part` of a pipeline, by its `name` there."""

    part: str
    name: str
    module: Any


def layers_by_name(pipeline: Any, family: Family) -> dict[str, Layer]:
    """Everything that an adapter can change, under each of its names as `plain_name` makes them."""
    named: dict[str, Layer] = {}
    denoiser = getattr(pipeline, family.denoiser)
    config = denoiser.config  # a transformer's says nothing of blocks
    blocks, layers = config.get("up_block_types", ()), config.get("layers_per_block")
    attended = frozenset(number for number, kind in enumerate(blocks) if "Attn" in kind)
    for layer in _layers(family.denoiser, denoiser):
        names = {layer.name}
        if isinstance(layers, int):
            names.add(original_unet_name(layer.name, layers, attended))
        for name in names:
            for prefix in (f"{family.denoiser}.", *_DENOISER_DOTTED):
                named[prefix + name] = layer
            for prefix in _DENOISER_UNDERSCORED:
                named[prefix + name.replace(".", "_")] = layer
    for (part, _), underscored, dotted in zip(
        family.text_encoders, _ENCODER_UNDERSCORED, _ENCODER_DOTTED, strict=False
    ):
        encoder = getattr(pipeline, part)
        for layer in _layers(part, encoder) if encoder is not None else ():
            for prefix in (f"{part}.", *dotted):
                named[prefix + layer.name] = layer
            for prefix in underscored:
                named[prefix + layer.name.replace(".", "_")] = layer
    return named


def plain_name(module: str) -> str:
    """The name of a module as `layers_by_name` lists it, without what some programs put into it."""
    name = re.sub(r"[._]lora$|\.processor(?=\.)", "", module)
    name = re.sub(r"(attn\d)\.to_out$", r"\1.to_out.0", name)
    name = re.sub(r"self_attn\.to_(q|k|v|out)$", r"self_attn.\1_proj", name)
    name = re.sub(r"^base_model\.model\.", "", name)
    name = re.sub(r"^(text_encoder(?:_2)?|text_encoders\.clip_[lg]\.transformer)\.text_model\.", r"\1.", name)
    return re.sub(r"^(lora_te[12]?_)text_model_", r"\1", name)


def _layers(part: str, model: Any) -> Iterator[Layer]:
    for name, module in model.named_modules():
        if isinstance(getattr(module, "weight", None), torch.nn.Parameter):
            yield Layer(part, name.removeprefix("text_model."), module)


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
