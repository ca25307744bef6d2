"""A batch: pictures each with its own prompt and seed, all else shared; and how they go through a U-Net together."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image

from generate.models.opening.model import OpenModel
from generate.picture import SchedulerUse
from generate.render.conditioning import Conditioning
from generate.render.input_check import InputCheck, digest_of
from generate.render.memory import MemoryPlan
from generate.render.preview import Preview
from generate.schedulers.table import build_scheduler
from generate.settings import RenderSettings
from ideation import Clause, TwinseedError


class RenderError(TwinseedError):
    """A render that came to nothing: out of memory, or numbers that are no numbers."""


class RenderCancelled(TwinseedError):
    """Somebody asked to stop."""


@dataclass(frozen=True)
class Step:
    """Progress: pair `pair` of `pairs`, step `number` of `steps`, all counted from 1. `preview` draws both pictures as
    the model expects them at this step; it costs something only when it is called, which must be before the next."""

    pair: int
    pairs: int
    number: int
    steps: int
    preview: Callable[[], list[Image.Image]] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Batch:
    """What is to be rendered: one picture for each row of `conditioning`, from the seed of the same place; the two of a
    pair beside each other. It is batch `number` of `batches`, counted from 1, for whoever listens; `watchers` are
    entered around the denoiser's work, which is not compiled then."""

    model: OpenModel
    settings: RenderSettings
    conditioning: Conditioning
    seeds: tuple[int, ...]
    number: int = 1
    batches: int = 1
    on_step: Callable[[Step], None] | None = None
    watchers: Sequence[AbstractContextManager[Any]] = ()


@dataclass(frozen=True)
class Rendered:
    """The pictures of a batch in its order, with what was seen on the way. `seconds` is the wall time of all of them,
    `differs` names what was not equal among them, `shape` is that of the latents. `inputs` has, for each picture that
    was drawn by itself, the SHA-256 of each tensor that the denoiser was given at its first step; `arguments` are what
    the pipeline was given besides prompts and noise."""

    images: tuple[Image.Image, ...]
    seconds: float
    latents_sha256: tuple[str, ...]
    differs: frozenset[str]
    scheduler: SchedulerUse
    evaluations: int
    shape: tuple[int, ...]
    given_up: tuple[str, ...]
    inputs: tuple[dict[str, str], ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)

    def pair(self, place: int) -> Rendered:
        """The pair at that place of the batch by itself, with its part of the time."""
        two = slice(2 * place, 2 * place + 2)
        return replace(
            self,
            images=self.images[two],
            seconds=self.seconds * 2 / len(self.images),
            latents_sha256=self.latents_sha256[two],
            inputs=self.inputs[two],
        )


def ran_over(model: OpenModel, said: Clause) -> RenderError:
    """The error for numbers that are none, which `said` says. Where weights are none already it names them: that is
    looked up only now, since a look at all of them takes a while."""
    others = [(model.family.denoiser, model.denoiser), ("vae", model.pipeline.vae)]
    encoders = [(part, getattr(model.pipeline, part)) for part, _ in model.family.text_encoders]
    for part, module in (*encoders, *others):
        for name, weight in module.named_parameters() if module is not None else ():
            if not weight.isfinite().all():
                return RenderError(
                    "the weights of the model {model} hold numbers that are none, in {name} of its {part}",
                    hint="download it again, or take another model; if a LoRA is in it, try without",
                    model=model.name,
                    name=name,
                    part=part,
                )
    if model.dtype == "float32":
        return RenderError(said, hint="take a lower guidance, or another scheduler")
    return RenderError(said, hint="render with --dtype float32, or with a lower --guidance")


class DecoderOverflow(Exception):
    """The decoder drew numbers that are no numbers, of which diffusers makes a black picture."""


