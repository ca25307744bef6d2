"""render_pair(): the one way a pair of pictures is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image

from generate.certificate import ARMS, Certificate, Witness, digest_of, library_versions
from generate.models import OpenModel
from generate.schedulers import build_scheduler
from generate.settings import RenderSettings, SettingsError
from ideation.errors import TwinseedError
from ideation.prompt_pair import PromptPair


class RenderError(TwinseedError):
    """A render that came to nothing: out of memory, or numbers that are no numbers."""


class RenderCancelled(TwinseedError):
    """Somebody asked to stop."""


class RenderInterrupted(TwinseedError):
    """A render that stopped on the way, for `reason`, when some pairs were `finished` already."""

    def __init__(self, finished: PicturePair, reason: BaseException) -> None:
        pairs = f"{finished.settings.images} of the pairs"
        super().__init__(
            f"stopped after {pairs}: {reason or type(reason).__name__}",
            hint=reason.hint if isinstance(reason, TwinseedError) else "what was finished is kept",
        )
        self.finished, self.reason = finished, reason


@dataclass(frozen=True)
class Step:
    """Progress: pair `pair` of `pairs`, step `number` of `steps`, all counted from 1."""

    pair: int
    pairs: int
    number: int
    steps: int


@dataclass(frozen=True)
class Render:
    """One picture; `arm` is "simple" or "expanded", `seconds` its half of the pair's wall time."""

    arm: str
    seed: int
    image: Image.Image
    seconds: float


@dataclass(frozen=True)
class PicturePair:
    """All pictures of one run, seed by seed, simple before expanded; `settings` with nothing left open."""

    settings: RenderSettings
    renders: tuple[Render, ...]
    certificate: Certificate


def resolve_settings(settings: RenderSettings, model: OpenModel) -> RenderSettings:
    """The settings with the model's own size, device and dtype filled in.

    Raises `SettingsError` for a size that the model's latents cannot have.
    """
    width, height = model.native_size
    settings = replace(
        settings, width=settings.width or width, height=settings.height or height, device=model.device, dtype=model.dtype
    )
    unit = model.pipeline.vae_scale_factor
    for side, pixels in (("width", settings.width), ("height", settings.height)):
        if pixels is not None and pixels % unit:
            raise SettingsError(
                f"{side} is {pixels} pixels; {model.name} draws in squares of {unit}",
                hint=f"the nearest that works is {max(unit, round(pixels / unit) * unit)}",
            )
    return settings


def render_pair(
    prompts: PromptPair,
    settings: RenderSettings,
    model: OpenModel,
    *,
    on_step: Callable[[Step], None] | None = None,
    on_pair: Callable[[Render, Render], None] | None = None,
) -> PicturePair:
    """Renders `settings.images` seeds, each as one batch of two: the simple and the expanded prompt.

    Both pictures of a seed get a fresh CPU generator with that seed, so they begin with the same noise and, with
    schedulers that add noise on the way, go on with the same; every other argument is shared by the batch. Equal
    arguments give equal pixels, bit for bit, on the same machine and libraries.

    `on_step` hears of every step and may raise `RenderCancelled`; `on_pair` gets each pair as soon as it is done.
    Raises `SettingsError`, `RenderError`, or, where some pairs were finished by then, `RenderInterrupted` with them.
    """
    settings = resolve_settings(settings, model)
    made = _Made(settings, model)
    try:
        for number, seed in enumerate(settings.seeds, start=1):
            pair = _render_seed(prompts, settings, model, made, number, seed, on_step)
            if on_pair is not None:
                on_pair(*pair)
    except (KeyboardInterrupt, TwinseedError) as stopped:
        if not made.renders:
            raise
        raise RenderInterrupted(made.pictures(), stopped) from stopped
    return made.pictures()


