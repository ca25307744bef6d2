"""Original names: what the parts of a model that diffusers loads were called in the code that it was published with."""

from __future__ import annotations

import re

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
