"""Chroma (Lodestone Rock, 2025): FLUX.1's transformer without CLIP and with guidance, by a second evaluation."""

from __future__ import annotations

from generate.families.latents import decoded_by_kl, unpacked_in_fours
from generate.families.protocol import EULERS_AND_UNIPC, Family, InTurn, Reader

CHROMA = Family(
    name="chroma",
    title="Chroma",
    pipeline="ChromaPipeline",
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "attention_mask": "prompt"},
    patch=2,
    packed=4,
    native_side=1024,
    flow=True,
    half="bfloat16",
    single_files=True,
    billions=(8.9, 4.8),
    usual={"scheduler": "Euler", "num_inference_steps": 35, "guidance_scale": 5.0},
    in_turn=InTurn(
        readers=(Reader("T5", "tokenizer", 512),),
        guided_above=1.0,
        decoded=decoded_by_kl,
        unpacked=unpacked_in_fours,
        arguments={"max_sequence_length": 512},
        schedulers=EULERS_AND_UNIPC,
        guided_calls=("prompt", "negative prompt"),
        takes_backends=True,
        attends="words first",
        context=(("tokenizer", 0),),
    ),
)