@dataclass
class _Made:
    """What is finished so far, and what was seen while it was made."""

    settings: RenderSettings
    model: OpenModel
    renders: list[Render] = field(default_factory=list)
    latents_sha256: dict[int, dict[str, str]] = field(default_factory=dict)
    differs: set[str] = field(default_factory=set)
    scheduler: dict[str, Any] = field(default_factory=dict)
    evaluations: int = 0
    batch_shape: tuple[int, ...] = ()

    def pictures(self) -> PicturePair:
        equal_noise = all(hashes["simple"] == hashes["expanded"] for hashes in self.latents_sha256.values())
        certificate = Certificate(
            same_seed=equal_noise and "initial noise" not in self.differs,
            differs=tuple(sorted(self.differs)),
            latents_sha256=self.latents_sha256,
            scheduler=self.scheduler,
            unet_evaluations=self.evaluations,
            batch_shape=self.batch_shape,
            device=self.model.device,
            dtype=self.model.dtype,
            model_digest=self.model.digest,
            libraries=library_versions(),
        )
        return PicturePair(replace(self.settings, images=len(self.renders) // 2), tuple(self.renders), certificate)


def _render_seed(
    prompts: PromptPair,
    settings: RenderSettings,
    model: OpenModel,
    made: _Made,
    number: int,
    seed: int,
    on_step: Callable[[Step], None] | None,
) -> list[Render]:
    scheduler = build_scheduler(settings.scheduler, model.scheduler_config, [seed, seed])
    generators, latents = _noise(model, settings, seed)

    def after_step(pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if not torch.isfinite(tensors["latents"]).all():  # diffusers would decode this into a black picture
            raise RenderError(
                f"the numbers ran over at step {step + 1} in {model.dtype}",
                hint="render with --dtype float32, or with a lower --guidance",
            )
        if on_step is not None:
            on_step(Step(number, settings.images, step + 1, pipeline.num_timesteps))
        return {}

    witness, began = Witness(), time.perf_counter()
    images = _run(model, prompts, settings, scheduler, generators, latents, after_step, witness)
    seconds = (time.perf_counter() - began) / 2
    pair = [Render(arm, seed, image, seconds) for arm, image in zip(ARMS, images, strict=True)]
    made.renders += pair
    made.latents_sha256[seed] = {arm: digest_of(latents[k]) for k, arm in enumerate(ARMS)}
    made.differs |= witness.differs
    made.scheduler = {"class_name": type(scheduler).__name__, "config": dict(scheduler.config)}
    made.evaluations, made.batch_shape = witness.evaluations, tuple(latents.shape)
    return pair


def _noise(model: OpenModel, settings: RenderSettings, seed: int) -> tuple[list[torch.Generator], torch.Tensor]:
    """One fresh generator per arm and the initial latents that each has drawn, (2, channels, height, width).

    Drawn in float32 and then cast, one picture at a time, as diffusers does it: the noise is the same on every device.
    """
    generators = [torch.Generator("cpu").manual_seed(seed) for _ in ARMS]
    unit = model.pipeline.vae_scale_factor
    shape = (1, model.pipeline.unet.config.in_channels, (settings.height or 0) // unit, (settings.width or 0) // unit)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float32) for generator in generators]
    return generators, torch.cat(drawn).to(model.device, model.pipeline.unet.dtype)


def _run(
    model: OpenModel,
    prompts: PromptPair,
    settings: RenderSettings,
    scheduler: Any,
    generators: list[torch.Generator],
    latents: torch.Tensor,
    after_step: Callable[..., dict[str, Any]],
    witness: Witness,
) -> list[Image.Image]:
    pipeline = model.pipeline
    pipeline.scheduler = scheduler
    hook = pipeline.unet.register_forward_pre_hook(witness.watch, with_kwargs=True)
    try:
        result = pipeline(
            prompt=[prompts.simple, prompts.expanded],
            negative_prompt=[prompts.negative, prompts.negative],
            width=settings.width,
            height=settings.height,
            num_inference_steps=settings.num_inference_steps,
            guidance_scale=settings.guidance_scale,
            generator=generators,
            latents=latents,
            callback_on_step_end=after_step,
            callback_on_step_end_tensor_inputs=["latents"],
        )
    except torch.OutOfMemoryError as error:
        raise RenderError(
            f"{settings.width}x{settings.height} pixels do not fit into the memory of {model.device}",
            hint="take a smaller --size, or --device cpu",
        ) from error
    finally:
        hook.remove()
    return list(result.images)
