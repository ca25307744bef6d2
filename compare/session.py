"""A job: what somebody asked for, and the way from there to a finished run. The command line and the page call it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from compare.instruments.context import Bench
from compare.instruments.examination import Examination, ExaminationStopped, examine, open_scorer
from compare.instruments.results import Findings
from compare.report.html import Language
from compare.runs.draft import drift_from
from compare.runs.gallery import Gallery
from compare.runs.run import Run
from generate.choices.presets import Preset, find_preset, preset_adapters, with_preset
from generate.choices.sizes import match_aspect_ratio
from generate.choices.styles import StyledPrompts, apply_styles, find_style
from generate.files.parameters import LoraUse
from generate.files.png import texts_of_pairs
from generate.models import OpenModel, embedding_vectors, embeddings_in, open_model
from generate.picture import PicturePair
from generate.render.batch import Step
from generate.render.pair import RenderInterrupted, render_pair, resolve_settings
from generate.settings import RenderSettings, SettingsError
from ideation.concept import Concept
from ideation.expanders import choose_expander
from ideation.expanders.cache import ExpansionCache, cache_folder
from ideation.expanders.llm.instruction import checked_template
from ideation.expansion import TokenMode, expand, given_pair, require_prompt
from ideation.prompt_pair import PromptPair
from ideation.prompt_syntax import AdapterMention, parse_prompt
from ideation.token_budget import TokenBudget
from ideation.vocabulary import Vocabulary, seedling_vocabulary


@dataclass(frozen=True)
class Job:
    """One pair, or several seeds of it. `simple` and `expanded` are prompts to take as they are; `negative`, where it
    is not None, takes the place of the expander's; what the styles add to it stays. `language` is the report's.
    `template` names what an LLM is told; `cache` False asks it even what it has answered before. `noise_floor` renders
    each simple prompt once more, alone. `aspect` is a ratio such as "16:9", for a size that the model is good at;
    `draft` the name of a run that this one refines. `styles` holds the preset's as well. `compiled` has torch compile
    the U-Net first. `examination` says what is to be found out about the pictures, `observations` what somebody sees in
    them, in their own words."""

    concept: Concept
    settings: RenderSettings
    expander: str = "auto"
    llm_model: str | None = None
    simple: str | None = None
    expanded: str | None = None
    negative: str | None = None
    preset: str | None = None
    styles: tuple[str, ...] = ()
    language: Language = "en"
    template: str | None = None
    tokens: TokenMode = "fit"
    cache: bool = True
    noise_floor: bool = False
    aspect: str | None = None
    draft: str | None = None
    allow_pickle: bool = False
    compiled: bool = False
    examination: Examination = field(default_factory=Examination)
    observations: str | None = None


@dataclass(frozen=True)
class Progress:
    """`stage` is "open", "expand", "render", "look" or "write"; `detail` says of what, or names the instrument; `step`
    counts while pictures are rendered."""

    stage: str
    detail: str = ""
    step: Step | None = None


class JobStopped(Exception):
    """A job that ended early, for `reason`; the pairs and findings that were finished are in `folder`."""

    def __init__(self, folder: Path, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.folder, self.reason = folder, reason


def run_job(
    job: Job,
    gallery: Gallery,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    open_model: Callable[..., OpenModel] = open_model,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """Does the job and returns the run's folder. `on_progress` may raise `RenderCancelled` while rendering.

    Whatever can fail cheaply is tried first: names, the runs folder, the model; then the expander is asked, once; then
    the pictures are rendered. Raises `TwinseedError`, or `JobStopped` where some pairs were finished and saved.
    """
    styles = [find_style(name) for name in job.styles]
    preset = find_preset(job.preset) if job.preset is not None else None
    if job.negative is not None:
        require_prompt("negative", job.negative, may_be_empty=True)
    expander = None
    if job.simple is None or job.expanded is None:
        cache = ExpansionCache(cache_folder()) if job.cache else None
        expander = choose_expander(job.expander, llm_model=job.llm_model, environ=environ, cache=cache)
    template = checked_template(job.template) if job.template is not None else None
    gallery.require_writable()
    on_progress(Progress("open", job.settings.model))
    settings = job.settings
    model = open_model(
        settings.model,
        device=settings.device,
        dtype=settings.dtype,
        vae=settings.vae,
        fast=settings.fast,
        allow_pickle=job.allow_pickle,
        compiled=job.compiled,
    )
    notes: tuple[str, ...] = ()
    if job.aspect is not None:
        found = match_aspect_ratio(job.aspect, model.native_size, unit=model.size_unit)
        settings = replace(settings, width=found.width, height=found.height)
        notes = (found.note,) if found.note else ()
    settings = resolve_settings(settings, model)

    budget = TokenBudget(
        model.tokenizer_file,
        model.token_limit,
        chunked=settings.long_prompts == "chunk",
        vectors=embedding_vectors(),
    )
    if expander is None:
        prompts = given_pair(job.concept.text, job.simple or "", job.expanded or "", "", budget)
    else:
        on_progress(Progress("expand", expander.name))
        prompts = expand(
            job.concept,
            expander,
            budget,
            seed=settings.seed,
            vocabulary=vocabulary_of(settings.model),
            simple=job.simple,
            expanded=job.expanded,
            template=template,
            tokens=job.tokens,
        )
    if job.negative is not None:
        prompts = replace(prompts, negative=job.negative)
    worded = apply_styles(styles, prompts.simple, prompts.expanded, with_preset(prompts.negative, preset))
    prompts = _reworded(prompts, budget, worded)
    prompts = replace(prompts, warnings=prompts.warnings + notes)
    settings = replace(settings, adapters=_adapters(settings.adapters, preset, prompts))
    model.load(
        [(one.name, one.text_encoder, one.unet) for one in settings.adapters],
        embeddings_in(prompts.simple, prompts.expanded, prompts.negative),
        allow_pickle=job.allow_pickle,
    )
    loras = tuple(LoraUse(one.name, one.unet_weight, one.digest) for one in model.adapters)

    def write(pictures: PicturePair, findings: Findings | None, files: Mapping[str, bytes]) -> Path:
        on_progress(Progress("write"))
        run = Run(
            job.concept,
            prompts,
            pictures.settings,
            pictures.pictures,
            pictures.certificate,
            preset=job.preset,
            styles=tuple(style.name for style in styles),
            draft=drift_from(gallery, job.draft, pictures.pictures) if job.draft is not None else None,
            png_text=texts_of_pairs(
                prompts, pictures.settings, pictures.pictures, pictures.certificate.model_digest, loras
            ),
            findings=findings,
            files=files,
            observations=job.observations,
        )
        return gallery.write(run, job.language)

    def on_step(step: Step) -> None:
        on_progress(Progress("render", step=step))

    try:
        pictures = render_pair(prompts, settings, model, noise_floor=job.noise_floor, on_step=on_step)
    except RenderInterrupted as stopped:
        raise JobStopped(write(stopped.finished, None, {}), stopped.reason) from stopped
    clip, notes = open_scorer(job.examination, model)
    bench = Bench(
        prompts, pictures.settings, model, {(one.arm, one.seed): one.image for one in pictures.pictures}, clip
    )
    try:
        findings = look(bench, job.examination, on_progress, notes=notes)
    except ExaminationStopped as stopped:
        raise JobStopped(write(pictures, stopped.findings, bench.files), stopped.reason) from stopped
    return write(pictures, findings, bench.files)


def look(
    bench: Bench,
    wanted: Examination,
    on_progress: Callable[[Progress], None],
    *,
    before: Findings | None = None,
    notes: tuple[str, ...] = (),
) -> Findings:
    """The examination, with its progress told. Raises `ExaminationStopped`."""
    at_work = ""

    def on_instrument(name: str) -> None:
        nonlocal at_work
        at_work = name
        on_progress(Progress("look", name))

    bench.on_step = lambda step: on_progress(Progress("look", at_work, step))
    return examine(bench, wanted, before=before, notes=notes, on_instrument=on_instrument)


def _adapters(
    named: Sequence[AdapterMention], preset: Preset | None, prompts: PromptPair
) -> tuple[AdapterMention, ...]:
    """All LoRAs that are asked for: by option, by the preset, and in either prompt. Both arms are drawn with all.

    Raises `SettingsError` where one is asked for with two weights.
    """
    mentioned = [
        mention
        for prompt in (prompts.simple, prompts.expanded, prompts.negative)
        for mention in parse_prompt(prompt).adapters
    ]
    found = tuple(dict.fromkeys([*named, *preset_adapters(preset), *mentioned]))
    twice = {one.name for one in found if sum(other.name == one.name for other in found) > 1}
    if twice:
        raise SettingsError(
            f"the LoRA {min(twice)} is asked for with two weights",
            hint="both pictures are drawn with the same LoRAs: give one weight, in either prompt or with --lora",
        )
    return found


def vocabulary_of(model: str) -> Vocabulary | None:
    """The words that the model knows, where that is known: only the embedded one has a list."""
    return seedling_vocabulary() if model == "seedling" else None


def _reworded(prompts: PromptPair, budget: TokenBudget, worded: StyledPrompts) -> PromptPair:
    tokens = budget.measure(worded.simple, worded.expanded)
    warnings = prompts.warnings
    if tokens.dropped and not prompts.tokens.dropped:
        warnings += (f"with the style, these words fall off the encoder's end: {', '.join(tokens.dropped)}",)
    return replace(
        prompts,
        simple=worded.simple,
        expanded=worded.expanded,
        negative=worded.negative,
        tokens=tokens,
        warnings=warnings,
    )
