"""FLUX.2 dev (Black Forest Labs, 2025), which is told its guidance, and klein (2026), distilled or its base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Any

from generate.families.protocol import EULERS_AND_UNIPC, Family, InTurn, Reader


def _unpacked(pipeline: Any, latents: Any, height: int, width: int) -> Any:
    """The VAE's own latents of (pictures, tokens, channels): scaled back by what its normalisation has seen."""
    vae, side = pipeline.vae, pipeline.vae_scale_factor * 2
    squares = latents.permute(0, 2, 1).unflatten(2, (height // side, width // side))
    mean = vae.bn.running_mean.view(1, -1, 1, 1).to(squares)
    deviation = (vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps).sqrt().to(squares)
    return pipeline._unpatchify_latents(squares * deviation + mean)


def _decoded(pipeline: Any, latents: Any) -> Any:
    return pipeline.vae.decode(latents.to(pipeline.vae.dtype)).sample


def _negative(pipeline: Any, words: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """It takes no words here, but what its text encoder makes of them."""
    length = arguments["max_sequence_length"]
    return {"negative_prompt_embeds": pipeline.encode_prompt(prompt=words, max_sequence_length=length)[0]}


def _behind_padding(pipeline: Any, _words: str, tokens: int, limit: int) -> int:
    """Mistral's tokenizer pads in front; one token of the template stands behind the words."""
    return limit - tokens - 1 if pipeline.tokenizer.tokenizer.padding_side == "left" else 0


def _instruction() -> str:
    """What its pipeline has stand before every prompt, as Mistral's chats are written. It is read out of diffusers' own
    file, since importing that would load torch."""
    diffusers = find_spec("diffusers")
    assert diffusers is not None  # noqa: S101 - for the type checker
    assert diffusers.origin is not None  # noqa: S101
    file = Path(diffusers.origin).parent / "pipelines" / "flux2" / "system_messages.py"
    return f"[SYSTEM_PROMPT]{run_path(str(file))['SYSTEM_MESSAGE']}[/SYSTEM_PROMPT][INST]"


#: Its rewriting of prompts is switched off.
FLUX2 = Family(
    name="flux2",
    title="FLUX.2",
    pipeline="Flux2Pipeline",
    guided_rows=("prompt",),
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt"},
    processors=("tokenizer",),
    patch=2,
    packed=4,
    native_side=1024,
    flow=True,
    half="bfloat16",
    single_files=True,
    billions=(32.2, 24.0),
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 4.0},
    in_turn=InTurn(
        readers=(Reader("Mistral 3", "tokenizer", 512, (0, 1), before=_instruction),),
        guided_above=None,
        decoded=_decoded,
        unpacked=_unpacked,
        schedulers=EULERS_AND_UNIPC,
        arguments={"max_sequence_length": 512, "caption_upsample_temperature": None},
        takes_backends=True,
        attends="words first",
        context=(("tokenizer", 0),),
        words_from=_behind_padding,
    ),
)

#: The template is that of a chat whose answer begins with an empty thought: three tokens before the words, nine behind.
_KLEIN = InTurn(
    readers=(Reader("Qwen3", "tokenizer", 512, (3, 9)),),
    guided_above=None,
    decoded=_decoded,
    unpacked=_unpacked,
    schedulers=EULERS_AND_UNIPC,
    arguments={"max_sequence_length": 512},
    carries=True,
    takes_backends=True,
    attends="words first",
    context=(("tokenizer", 0),),
)

FLUX2_KLEIN = Family(
    name="flux2-klein",
    title="FLUX.2 klein",
    pipeline="Flux2KleinPipeline",
    guided_rows=("prompt",),
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt"},
    told_by={"is_distilled": True},
    patch=2,
    packed=4,
    native_side=1024,
    flow=True,
    half="bfloat16",
    single_files=True,
    billions=(3.9, 4.0),
    usual={"scheduler": "Euler", "num_inference_steps": 4, "guidance_scale": 1.0},
    in_turn=_KLEIN,
)

FLUX2_KLEIN_BASE = replace(
    FLUX2_KLEIN,
    name="flux2-klein-base",
    title="FLUX.2 klein base",
    guided_rows=("prompt", "negative prompt"),
    told_by={"is_distilled": False},
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 4.0},
    in_turn=replace(_KLEIN, guided_above=1.0, guided_calls=("prompt", "negative prompt"), negative=_negative),
)
