"""Stable Diffusion 3 and 3.5 (Esser et al. 2024): a transformer that reads two CLIPs and a T5 side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generate.families.latents import decoded_by_kl
from generate.families.protocol import SOLVERS, Family, InTurn, Reader


def _encoded(pipeline: Any, words: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    context, _, pooled, _ = pipeline.encode_prompt(
        prompt=words,
        prompt_2=None,
        prompt_3=None,
        do_classifier_free_guidance=False,
        max_sequence_length=arguments["max_sequence_length"],
    )
    return {"prompt_embeds": context, "pooled_prompt_embeds": pooled}


STABLE_DIFFUSION_3 = Family(
    name="sd3",
    title="Stable Diffusion 3",
    pipeline="StableDiffusion3Pipeline",
    text_encoders=(
        ("text_encoder", "tokenizer"),
        ("text_encoder_2", "tokenizer_2"),
        ("text_encoder_3", "tokenizer_3"),
    ),
    guided_rows=("negative prompt", "prompt"),
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "pooled_projections": "prompt"},
    patch=2,
    native_side=1024,
    flow=True,
    single_files=True,
    billions=(8.1, 5.6),
    usual={"scheduler": "Euler", "num_inference_steps": 28, "guidance_scale": 7.0},
    in_turn=InTurn(
        readers=(Reader("T5", "tokenizer_3", 256), Reader("CLIP", "tokenizer", 77)),
        guided_above=1.0,
        decoded=decoded_by_kl,
        schedulers=SOLVERS,
        most_tokens=512,
        arguments={"max_sequence_length": 256},
        mixed=_encoded,
        attends="picture first",
        context=(("tokenizer", 77), ("tokenizer_3", 0)),
    ),
)
