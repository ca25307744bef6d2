"""PixArt-Sigma (Chen et al. 2024): trained to predict noise, as Stable Diffusion was, by a transformer and a T5."""

from __future__ import annotations

from generate.families.latents import decoded_by_scale
from generate.families.protocol import Family, InTurn, Reader

#: It learned how much noise is left besides the noise, in channels of their own: its pipeline drops those.
PIXART = Family(
    name="pixart",
    title="PixArt-Sigma",
    pipeline="PixArtSigmaPipeline",
    guided_rows=("negative prompt", "prompt"),
    inputs={"hidden_states": "initial noise", "encoder_hidden_states": "prompt", "encoder_attention_mask": "prompt"},
    patch=2,
    native_side=1024,
    billions=(0.6, 4.8),
    usual={"scheduler": "DPM++ 2M", "num_inference_steps": 20, "guidance_scale": 4.5},
    in_turn=InTurn(
        readers=(Reader("T5", "tokenizer", 300),),
        guided_above=1.0,
        schedulers=("DPM++ 2M", "DPM++ 2M Karras"),
        decoded=decoded_by_scale,
        arguments={"max_sequence_length": 300, "clean_caption": False, "use_resolution_binning": False},
        tells_latents_alone=True,
        attends="words apart",
        context=(("tokenizer", 0),),
    ),
)
