"""CogView4 (Zhipu AI, 2025): a GLM-4 reads the words; in a batch their padding would be read as well."""

from __future__ import annotations

from generate.families.latents import decoded_by_kl
from generate.families.protocol import Family, InTurn, Reader

COGVIEW4 = Family(
    name="cogview4",
    title="CogView4",
    pipeline="CogView4Pipeline",
    inputs={
        "hidden_states": "initial noise",
        "encoder_hidden_states": "prompt",
        "original_size": "size conditioning",
        "target_size": "size conditioning",
        "crop_coords": "size conditioning",
    },
    patch=2,
    native_side=1024,
    flow=True,
    half="bfloat16",
    billions=(6.4, 9.4),
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 5.0},
    in_turn=InTurn(
        readers=(Reader("GLM-4", "tokenizer", 1024),),
        guided_above=1.0,
        decoded=decoded_by_kl,
        arguments={"max_sequence_length": 1024},
        guided_calls=("prompt", "negative prompt"),
        carries=True,
        attends="words first",
        context=(("tokenizer", 0),),
        words_from=lambda _, __, tokens, ___: -tokens % 16,  # they are padded to sixteens, in front
    ),
)
