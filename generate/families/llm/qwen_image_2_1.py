"""Qwen-Image 2.1 (Qwen, 2026): one stream of words, read by a Qwen3-VL, and picture, which may be transparent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generate.families.latents import decoded_as_film
from generate.families.protocol import Family, InTurn, Reader


def _unpacked(pipeline: Any, latents: Any, height: int, width: int) -> Any:
    """Its VAE is one for films, of which a picture is the only frame."""
    return pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor).squeeze(2)


def _decoded(pipeline: Any, latents: Any) -> Any:
    """Laid on white, as the picture will be."""
    pixels = decoded_as_film(pipeline, latents)
    opaque = (pixels[:, 3:] + 1) / 2
    return pixels[:, :3] * opaque + 1 - opaque


def _of_steps(pipeline: Any, steps: int) -> Mapping[str, Any]:
    """Models that bring a row of noise levels would take as many steps as it has, whatever is asked for."""
    own = pipeline.config.sample_sigmas
    if own is None or len(own) == steps:
        return {}
    last = 1 / steps
    return {"sigmas": [1 - (1 - last) * step / max(1, steps - 1) for step in range(steps)]}


#: Nothing cuts its prompts off but the positions that its text encoder has. Of the template, three tokens before the
#: words and five behind them are kept.
QWEN_IMAGE_2_1 = Family(
    name="qwen-image-2.1",
    title="Qwen-Image 2.1",
    pipeline="QwenImage21Pipeline",
    text_encoders=(("text_encoder", "processor"),),
    guidance="true_cfg_scale",
    inputs={
        "hidden_states": "initial noise",
        "encoder_hidden_states": "prompt",
        "encoder_hidden_states_mask": "prompt",
        "img_mask": "prompt",
    },
    processors=("processor",),
    processor_first=True,
    patch=2,
    native_side=1024,
    flow=True,
    half="bfloat16",
    billions=(7.0, 8.8),
    usual={"scheduler": "Euler", "num_inference_steps": 40, "guidance_scale": 1.0},
    in_turn=InTurn(
        readers=(Reader("Qwen3-VL", "processor", 262_144, (3, 5)),),
        guided_above=1.0,
        decoded=_decoded,
        unpacked=_unpacked,
        arguments={"use_kv_cache": True},
        guided_calls=("prompt", "negative prompt"),
        of_steps=_of_steps,
        takes_backends=True,
        attends="words first",
        places_a_side=2,
        context=(("processor", 0),),
    ),
)
