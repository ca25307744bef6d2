"""ERNIE-Image (Baidu, 2026): a Mistral 3 reads the words; its pipeline would have another model rewrite them first."""

from __future__ import annotations

from typing import Any

from generate.families.protocol import Family, InTurn, Reader


def _unpacked(pipeline: Any, latents: Any, _height: int, _width: int) -> Any:
    """The VAE's own latents: scaled back by what its normalisation has seen, and out of squares of two by two."""
    seen = pipeline.vae.bn
    deviation = (seen.running_var.view(1, -1, 1, 1) + 1e-5).sqrt().to(latents)
    return pipeline._unpatchify_latents(latents * deviation + seen.running_mean.view(1, -1, 1, 1).to(latents))


def _decoded(pipeline: Any, latents: Any) -> Any:
    return pipeline.vae.decode(latents.to(pipeline.vae.dtype)).sample


#: Nothing cuts its prompts off but the positions that its text encoder has. The model that would rewrite them is left
#: out. With guidance the shorter of two rows of words is padded, which the transformer is told not to look at.
ERNIE_IMAGE = Family(
    name="ernie-image",
    title="ERNIE-Image",
    pipeline="ErnieImagePipeline",
    guided_rows=("negative prompt", "prompt"),
    inputs={"hidden_states": "initial noise", "text_bth": "prompt", "text_lens": "prompt"},
    left_out=("pe", "pe_tokenizer"),
    packed=4,
    native_side=1024,
    flow=True,
    half="bfloat16",
    billions=(8.0, 3.8),
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 4.0},
    in_turn=InTurn(
        readers=(Reader("Mistral 3", "tokenizer", 262_144),),
        guided_above=1.0,
        decoded=_decoded,
        unpacked=_unpacked,
        arguments={"use_pe": False},
        lengths={"text_bth": "text_lens"},
        takes_backends=True,
        attends="picture first",
        context=(("tokenizer", 0),),
    ),
)
