"""The table of families, and which of them a model is of."""

from __future__ import annotations

from generate.families.protocol import Family
from generate.families.stable_diffusion import SD1, SD2, SDXL, SEEDLING, STABLE_DIFFUSION, STABLE_DIFFUSION_XL

#: The families by name; models are listed with these names.
FAMILIES: dict[str, Family] = {family.name: family for family in (SEEDLING, SD1, SD2, SDXL)}

#: What is rendered all the same where the sizes are of none of them, by the pipeline's class.
OF_OTHER_SIZES: dict[str, Family] = {family.pipeline: family for family in (STABLE_DIFFUSION, STABLE_DIFFUSION_XL)}


def family_of_sizes(context_width: object, latent_channels: object = None) -> Family | None:
    """The family whose words have vectors of that width and, where it is given, whose latents have so many channels."""
    for family in FAMILIES.values():
        if family.context_width == context_width and latent_channels in (None, family.latent_channels):
            return family
    return None


def own_clips() -> tuple[str, ...]:
    """The names of the families that bring a CLIP of their own; it goes by the family's name."""
    return tuple(family.name for family in FAMILIES.values() if family.clip is not None)
