"""Krea 2 and Krea 2 Turbo (Krea, 2026): a Qwen3-VL reads the words; guidance is a second evaluation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from generate.families.latents import decoded_as_film
from generate.families.protocol import EULERS_AND_UNIPC, Family, InTurn, Reader


def _unpacked(pipeline: Any, latents: Any, height: int, width: int) -> Any:
    return pipeline._unpack_latents(latents, height, width).squeeze(2)


#: The end of its template stands behind the words however many of them are cut off: its five tokens count as before.
KREA2 = Family(
    name="krea2",
    title="Krea 2",
    pipeline="Krea2Pipeline",
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "encoder_attention_mask": "prompt"},
    told_by={"is_distilled": False},
    patch=2,
    packed=4,
    native_side=1024,
    flow=True,
    half="bfloat16",
    billions=(12.9, 4.4),
    usual={"scheduler": "Euler", "num_inference_steps": 28, "guidance_scale": 4.5},
    in_turn=InTurn(
        readers=(Reader("Qwen3-VL", "tokenizer", 512, (5, 0)),),
        guided_above=0.0,
        decoded=decoded_as_film,
        unpacked=_unpacked,
        schedulers=EULERS_AND_UNIPC,
        arguments={"max_sequence_length": 512},
        guided_calls=("prompt", "negative prompt"),
        takes_backends=True,
        attends="words first",
        context=(("tokenizer", 0),),
        words_from=lambda *_: 0,
    ),
)

KREA2_TURBO = replace(
    KREA2,
    name="krea2-turbo",
    title="Krea 2 Turbo",
    told_by={"is_distilled": True},
    usual={"scheduler": "Euler", "num_inference_steps": 8, "guidance_scale": 0.0},
)
