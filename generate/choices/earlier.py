"""Earlier weights: what can be said, and what can still be asked for, of pictures that were drawn by weights which were
shipped under a model's name before the present ones."""

from __future__ import annotations

from dataclasses import replace

from generate.choices.sizes import match_aspect_ratio
from generate.families import FAMILIES, Family
from generate.settings import RenderSettings, SettingsError
from ideation import Clause


def earlier_family(model_digest: str) -> Family | None:
    """The family of weights with that digest, or its beginning, that were shipped before; None for all others.

    >>> earlier_family("ded8762357").title
    'Seedling'
    """
    for family in FAMILIES.values():
        if any(digest.startswith(model_digest) for digest in family.earlier_weights):
            return family
    return None


def earlier_clip(clip_digest: str) -> Family | None:
    """The family whose CLIP had those weights before; None for all others."""
    return next((family for family in FAMILIES.values() if clip_digest in family.earlier_clips), None)


def size_of_today(settings: RenderSettings, model_digest: str) -> tuple[RenderSettings, Clause | None]:
    """The settings of pictures by weights with that digest, to be asked for again, and a note where they are others:
    those of earlier weights get the size of the same shape that the present ones have learnt."""
    family = earlier_family(model_digest)
    if family is None or settings.model != family.name or (settings.width, settings.height) == (None, None):
        return settings, None
    before = next(side for digest, side in family.earlier_weights.items() if digest.startswith(model_digest))
    width, height = settings.width or before, settings.height or before
    try:
        found = match_aspect_ratio(f"{width}:{height}", family.name)
    except SettingsError:  # longer than any ratio that can be named
        return settings, None
    if found.size == (width, height):
        return settings, None
    note = Clause(
        "The {title} of that time drew pictures of other sizes: {now} takes the place of {then}.",
        title=family.title,
        now=f"{found.width}x{found.height}",
        then=f"{width}x{height}",
    )
    return replace(settings, width=found.width, height=found.height), note
