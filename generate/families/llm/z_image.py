"""Z-Image and Z-Image-Turbo (Tongyi-MAI, 2025): one transformer for the picture and the words that a Qwen3 has read."""

from __future__ import annotations

from generate.families.latents import decoded_by_kl
from generate.families.protocol import Family, InTurn, Reader

#: The template is that of a chat: three tokens before the words, five behind. Turbo differs in what it wants alone: 8
#: steps at a guidance of 0, which its preset sets.
Z_IMAGE = Family(
    name="z-image",
    title="Z-Image",
    pipeline="ZImagePipeline",
    inputs={"x": "initial noise", "cap_feats": "prompt"},
    patch=2,
    native_side=1024,
    flow=True,
    half="bfloat16",
    single_files=True,
    billions=(6.2, 4.0),
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 5.0},
    in_turn=InTurn(
        readers=(Reader("Qwen3", "tokenizer", 512, (3, 5)),),
        guided_above=0.0,
        decoded=decoded_by_kl,
        arguments={"max_sequence_length": 512},
        takes_backends=True,
        attends="picture first",
        picture_in=32,
        context=(("tokenizer", 0),),
    ),
)
