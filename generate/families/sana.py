"""Sana (Xie et al. 2024): linear attention over latents of 32 pixels a side, and a Gemma 2 that reads the words."""

from __future__ import annotations

from typing import Any

from generate.families.protocol import Family, InTurn, Reader


def _decoded(pipeline: Any, latents: Any) -> Any:
    vae = pipeline.vae
    return vae.decode((latents / vae.config.scaling_factor).to(vae.dtype)).sample


#: Its pipeline would put an instruction before every prompt, and snap sizes to those of a list: both are switched off.
SANA = Family(
    name="sana",
    title="Sana",
    pipeline="SanaPipeline",
    denoiser="transformer",
    text_encoders=(("text_encoder", "tokenizer"),),
    guidance="guidance_scale",
    guided_rows=("negative prompt", "prompt"),
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "encoder_attention_mask": "prompt"},
    native_side=1024,
    flow=True,
    half="bfloat16",
    billions=(1.6, 2.6),
    usual={"scheduler": "DPM++ 2M", "num_inference_steps": 20, "guidance_scale": 4.5},
    in_turn=InTurn(
        readers=(Reader("Gemma 2", "tokenizer", 300),),
        guided_above=1.0,
        schedulers=("DPM++ 2M", "Euler", "Euler Karras", "Euler exponential", "Euler beta"),
        decoded=_decoded,
        arguments={
            "max_sequence_length": 300,
            "complex_human_instruction": None,
            "clean_caption": False,
            "use_resolution_binning": False,
        },
    ),
)