def render_together(batch: Batch, plan: MemoryPlan) -> Rendered:
    """All pictures of the batch, in one. Raises `RenderError`, `DecoderOverflow`, and what `on_step` raises."""
    model, settings, count = batch.model, batch.settings, len(batch.seeds)
    scheduler = build_scheduler(settings.scheduler, model.scheduler_config, list(batch.seeds))
    generators, latents = _noise(model, settings, batch.seeds)
    check = InputCheck(model.family, count)
    preview = Preview(model, settings.guidance_scale, count)

    def after_step(pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if not torch.isfinite(tensors["latents"]).all():  # diffusers would decode this into a black picture
            said = Clause("the numbers ran over at step {step} in {dtype}", step=step + 1, dtype=model.dtype)
            raise ran_over(model, said)
        if batch.on_step is not None:
            batch.on_step(Step(batch.number, batch.batches, step + 1, pipeline.num_timesteps, preview.pictures))
        return {}

    began = time.perf_counter()
    images = _run(batch, scheduler, generators, latents, after_step, check, preview)
    seconds = time.perf_counter() - began
    # Equal generators that drew equally often end alike; DPM++ SDE has its own seeds instead.
    states = [digest_of(generator.get_state()) for generator in generators]
    own = list(scheduler.config.get("noise_sampler_seed") or ())
    if count > 1 and any(ends[0::2] != ends[1::2] for ends in (states, own)):
        check.differs.add("noise on the way")
    return Rendered(
        images=tuple(images),
        seconds=seconds,
        latents_sha256=tuple(map(digest_of, latents)),
        differs=frozenset(check.differs),
        scheduler=SchedulerUse(type(scheduler).__name__, as_json(dict(scheduler.config))),
        evaluations=check.evaluations,
        shape=tuple(latents.shape),
        given_up=plan.given_up,
    )


def _noise(
    model: OpenModel, settings: RenderSettings, seeds: Sequence[int]
) -> tuple[list[torch.Generator], torch.Tensor]:
    """One fresh generator per picture and the initial latents that each has drawn, (pictures, channels, height, width).

    Drawn in float32 and then cast, one picture at a time, as diffusers does it: the noise is the same on every device.
    """
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    unit = model.size_unit
    shape = (1, model.denoiser.config.in_channels, (settings.height or 0) // unit, (settings.width or 0) // unit)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float32) for generator in generators]
    return generators, torch.cat(drawn).to(model.device, model.denoiser.dtype)


def _run(
    batch: Batch,
    scheduler: Any,
    generators: list[torch.Generator],
    latents: torch.Tensor,
    after_step: Callable[..., dict[str, Any]],
    check: InputCheck,
    preview: Preview,
) -> list[Image.Image]:
    pipeline, settings = batch.model.pipeline, batch.settings
    pipeline.scheduler = scheduler
    hooks = [
        batch.model.denoiser.register_forward_pre_hook(check.watch, with_kwargs=True),
        batch.model.denoiser.register_forward_hook(preview.watch, with_kwargs=True),
    ]
    try:
        with ExitStack() as stack:
            if batch.watchers and batch.model.compiled:  # what is compiled has no layers that could be watched
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            for watcher in batch.watchers:
                stack.enter_context(watcher)
            stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module="torchsde")  # complains of its own rounding, in the seventh digit
            warnings.filterwarnings("error", "invalid value encountered in cast", RuntimeWarning)
            result = pipeline(
                **{name: value[: len(latents)] for name, value in batch.conditioning.arguments.items()},
                **{batch.model.family.guidance: settings.guidance_scale},
                width=settings.width,
                height=settings.height,
                num_inference_steps=settings.num_inference_steps,
                generator=generators,
                latents=latents,
                callback_on_step_end=after_step,
                callback_on_step_end_tensor_inputs=["latents"],
            )
    except RuntimeWarning as warning:
        raise DecoderOverflow from warning
    finally:
        for hook in hooks:
            hook.remove()
    if any(getattr(result, "nsfw_content_detected", None) or ()):
        raise RenderError(
            "the model's own safety checker took a picture for indecent and blackened it",
            hint="take another --seed, or other words",
        )
    return list(result.images)


def as_json(value: Any) -> Any:
    """A scheduler's configuration as JSON has it: diffusers keeps tuples, arrays and -inf in there."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return float(value) if math.isfinite(value) else str(float(value))
        case dict():
            # A list that diffusers makes of a set: in the order of nothing but this process.
            unsorted = value.get("_use_default_values")
            entries = {**value, "_use_default_values": sorted(unsorted)} if unsorted else value
            return {str(name): as_json(entry) for name, entry in entries.items()}
        case list() | tuple():
            return [as_json(entry) for entry in value]
        case _:
            return as_json(value.tolist()) if hasattr(value, "tolist") else str(value)
