"""Z-Image and Z-Image-Turbo (Tongyi-MAI, 2025): one transformer for the picture and the words that a Qwen3 has read."""

from __future__ import annotations

from typing import Any

from generate.families.protocol import Family, InTurn, Reader


def _as_asked(tokenizer: Any, words: str) -> str:
    """The words in the template of a chat, as `ZImagePipeline` puts them."""
    messages = [{"role": "user", "content": words}]
    asked: str = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    return asked


def _decoded(pipeline: Any, latents: Any) -> Any:
    vae = pipeline.vae
    return vae.decode((latents / vae.config.scaling_factor + vae.config.shift_factor).to(vae.dtype)).sample


Z_IMAGE = Family(
    name="z-image",
    title="Z-Image",
    pipeline="ZImagePipeline",
    denoiser="transformer",
    text_encoders=(("text_encoder", "tokenizer"),),
    guidance="guidance_scale",
    guided_rows=("prompt", "negative prompt"),
    inputs={"x": "initial noise", "cap_feats": "prompt"},
    patch=2,
    native_side=1024,
    flow=True,
    half="bfloat16",
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 5.0},
    in_turn=InTurn(
        readers=(Reader("Qwen3", "tokenizer", 512, _as_asked, (3, 5)),),
        guided_above=0.0,
        schedulers=("Euler", "Euler Karras", "Euler exponential", "Euler beta"),
        decoded=_decoded,
        arguments={"max_sequence_length": 512},
    ),
)
