"""Sana (Xie et al. 2024) and Sprint (Chen et al. 2025): linear attention over latents of 32 pixels a side, read by a
Gemma 2."""

from __future__ import annotations

from dataclasses import replace

from generate.families.latents import decoded_by_scale
from generate.families.protocol import SOLVERS, Family, InTurn, Reader

#: Their pipelines would put an instruction before every prompt, and snap sizes to those of a list: switched off.
_ARGUMENTS = {
    "max_sequence_length": 300,
    "complex_human_instruction": None,
    "clean_caption": False,
    "use_resolution_binning": False,
}
_ALIKE = InTurn(
    readers=(Reader("Gemma 2", "tokenizer", 300),),
    guided_above=None,
    decoded=decoded_by_scale,
    arguments=_ARGUMENTS,
    attends="words apart",
    context=(("tokenizer", 0),),
)

SANA = Family(
    name="sana",
    title="Sana",
    pipeline="SanaPipeline",
    guided_rows=("negative prompt", "prompt"),
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "encoder_attention_mask": "prompt"},
    native_side=1024,
    flow=True,
    half="bfloat16",
    billions=(1.6, 2.6),
    usual={"scheduler": "DPM++ 2M", "num_inference_steps": 20, "guidance_scale": 4.5},
    in_turn=replace(
        _ALIKE,
        guided_above=1.0,
        schedulers=("DPM++ 2M", *(name for name in SOLVERS if name != "DPM++ 2M")),
    ),
)

#: Distilled to consistency in two steps, of which it was trained for one way; guidance is a number that it is told.
SANA_SPRINT = replace(
    SANA,
    name="sana-sprint",
    title="Sana Sprint",
    pipeline="SanaSprintPipeline",
    guided_rows=("prompt",),
    usual={"scheduler": "SCM", "num_inference_steps": 2, "guidance_scale": 4.5},
    in_turn=replace(
        _ALIKE,
        schedulers=("SCM",),
        of_steps=lambda _, steps: {"intermediate_timesteps": 1.3 if steps == 2 else None},
    ),
)
