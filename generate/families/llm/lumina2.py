"""Lumina-Image 2.0 (Alpha-VLLM, 2025): one transformer for the picture and the words that a Gemma 2 has read."""

from __future__ import annotations

from generate.families.latents import decoded_by_kl
from generate.families.protocol import EULERS_AND_UNIPC, Family, InTurn, Reader

#: What its pipeline puts before every prompt, and takes tokens of its length for.
_INSTRUCTION = (
    "You are an assistant designed to generate superior images with the superior degree of image-text alignment based "
    "on textual prompts or user prompts. <Prompt Start> "
)

LUMINA2 = Family(
    name="lumina2",
    title="Lumina 2",
    pipeline="Lumina2Pipeline",
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "encoder_attention_mask": "prompt"},
    patch=2,
    native_side=1024,
    flow=True,
    half="bfloat16",
    single_files=True,
    billions=(2.6, 2.6),
    usual={"scheduler": "Euler", "num_inference_steps": 30, "guidance_scale": 4.0},
    in_turn=InTurn(
        readers=(Reader("Gemma 2", "tokenizer", 256, before=lambda: _INSTRUCTION),),
        guided_above=1.0,
        decoded=decoded_by_kl,
        most_tokens=512,
        schedulers=EULERS_AND_UNIPC,
        arguments={"max_sequence_length": 256},
        guided_calls=("prompt", "negative prompt"),
        attends="words first",
        context=(("tokenizer", 0),),
    ),
)
