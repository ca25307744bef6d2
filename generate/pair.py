"""render_pair(): the one way a pair of pictures is made."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from generate.adapters import loaded_adapters
from generate.certificate import ARMS, Certificate, NoiseFloor, Witness, digest_of, library_versions
from generate.conditioning import Conditioning, encode_pair
from generate.embeddings import loaded_embeddings
from generate.means import Means, applied
from generate.models import OpenModel
from generate.preview import Preview
from generate.schedulers import build_scheduler, check_steps
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
        done = finished.settings.images
        super().__init__(
            f"stopped after {done} pair{'s' if done > 1 else ''}: {str(reason) or type(reason).__name__}",
            hint=reason.hint if isinstance(reason, TwinseedError) else "what was finished is kept",
        )
        self.finished, self.reason = finished, reason


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

    Raises `SettingsError` for a size that the model's latents cannot have, and for more steps than the scheduler takes.
    """
    check_steps(settings.scheduler, settings.num_inference_steps, model.scheduler_config)
    width, height = model.native_size
    settings = replace(
        settings,
        width=settings.width or width,
        height=settings.height or height,
        device=model.device,
        dtype=model.dtype,
    )
    unit = model.size_unit
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
    noise_floor: bool = False,
    on_step: Callable[[Step], None] | None = None,
) -> PicturePair:
    """Renders `settings.images` seeds, each as one batch of two: the simple and the expanded prompt.

    Both pictures of a seed get a fresh CPU generator with that seed, so they begin with the same noise and, with
    schedulers that add noise on the way, go on with the same; every other argument is shared by the batch. Equal
    arguments give equal pixels, bit for bit, on the same machine and libraries.

    Where memory runs short, or half precision overflows in the decoder, both pictures are rendered again by smaller
    means, and the certificate says which. `noise_floor` renders each simple prompt once more, alone, to tell what the
    shape of a batch does to a picture from what words do.

    `on_step` hears of every step and may raise `RenderCancelled`. Raises `SettingsError` or `RenderError`; where some
    pairs were finished by then, `RenderInterrupted` with them, whatever stopped the others.
    """
    settings = resolve_settings(settings, model)
    conditioning = encode_pair(model, prompts, settings)
    made: list[_Seed] = []
    means = Means()
    try:
        for number, seed in enumerate(settings.seeds, start=1):
            work = _Work(model, settings, conditioning, seed, number, on_step)
            pair, means = _render_seed(work, means)
            made.append(replace(pair, noise_floor=_noise_floor(work, pair, means)) if noise_floor else pair)
    except BaseException as stopped:  # whatever it was, hours of finished pairs are not thrown away
        if not made:
            raise
        raise RenderInterrupted(_pictures(settings, model, made), stopped) from stopped
    return _pictures(settings, model, made)


@dataclass(frozen=True)
class _Work:
    """What it takes to render one seed."""

    model: OpenModel
    settings: RenderSettings
    conditioning: Conditioning
    seed: int
    number: int
    on_step: Callable[[Step], None] | None


@dataclass(frozen=True)
class _Seed:
    """The finished pair of one seed, and what was seen while it was made."""

    seed: int
    renders: tuple[Render, ...]
    latents_sha256: dict[str, str]
    differs: set[str]
    scheduler: dict[str, Any]
    evaluations: int
    batch_shape: tuple[int, ...]
    context: dict[str, int]
    given_up: tuple[str, ...]
    noise_floor: NoiseFloor | None = None


def _pictures(settings: RenderSettings, model: OpenModel, made: list[_Seed]) -> PicturePair:
    differs = set[str]().union(*(pair.differs for pair in made))
    certificate = Certificate(
        same_seed=differs.isdisjoint({"initial noise", "noise on the way"}),
        differs=tuple(sorted(differs)),
        latents_sha256={pair.seed: pair.latents_sha256 for pair in made},
        scheduler=made[0].scheduler,
        unet_evaluations=made[0].evaluations,
        batch_shape=made[0].batch_shape,
        context=made[0].context,
        adapters={one.name: one.digest for one in loaded_adapters(model)}
        | {one.name: one.digest for one in loaded_embeddings(model)},
        given_up={pair.seed: pair.given_up for pair in made if pair.given_up},
        noise_floor={pair.seed: pair.noise_floor for pair in made if pair.noise_floor is not None},
        device=model.device,
        dtype=model.dtype,
        model_digest=model.digest,
        libraries=library_versions(),
    )
    renders = tuple(render for pair in made for render in pair.renders)
    return PicturePair(replace(settings, images=len(made)), renders, certificate)


def _render_seed(work: _Work, means: Means) -> tuple[_Seed, Means]:
    """The pair of one seed by `means`, or by the first smaller ones that do, which are returned with it."""
    while True:
        try:
            with applied(means, work.model):
                return _render_arms(work, ARMS, means), means
        except _DecoderOverflow as overflow:
            if means.vae_float32:
                raise RenderError(
                    f"the decoder's numbers run over in {work.model.dtype}, and in float32 too",
                    hint="render with --dtype float32, or with a lower --guidance",
                ) from overflow
            means = replace(means, vae_float32=True)
        except RuntimeError as error:
            smaller = means.smaller(work.model) if _out_of_memory(error) else None
            if smaller is None:
                if not _out_of_memory(error):
                    raise
                raise RenderError(
                    f"{work.settings.width}x{work.settings.height} pixels do not fit into the memory of "
                    f"{work.model.device}, not even one at a time",
                    hint="take a smaller --size, or --device cpu",
                ) from error
            means = smaller
        gc.collect()
        if work.model.device.startswith("cuda"):
            torch.cuda.empty_cache()


