"""The way back: the tensors of a loaded pipeline under the names and shapes that its like were published with."""

from __future__ import annotations

import re
from typing import Any

import torch

from generate.models.adapters import original_unet_name

Tensors = dict[str, torch.Tensor]


def original_layout(pipeline: Any) -> Tensors:
    """A single-file checkpoint of Stable Diffusion 1.x, 2.x or XL, by what the pipeline's text encoders are."""
    unet, vae, text = pipeline.unet, pipeline.vae, pipeline.text_encoder
    tensors = {f"model.diffusion_model.{name}": tensor for name, tensor in original_unet(unet).items()}
    tensors |= {f"first_stage_model.{name}": tensor for name, tensor in original_vae(vae).items()}
    second = getattr(pipeline, "text_encoder_2", None)
    if second is not None:
        tensors |= _clip(text, "conditioner.embedders.0.transformer.")
        tensors |= _open_clip(second, "conditioner.embedders.1.model.")
    elif text.config.hidden_act == "gelu":
        tensors |= _open_clip(text, "cond_stage_model.model.")
    else:
        tensors |= _clip(text, "cond_stage_model.transformer.")
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def original_unet(unet: Any) -> Tensors:
    blocks = unet.config.up_block_types
    attended = frozenset(number for number, kind in enumerate(blocks) if "Attn" in kind)
    return {
        original_unet_name(name, unet.config.layers_per_block, attended): tensor
        for name, tensor in unet.state_dict().items()
    }


def original_vae(vae: Any) -> Tensors:
    last, tensors = len(vae.config.block_out_channels) - 1, {}
    for name, tensor in vae.state_dict().items():
        named = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
        named = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", named)
        named = re.sub(r"up_blocks\.(\d)\.resnets", lambda found: f"up.{last - int(found[1])}.block", named)
        named = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda found: f"up.{last - int(found[1])}.upsample", named)
        named = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", named)
        named = named.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
        if "mid_block.attentions.0" in named:
            named = named.replace("mid_block.attentions.0", "mid.attn_1").replace("group_norm", "norm")
            named = re.sub(r"to_([qkv])\.", r"\1.", named).replace("to_out.0", "proj_out")
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        tensors[named] = tensor
    return tensors


def _clip(encoder: Any, prefix: str) -> Tensors:
    return {f"{prefix}text_model.{name}": tensor for name, tensor in encoder.state_dict().items()}


def _open_clip(encoder: Any, prefix: str) -> Tensors:
    found = {name.removeprefix("text_model."): tensor for name, tensor in encoder.state_dict().items()}
    width = encoder.config.hidden_size
    tensors = {
        "positional_embedding": found.pop("embeddings.position_embedding.weight"),
        "token_embedding.weight": found.pop("embeddings.token_embedding.weight"),
        "ln_final.weight": found.pop("final_layer_norm.weight"),
        "ln_final.bias": found.pop("final_layer_norm.bias"),
        "text_projection": found.pop("text_projection.weight", torch.eye(width)).T,
    }
    for name in [name for name in found if ".q_proj." in name]:
        joined = torch.cat([found.pop(name.replace("q_proj", part)) for part in ("q_proj", "k_proj", "v_proj")])
        found[name.replace("q_proj.", "in_proj_")] = joined
    for name, tensor in found.items():
        named = name.replace("encoder.layers.", "transformer.resblocks.").replace("self_attn", "attn")
        named = named.replace("layer_norm", "ln_").replace("fc1", "c_fc").replace("fc2", "c_proj")
        tensors[named] = tensor
    return {prefix + name: tensor for name, tensor in tensors.items()}
