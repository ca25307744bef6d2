"""Kandinsky 5 (Kandinsky Lab, 2025): a Qwen2.5-VL and a CLIP read the words; a picture is the only frame of a film."""

from __future__ import annotations

from typing import Any

from generate.families.latents import decoded_by_scale
from generate.families.protocol import SOLVERS, Family, InTurn, Reader


def _unpacked(_pipeline: Any, latents: Any, _height: int, _width: int) -> Any:
    """Out of (pictures, 1 frame, height, width, channels)."""
    return latents.squeeze(1).permute(0, 3, 1, 2)


#: What its template says before the words is read and then left out. Other sizes than its own it would not draw.
KANDINSKY5 = Family(
    name="kandinsky5",
    title="Kandinsky 5",
    pipeline="Kandinsky5T2IPipeline",
    text_encoders=(("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")),
    inputs={
        "hidden_states": "initial noise",
        "encoder_hidden_states": "prompt",
        "pooled_projections": "prompt",
        "text_rope_pos": "prompt",
    },
    processors=("tokenizer",),
    patch=2,
    native_side=1024,
    flow=True,
    half="bfloat16",
    billions=(6.0, 8.4),
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 3.5},
    in_turn=InTurn(
        readers=(Reader("Qwen2.5-VL", "tokenizer", 512, (0, 1)), Reader("CLIP", "tokenizer_2", 77, pooled=True)),
        guided_above=1.0,
        decoded=decoded_by_scale,
        unpacked=_unpacked,
        schedulers=SOLVERS,
        most_tokens=1024,
        arguments={"max_sequence_length": 512},
        guided_calls=("prompt", "negative prompt"),
        sizes=lambda pipeline: pipeline.resolutions,
        takes_backends=True,
        attends="words apart",
        context=(("tokenizer", 0),),
    ),
)