def _noise_floor(work: _Work, pair: _Seed, means: Means) -> NoiseFloor:
    """How far the simple picture moves when it is rendered alone: the same numbers, added up in another order."""
    with applied(means, work.model):
        alone = _render_arms(replace(work, on_step=None), ARMS[:1], means).renders[0].image
    beside = pair.renders[0].image
    apart = [np.asarray(image.convert("RGB"), dtype=np.int16) for image in (beside, alone)]
    difference = np.abs(apart[0] - apart[1])
    return NoiseFloor(round(float(difference.mean()) / 255, 6), int(difference.max()))


def _out_of_memory(error: RuntimeError) -> bool:
    """CUDA has a class for it, the CPU and MPS have only words."""
    return any(words in str(error) for words in ("out of memory", "can't allocate memory"))


class _DecoderOverflow(Exception):
    """The decoder drew numbers that are no numbers, of which diffusers makes a black picture."""


def _render_arms(work: _Work, arms: Sequence[str], means: Means) -> _Seed:
    model, settings, seed = work.model, work.settings, work.seed
    scheduler = build_scheduler(settings.scheduler, model.scheduler_config, [seed] * len(arms))
    generators, latents = _noise(model, settings, seed, len(arms))
    witness = Witness(len(arms))
    preview = Preview(model, settings.guidance_scale, len(arms))

    def after_step(pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if not torch.isfinite(tensors["latents"]).all():  # diffusers would decode this into a black picture
            raise RenderError(
                f"the numbers ran over at step {step + 1} in {model.dtype}",
                hint="render with --dtype float32, or with a lower --guidance",
            )
        if work.on_step is not None:
            work.on_step(Step(work.number, settings.images, step + 1, pipeline.num_timesteps, preview.pictures))
        return {}

    began = time.perf_counter()
    images = _run(work, scheduler, generators, latents, after_step, witness, preview)
    seconds = (time.perf_counter() - began) / len(arms)
    # Equal generators that drew equally often end alike; DPM++ SDE has its own seeds instead.
    states = {digest_of(generator.get_state()) for generator in generators}
    if len(states) > 1 or len(set(scheduler.config.get("noise_sampler_seed") or ())) > 1:
        witness.differs.add("noise on the way")
    return _Seed(
        seed=seed,
        renders=tuple(Render(arm, seed, image, seconds) for arm, image in zip(arms, images, strict=True)),
        latents_sha256={arm: digest_of(one) for arm, one in zip(arms, latents, strict=True)},
        differs=witness.differs,
        scheduler={"class_name": type(scheduler).__name__, "config": dict(scheduler.config)},
        evaluations=witness.evaluations,
        batch_shape=tuple(latents.shape),
        context=work.conditioning.lengths,
        given_up=means.given_up,
    )


def _noise(
    model: OpenModel, settings: RenderSettings, seed: int, count: int
) -> tuple[list[torch.Generator], torch.Tensor]:
    """One fresh generator per arm and the initial latents that each has drawn, (arms, channels, height, width).

    Drawn in float32 and then cast, one picture at a time, as diffusers does it: the noise is the same on every device.
    """
    generators = [torch.Generator("cpu").manual_seed(seed) for _ in range(count)]
    unit = model.size_unit
    shape = (1, model.pipeline.unet.config.in_channels, (settings.height or 0) // unit, (settings.width or 0) // unit)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float32) for generator in generators]
    return generators, torch.cat(drawn).to(model.device, model.pipeline.unet.dtype)


def _run(
    work: _Work,
    scheduler: Any,
    generators: list[torch.Generator],
    latents: torch.Tensor,
    after_step: Callable[..., dict[str, Any]],
    witness: Witness,
    preview: Preview,
) -> list[Image.Image]:
    pipeline, settings = work.model.pipeline, work.settings
    pipeline.scheduler = scheduler
    hooks = [
        pipeline.unet.register_forward_pre_hook(witness.watch, with_kwargs=True),
        pipeline.unet.register_forward_hook(preview.watch, with_kwargs=True),
    ]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="torchsde")  # complains of its own rounding, in the seventh digit
            warnings.filterwarnings("error", "invalid value encountered in cast", RuntimeWarning)
            result = pipeline(
                **{name: value[: len(latents)] for name, value in work.conditioning.arguments.items()},
                width=settings.width,
                height=settings.height,
                num_inference_steps=settings.num_inference_steps,
                guidance_scale=settings.guidance_scale,
                generator=generators,
                latents=latents,
                callback_on_step_end=after_step,
                callback_on_step_end_tensor_inputs=["latents"],
            )
    except RuntimeWarning as warning:
        raise _DecoderOverflow from warning
    finally:
        for hook in hooks:
            hook.remove()
    if any(getattr(result, "nsfw_content_detected", None) or ()):
        raise RenderError(
            "the model's own safety checker took a picture for indecent and blackened it",
            hint="take another --seed, or other words",
        )
    return list(result.images)
