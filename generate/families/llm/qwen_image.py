"""Qwen-Image (Qwen, 2025): a Qwen2.5-VL reads the words; guidance is a second evaluation for the negative prompt."""

from __future__ import annotations

from typing import Any

from generate.families.latents import decoded_as_film, unpacked_in_fours
from generate.families.protocol import EULERS_AND_UNIPC, Family, InTurn, Reader


def _unpacked(pipeline: Any, latents: Any, height: int, width: int) -> Any:
    """Its VAE is one for films, of which a picture is the only frame."""
    return unpacked_in_fours(pipeline, latents, height, width).squeeze(2)


#: What its template says before the words is read and then left out; five tokens behind them stay.
QWEN_IMAGE = Family(
    name="qwen-image",
    title="Qwen-Image",
    pipeline="QwenImagePipeline",
    guidance="true_cfg_scale",
    inputs={
        "hidden_states": "initial noise",
        "encoder_hidden_states": "prompt",
        "encoder_hidden_states_mask": "prompt",
    },
    patch=2,
    packed=4,
    native_side=1024,
    flow=True,
    half="bfloat16",
    single_files=True,
    billions=(20.4, 8.3),
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 4.0},
    in_turn=InTurn(
        readers=(Reader("Qwen2.5-VL", "tokenizer", 512, (0, 5)),),
        guided_above=1.0,
        decoded=decoded_as_film,
        unpacked=_unpacked,
        schedulers=EULERS_AND_UNIPC,
        most_tokens=1024,
        arguments={"max_sequence_length": 512},
        guided_calls=("prompt", "negative prompt"),
        carries=True,
        takes_backends=True,
        attends="words first",
        context=(("tokenizer", 0),),
    ),
)
