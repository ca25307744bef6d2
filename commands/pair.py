"""`twinseed pair`: the main job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from commands.concepts import concept_of
from commands.console import say
from commands.options import (
    AllowPickle,
    AsJson,
    Aspect,
    ClipSkip,
    Device,
    Dtype,
    Expanded,
    ExpanderName,
    Fast,
    Guidance,
    Images,
    Language,
    Like,
    LLMModel,
    Loras,
    ModelName,
    Negative,
    NoCache,
    NoiseFloor,
    OpenReport,
    OptionalConcept,
    OptionError,
    PerformanceName,
    PresetName,
    ReportLanguage,
    Runs,
    SchedulerName,
    Seed,
    Simple,
    Size,
    Steps,
    StyleNames,
    Template,
    Tokens,
    TokensMode,
    Vae,
    runs_folder,
    seed_of,
)
from commands.running import carry_out
from commands.settings import named_settings, say_negative_parts

if TYPE_CHECKING:
    from generate.settings import RenderSettings
    from ideation.concept import Concept


@dataclass(frozen=True)
class Texts:
    """The texts that were given. A picture that was named lends its own for those that were not."""

    concept: str | None
    simple: str | None
    expanded: str | None
    negative: str | None


def pair(
    concept: OptionalConcept = None,
    seed: Seed = None,
    images: Images = 1,
    model: ModelName = None,
    scheduler: SchedulerName = None,
    steps: Steps = None,
    guidance: Guidance = None,
    size: Size = None,
    aspect: Aspect = None,
    preset: PresetName = None,
    performance: PerformanceName = None,
    like: Like = None,
    style: StyleNames = None,
    negative: Negative = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    template: Template = None,
    tokens: TokensMode = Tokens.fit,
    no_cache: NoCache = False,
    simple: Simple = None,
    expanded: Expanded = None,
    runs: Runs = None,
    clip_skip: ClipSkip = None,
    lora: Loras = None,
    vae: Vae = None,
    fast: Fast = False,
    allow_pickle: AllowPickle = False,
    noise_floor: NoiseFloor = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    language: ReportLanguage = None,
    open_report: OpenReport = False,
    as_json: AsJson = False,
) -> None:
    """The main job: expand a concept, render both prompts from one seed, compare, write the run."""
    from generate.model_names import require_model
    from generate.performance import combined_settings
    from generate.presets import chosen_styles, find_preset
    from generate.settings import RenderSettings

    named = named_settings(
        model=model, scheduler=scheduler, steps=steps, guidance=guidance, size=size, aspect=aspect, tokens=tokens,
        clip_skip=clip_skip, lora=lora, vae=vae, fast=fast,
    )  # fmt: skip
    chosen = find_preset(preset) if preset is not None else None
    styles = chosen_styles(chosen, style or ())
    texts = Texts(concept, simple, expanded, negative)
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
    from compare.job import Job

    job = Job(
        concept=asked,
        settings=settings,
        expander=expander,
        llm_model=llm_model,
        simple=texts.simple,
        expanded=texts.expanded,
        negative=texts.negative,
        preset=chosen.name if chosen is not None else None,
        styles=tuple(one.name for one in styles),
        language=spoken_language(language, asked).value,
        template=template,
        tokens=tokens.value,
        cache=not no_cache,
        noise_floor=noise_floor,
        aspect=aspect,
        allow_pickle=allow_pickle,
    )
    carry_out(job, runs_folder(runs), as_json, open_report)


def spoken_language(given: Language | None, concept: Concept) -> Language:
    """The report's language: the one that was given, else the concept's."""
    return given or (Language.traditional_chinese if concept.language == "zh-TW" else Language.english)


def _like(picture: Path, usual: RenderSettings, texts: Texts) -> tuple[RenderSettings, Texts]:
    """The settings in the picture's file over the usual ones, and its prompts where no others were given."""
    from generate.picture_file import read_picture
    from generate.picture_parameters import render_settings_of

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
