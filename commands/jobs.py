"""The job that options ask for: one place for all commands that render a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.concepts import concept_of
from commands.console import say
from commands.options import Language, OptionError, Tokens, instruments_of, seed_of, spoken_language, text_in
from commands.settings import named_settings, say_negative_parts

if TYPE_CHECKING:
    from compare.session import Job
    from generate.settings import RenderSettings
    from ideation.concept import Concept


@dataclass(frozen=True)
class Texts:
    """The texts that were given. A picture that was named lends its own for those that were not."""

    concept: str | None
    simple: str | None
    expanded: str | None
    negative: str | None


def job_of(
    texts: Texts,
    *,
    seed: str | None = None,
    images: int = 1,
    preset: str | None = None,
    performance: str | None = None,
    like: Path | None = None,
    style: Sequence[str] | None = None,
    expander: str = "auto",
    llm_model: str | None = None,
    template: str | None = None,
    tokens: Tokens = Tokens.fit,
    no_cache: bool = False,
    aspect: str | None = None,
    allow_pickle: bool = False,
    compiled: bool = False,
    noise_floor: bool = False,
    device: str = "auto",
    dtype: str = "auto",
    language: Language | None = None,
    instruments: Sequence[str] | None = None,
    clip: str = "auto",
    observations: Path | None = None,
    look: dict[str, Any] | None = None,
    **named_options: Any,
) -> Job:
    """The job. `named_options` are those of `named_settings`, `look` are fields of the examination. Says the concept
    and the seed on standard error. Raises `TwinseedError` for whatever can be seen to be wrong without torch."""
    from generate.choices.performance import combined_settings
    from generate.choices.presets import chosen_styles, find_preset
    from generate.models import require_model
    from generate.settings import RenderSettings

    named = named_settings(aspect=aspect, tokens=tokens, **named_options)
    wanted, seen = instruments_of(instruments), text_in(observations)
    chosen = find_preset(preset) if preset is not None else None
    styles = chosen_styles(chosen, style or ())
    usual = RenderSettings(seed=seed_of(seed))
    if like is not None:
        if seed is not None:
            named["seed"] = usual.seed
        usual, texts = _like(like, usual, texts)
    settings = replace(
        usual, images=images, device=device, dtype=dtype, **combined_settings(chosen, performance, named)
    )
    require_model(settings.model, allow_pickle=allow_pickle)
    say_negative_parts(texts.negative, chosen, styles)
    asked = _asked(texts, settings)
    say(f"concept: {asked.text}\nseed: {settings.seed}")

    # torch is loaded from here on: what can go wrong without it has gone wrong by now.
    from compare.instruments.examination import Examination
    from compare.session import Job

    return Job(
        concept=asked,
        settings=settings,
        expander=expander,
        llm_model=llm_model,
        simple=texts.simple,
        expanded=texts.expanded,
        negative=texts.negative,
        preset=chosen.name if chosen is not None else None,
        styles=tuple(one.name for one in styles),
        language=spoken_language(language, asked.language).value,
        template=template,
        tokens=tokens.value,
        cache=not no_cache,
        noise_floor=noise_floor,
        aspect=aspect,
        allow_pickle=allow_pickle,
        compiled=compiled,
        examination=Examination(clip=clip, instruments=wanted, describer=expander, llm_model=llm_model, **(look or {})),
        observations=seen,
    )


def _like(picture: Path, usual: RenderSettings, texts: Texts) -> tuple[RenderSettings, Texts]:
    """The settings in the picture's file over the usual ones, and its prompts where no others were given."""
    from generate.files.parameters import render_settings_of
    from generate.files.png import read_picture

    parameters = read_picture(picture)
    settings = render_settings_of(parameters, usual)
    if texts.concept is None and texts.simple is None:
        texts = replace(texts, simple=parameters.prompt)
    if texts.negative is None:
        texts = replace(texts, negative=parameters.negative_prompt)
    for note in parameters.notes:
        say(f"note: {note}")
    return settings, texts


def _asked(texts: Texts, settings: RenderSettings) -> Concept:
    if texts.concept is None and texts.simple is None and texts.expanded is not None:
        raise OptionError("--expanded was given without what it expands", hint="add the concept, or --simple TEXT")
    return concept_of(texts.concept, texts.simple, settings.model, settings.seed)
