"""FLUX.1 dev and its like, and schnell (Black Forest Labs, 2024): guidance is a number that the transformer is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from generate.families.latents import decoded_by_kl, unpacked_in_fours
from generate.families.protocol import EULERS_AND_UNIPC, SOLVERS, Family, InTurn, Reader

_CLIP = Reader("CLIP", "tokenizer", 77, pooled=True)


def _encoded(pipeline: Any, words: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    length = arguments["max_sequence_length"]
    context, pooled, _ = pipeline.encode_prompt(prompt=words, prompt_2=None, max_sequence_length=length)
    return {"prompt_embeds": context, "pooled_prompt_embeds": pooled}


#: T5's words are padded to the length that is read, and the padding is seen: another length is another picture.
_DEV = InTurn(
    readers=(Reader("T5", "tokenizer_2", 512), _CLIP),
    guided_above=None,
    decoded=decoded_by_kl,
    unpacked=unpacked_in_fours,
    arguments={"max_sequence_length": 512},
    schedulers=SOLVERS,
    mixed=_encoded,
    carries=True,
    takes_backends=True,
    attends="words first",
    context=(("tokenizer_2", 0),),
)

FLUX = Family(
    name="flux",
    title="FLUX.1",
    pipeline="FluxPipeline",
    text_encoders=(("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")),
    guided_rows=("prompt",),
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "pooled_projections": "prompt"},
    told_by={"guidance_embeds": True},
    patch=2,
    packed=4,
    native_side=1024,
    flow=True,
    half="bfloat16",
    single_files=True,
    billions=(11.9, 4.9),
    usual={"scheduler": "Euler", "num_inference_steps": 28, "guidance_scale": 3.5},
    in_turn=_DEV,
)

FLUX_SCHNELL = replace(
    FLUX,
    name="flux-schnell",
    title="FLUX.1 schnell",
    told_by={"guidance_embeds": False},
    usual={"scheduler": "Euler", "num_inference_steps": 4, "guidance_scale": 0.0},
    in_turn=replace(
        _DEV,
        readers=(Reader("T5", "tokenizer_2", 256), _CLIP),
        arguments={"max_sequence_length": 256},
        schedulers=EULERS_AND_UNIPC,  # others would be told by its pipeline that the size shifts it, which is not so
    ),
)
