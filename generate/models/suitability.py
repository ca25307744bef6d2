"""Suitability: which settings a family of models wants where nobody says otherwise, and which it cannot be drawn with.

Torch is not needed, so that what does not go together is told before anything is loaded.
"""

from __future__ import annotations

from generate.families import Family
from generate.schedulers.table import find_scheduler, require_kind
from generate.settings import RenderSettings, SettingsError


def usual_settings(family: Family | None, seed: int = 0) -> RenderSettings:
    """The settings of a render as they usually are, and as the family wants them where it is known.

    >>> usual_settings(None) == RenderSettings()
    True
    """
    return RenderSettings(seed=seed, **(family.usual if family is not None else {}))


def check_family(settings: RenderSettings, family: Family) -> None:
    """Raises `SettingsError` for the first of the settings that models of the family cannot be drawn with."""
    scheduler = find_scheduler(settings.scheduler).name
    if family.in_turn is None:
        require_kind(scheduler, flow=family.flow)
        return
    if scheduler not in family.in_turn.schedulers:
        raise SettingsError(
            "{name} cannot draw {title}, which was trained by flow matching"
            if family.flow
            else "{name} cannot draw {title}",
            hint="take one of these: {names}",
            name=scheduler,
            title=family.title,
            names=", ".join(family.in_turn.schedulers),
        )
    if settings.clip_skip:
        raise SettingsError(
            "{title} is read by {reader}, of which no layers are left out",
            hint="leave --clip-skip out; it goes with Stable Diffusion",
            title=family.title,
            reader=family.in_turn.readers[0].name,
        )
    if settings.long_prompts == "chunk":
        raise SettingsError(
            "{title} reads prompts in one piece of {limit} tokens, not in chunks",
            hint="leave --tokens chunk out: so many hold some hundred words",
            title=family.title,
            limit=family.in_turn.readers[0].limit,
        )
    if settings.vae is not None:
        raise SettingsError(
            "{title} is drawn with its own VAE alone",
            hint="leave --vae out; other VAEs go with Stable Diffusion",
            title=family.title,
        )
