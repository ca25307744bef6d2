"""Transformers in their makers' layout, as ComfyUI has them: the tensors of diffusers under the names that they were
published with, fused and turned as they were there."""

from __future__ import annotations

from collections.abc import Mapping

import torch

Tensors = dict[str, torch.Tensor]

#: The names of layers, ours and theirs; the first that fits counts.
_SD3 = {
    "pos_embed.pos_embed": "pos_embed",
    "pos_embed.proj.": "x_embedder.proj.",
    "time_text_embed.timestep_embedder.linear_1.": "t_embedder.mlp.0.",
    "time_text_embed.timestep_embedder.linear_2.": "t_embedder.mlp.2.",
    "time_text_embed.text_embedder.linear_1.": "y_embedder.mlp.0.",
    "time_text_embed.text_embedder.linear_2.": "y_embedder.mlp.2.",
    "proj_out.": "final_layer.linear.",
    "norm_out.linear.": "final_layer.adaLN_modulation.1.",
    "transformer_blocks.": "joint_blocks.",
    ".attn.qkv.": ".x_block.attn.qkv.",
    ".attn.added_qkv.": ".context_block.attn.qkv.",
    ".attn.to_out.0.": ".x_block.attn.proj.",
    ".attn.to_add_out.": ".context_block.attn.proj.",
    ".norm1.linear.": ".x_block.adaLN_modulation.1.",
    ".norm1_context.linear.": ".context_block.adaLN_modulation.1.",
    ".ff.net.0.proj.": ".x_block.mlp.fc1.",
    ".ff.net.2.": ".x_block.mlp.fc2.",
    ".ff_context.net.0.proj.": ".context_block.mlp.fc1.",
    ".ff_context.net.2.": ".context_block.mlp.fc2.",
}
_FLUX2 = {
    "x_embedder.": "img_in.",
    "context_embedder.": "txt_in.",
    "time_guidance_embed.timestep_embedder.linear_1.": "time_in.in_layer.",
    "time_guidance_embed.timestep_embedder.linear_2.": "time_in.out_layer.",
    "double_stream_modulation_img.linear.": "double_stream_modulation_img.lin.",
    "double_stream_modulation_txt.linear.": "double_stream_modulation_txt.lin.",
    "single_stream_modulation.linear.": "single_stream_modulation.lin.",
    "norm_out.linear.": "final_layer.adaLN_modulation.1.",
    "proj_out.": "final_layer.linear.",
    "single_transformer_blocks.": "single_blocks.",
    "transformer_blocks.": "double_blocks.",
    ".attn.to_qkv_mlp_proj.": ".linear1.",
    ".attn.qkv.": ".img_attn.qkv.",
    ".attn.added_qkv.": ".txt_attn.qkv.",
    ".attn.norm_added_q.weight": ".txt_attn.norm.query_norm.scale",
    ".attn.norm_added_k.weight": ".txt_attn.norm.key_norm.scale",
    ".attn.to_out.0.": ".img_attn.proj.",
    ".attn.to_add_out.": ".txt_attn.proj.",
    ".ff.linear_in.": ".img_mlp.0.",
    ".ff.linear_out.": ".img_mlp.2.",
    ".ff_context.linear_in.": ".txt_mlp.0.",
    ".ff_context.linear_out.": ".txt_mlp.2.",
}
_FLUX2_SINGLE = {
    ".attn.norm_q.weight": ".norm.query_norm.scale",
    ".attn.norm_k.weight": ".norm.key_norm.scale",
    ".attn.to_out.": ".linear2.",
}
_FLUX2_DOUBLE = {
    ".attn.norm_q.weight": ".img_attn.norm.query_norm.scale",
    ".attn.norm_k.weight": ".img_attn.norm.key_norm.scale",
}
_Z_IMAGE = {
    ".to_out.0.": ".out.",
    ".norm_q.": ".q_norm.",
    ".norm_k.": ".k_norm.",
    "all_final_layer.2-1.": "final_layer.",
    "all_x_embedder.2-1.": "x_embedder.",
}


def makers_layout(family: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Those of the family's transformer, as its makers call them."""
    made = _fused(dict(tensors))
    if family == "z-image":
        return {_named(name, _Z_IMAGE): tensor for name, tensor in made.items()}
    if family == "sd3":
        last = max(int(name.split(".")[1]) for name in made if name.startswith("transformer_blocks."))
        turned = ("norm_out.linear.", f"transformer_blocks.{last}.norm1_context.linear.")
        return {
            f"model.diffusion_model.{_named(name, _SD3)}": _turned(tensor) if name.startswith(turned) else tensor
            for name, tensor in made.items()
        }
    if family.startswith("flux2"):
        return {
            _named(name, (_FLUX2_SINGLE if name.startswith("single") else _FLUX2_DOUBLE) | _FLUX2): _turned(tensor)
            if name.startswith("norm_out.linear.")
            else tensor
            for name, tensor in made.items()
        }
    return dict(tensors)  # Qwen published it so


def _fused(tensors: Tensors) -> Tensors:
    """What asks, what is looked at and what is given, in one."""
    for first, *others, fused in (
        ("to_q", "to_k", "to_v", "qkv"),
        ("add_q_proj", "add_k_proj", "add_v_proj", "added_qkv"),
    ):
        for name in [name for name in tensors if f".{first}." in name]:
            parts = [name.replace(first, one) for one in (first, *others)]
            tensors[name.replace(first, fused)] = torch.cat([tensors.pop(part) for part in parts])
    return tensors


def _named(name: str, theirs: Mapping[str, str]) -> str:
    for ours, other in theirs.items():
        name = name.replace(ours, other)
    return name


def _turned(modulation: torch.Tensor) -> torch.Tensor:
    """Shift before scale, where diffusers has scale before shift."""
    scale, shift = modulation.chunk(2)
    return torch.cat([shift, scale])
