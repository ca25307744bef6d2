"""Suitability: which settings a family of models wants where nobody says otherwise, and which it cannot be drawn with.

Torch is not needed, so that what does not go together is told before anything is loaded.
"""

from __future__ import annotations

from importlib.util import find_spec

from generate.families import FAMILIES, Family
from generate.schedulers.table import find_scheduler, require_kind
from generate.settings import ATTENTION_BACKENDS, RenderSettings, SettingsError


def usual_settings(family: Family | None, seed: int = 0) -> RenderSettings:
    """The settings of a render as they usually are, and as the family wants them where it is known.

    >>> usual_settings(None) == RenderSettings()
    True
    """
    return RenderSettings(seed=seed, **(family.usual if family is not None else {}))


def check_family(settings: RenderSettings, family: Family) -> None:
    """Raises `SettingsError` for the first of the settings that models of the family cannot be drawn with."""
    scheduler = find_scheduler(settings.scheduler).name
    check_attention_backend(settings, family)
    if family.in_turn is None:
        require_kind(scheduler, flow=family.flow)
        if settings.max_sequence_length is not None:
            raise SettingsError(
                "{title} reads prompts as its text encoder does, and has no other length",
                hint="leave --max-sequence-length out; --tokens chunk reads long prompts to the end",
                title=family.title,
            )
        if settings.memory is not None:
            raise SettingsError(
                "--memory goes with models that have a transformer, from a folder or the hub",
                hint="leave it out: where memory runs short, a smaller way is found by itself",
            )
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
    check_batch(settings, family)
    length, most = settings.max_sequence_length, family.in_turn.most_tokens or family.in_turn.readers[0].limit
    if length is not None and "max_sequence_length" not in family.in_turn.arguments:
        raise SettingsError(
            "{title} has no other length of prompts than its own",
            hint="leave --max-sequence-length out",
            title=family.title,
        )
    if length is not None and length > most:
        raise SettingsError(
            "{title} reads {most} tokens at most, not {length}",
            hint="give {most} or fewer; {usual} is its own",
            title=family.title,
            most=most,
            length=length,
            usual=family.in_turn.arguments["max_sequence_length"],
        )
    if settings.compiled and settings.memory not in (None, "whole"):
        raise SettingsError(
            "--compile goes with a model that lies in memory as a whole",
            hint="leave out --memory or --compile",
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


def check_attention_backend(settings: RenderSettings, family: Family) -> None:
    """Raises `SettingsError` where models of the family take no other attention than torch's, or it is not here."""
    backend = settings.attention_backend
    if backend is None:
        return
    if family.in_turn is None or not family.in_turn.takes_backends:
        takers = {
            other.pipeline: other.title
            for other in reversed(FAMILIES.values())
            if other.in_turn is not None and other.in_turn.takes_backends
        }
        raise SettingsError(
            "the layers of {title} take no other attention than torch's",
            hint="leave --attention-backend out; it goes with {takers}",
            title=family.title,
            takers=", ".join(reversed(takers.values())),
        )
    package = ATTENTION_BACKENDS[backend]
    if package is not None and find_spec(package) is None:
        raise SettingsError(
            "the attention backend {backend} is in the package {package}, which is not installed",
            hint="install it as its makers say, or leave --attention-backend out: torch has its own",
            backend=backend,
            package=package,
        )


def check_looked_at(settings: RenderSettings) -> None:
    """Raises `SettingsError` where nobody can look on at attention, since it is not torch that computes it."""
    if settings.attention_backend is not None and ATTENTION_BACKENDS[settings.attention_backend] is not None:
        raise SettingsError(
            "nobody can look on at the attention that {backend} computes",
            hint="leave --attention-backend out, or take one of torch's own, such as _native_flash",
            backend=settings.attention_backend,
        )


def check_batch(settings: RenderSettings, family: Family) -> None:
    """Raises `SettingsError` where pairs are to share a batch and the family draws one picture after the other."""
    if settings.pairs_per_batch is not None and family.in_turn is not None:
        raise SettingsError(
            "{title} draws one picture after the other, and no pairs share a batch",
            hint="leave --batch out",
            title=family.title,
        )
