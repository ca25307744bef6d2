"""Stable Diffusion 1.x (Rombach et al. 2022), 2.x and XL (Podell et al. 2023), and Seedling, which is of that make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from generate.families.protocol import Family
from generate.seedling import (
    EARLIER_SEEDLING_CLIPS,
    EARLIER_SEEDLINGS,
    SEEDLING_CLIP_FOLDER,
    SEEDLING_FOLDER,
    SEEDLING_SIZES,
)
from ideation import seedling_vocabulary

#: Folders in diffusers' layout without weights: the published sizes.
_ARCHITECTURES = Path(__file__).parent / "architectures"

#: What `StableDiffusionPipeline` renders, in whatever sizes.
STABLE_DIFFUSION = Family(
    name="unknown",
    title="Stable Diffusion in other sizes",
    pipeline="StableDiffusionPipeline",
    denoiser="unet",
    guided_rows=("negative prompt", "prompt"),
    inputs={"sample": "initial noise", "encoder_hidden_states": "prompt"},
    latent_channels=4,
    single_files=True,
)

#: What `StableDiffusionXLPipeline` renders, in whatever sizes.
STABLE_DIFFUSION_XL = replace(
    STABLE_DIFFUSION,
    title="Stable Diffusion XL in other sizes",
    pipeline="StableDiffusionXLPipeline",
    text_encoders=(*STABLE_DIFFUSION.text_encoders, ("text_encoder_2", "tokenizer_2")),
    penultimate=True,
    inputs={
        **STABLE_DIFFUSION.inputs,
        "added_cond_kwargs.text_embeds": "prompt",
        "added_cond_kwargs.time_ids": "size conditioning",
    },
)

SD1 = replace(
    STABLE_DIFFUSION,
    name="sd1",
    title="Stable Diffusion 1.x",
    billions=(0.9, 0.1),
    context_width=768,
    model_channels=320,
    configuration=_ARCHITECTURES / "sd1",
)
SD2 = replace(
    SD1,
    name="sd2",
    title="Stable Diffusion 2.x",
    billions=(0.9, 0.3),
    context_width=1024,
    configuration=_ARCHITECTURES / "sd2",
    epsilon_configuration=_ARCHITECTURES / "sd2-base",
)
SDXL = replace(
    STABLE_DIFFUSION_XL,
    name="sdxl",
    title="Stable Diffusion XL",
    billions=(2.6, 0.8),
    context_width=2048,
    model_channels=320,
    configuration=_ARCHITECTURES / "sdxl",
)

#: The miniature that is shipped: few words, which it knows well, and a CLIP that was grown on the same scenes.
SEEDLING = replace(
    STABLE_DIFFUSION,
    name="seedling",
    title="Seedling",
    context_width=192,
    latent_channels=48,
    model_channels=160,
    configuration=SEEDLING_FOLDER,
    embedded=SEEDLING_FOLDER,
    vocabulary=seedling_vocabulary,
    clip=SEEDLING_CLIP_FOLDER,
    learnt_sizes=SEEDLING_SIZES,
    earlier_weights=EARLIER_SEEDLINGS,
    earlier_clips=EARLIER_SEEDLING_CLIPS,
)
