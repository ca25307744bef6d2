"""The table of families, and which of them a model is of."""

from __future__ import annotations

from collections.abc import Mapping

from generate.families.llm import (
    COGVIEW4,
    ERNIE_IMAGE,
    FLUX2,
    FLUX2_KLEIN,
    FLUX2_KLEIN_BASE,
    HUNYUAN_IMAGE,
    HUNYUAN_IMAGE_DISTILLED,
    KANDINSKY5,
    KREA2,
    KREA2_TURBO,
    LUMINA2,
    QWEN_IMAGE,
    QWEN_IMAGE_2_1,
    SANA,
    SANA_SPRINT,
    Z_IMAGE,
)
from generate.families.protocol import Family
from generate.families.stable_diffusion import SD1, SD2, SDXL, SEEDLING, STABLE_DIFFUSION, STABLE_DIFFUSION_XL
from generate.families.t5 import CHROMA, FLUX, FLUX_SCHNELL, PIXART, STABLE_DIFFUSION_3

#: The families by name; models are listed with these names.
_TRANSFORMERS = (
    Z_IMAGE,
    FLUX2_KLEIN,
    FLUX2_KLEIN_BASE,
    FLUX,
    FLUX_SCHNELL,
    QWEN_IMAGE,
    QWEN_IMAGE_2_1,
    STABLE_DIFFUSION_3,
    CHROMA,
    KREA2,
    KREA2_TURBO,
    SANA,
    SANA_SPRINT,
    FLUX2,
    LUMINA2,
    ERNIE_IMAGE,
    HUNYUAN_IMAGE,
    HUNYUAN_IMAGE_DISTILLED,
    PIXART,
    KANDINSKY5,
    COGVIEW4,
)
FAMILIES: dict[str, Family] = {family.name: family for family in (SEEDLING, SD1, SD2, SDXL, *_TRANSFORMERS)}

#: What is rendered all the same where nothing tells which of the above it is, by the pipeline's class.
OF_OTHER_SIZES: dict[str, Family] = {
    family.pipeline: family for family in (STABLE_DIFFUSION, STABLE_DIFFUSION_XL, *reversed(_TRANSFORMERS))
}


def family_of_configuration(index: Mapping[str, object], denoiser: Mapping[str, object]) -> Family:
    """The family of a model with that model_index.json, whose `_class_name` is in `OF_OTHER_SIZES`, and that
    configuration of its denoiser."""
    kind = str(index["_class_name"])
    sizes = family_of_sizes(denoiser.get("cross_attention_dim"), denoiser.get("in_channels"))
    if sizes is not None and sizes.pipeline == kind:
        return sizes
    told = {**denoiser, **index}
    for family in FAMILIES.values():
        if family.pipeline == kind and family.told_by and family.told_by.items() <= told.items():
            return family
    return OF_OTHER_SIZES[kind]


def family_of_sizes(context_width: object, latent_channels: object = None) -> Family | None:
    """The family whose words have vectors of that width and, where it is given, whose latents have so many channels."""
    if context_width is None:
        return None
    for family in FAMILIES.values():
        if family.context_width == context_width and latent_channels in (None, family.latent_channels):
            return family
    return None


def own_clips() -> tuple[str, ...]:
    """The names of the families that bring a CLIP of their own; it goes by the family's name."""
    return tuple(family.name for family in FAMILIES.values() if family.clip is not None)
