"""render_pair(): the one way a pair of pictures is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from generate.models.adapters import Adapter, Embedding
from generate.models.opening.model import OpenModel
from generate.models.suitability import check_family
from generate.picture import ARMS, Arm, Certificate, NoiseFloor, Picture, PicturePair
from generate.render.batch import Batch, Rendered, Step
from generate.render.conditioning import Conditioning, encode_pair
from generate.render.drawing import render_batch
from generate.render.libraries import library_versions
from generate.render.memory import MemoryPlan
from generate.render.numerics import numerics_of
from generate.schedulers.table import check_steps
from generate.settings import RenderSettings, SettingsError
from ideation import PromptPair, TwinseedError


class RenderInterrupted(TwinseedError):
    """A render that stopped on the way, for `reason`, when some pairs were `finished` already."""

    def __init__(self, finished: PicturePair, reason: BaseException) -> None:
        done = finished.settings.images
        super().__init__(
            "stopped after {done} pairs: {reason}" if done > 1 else "stopped after {done} pair: {reason}",
            hint=reason.hint if isinstance(reason, TwinseedError) else "what was finished is kept",
            done=done,
            reason=reason if isinstance(reason, TwinseedError) else str(reason) or type(reason).__name__,
        )
        self.finished, self.reason = finished, reason


def resolve_settings(settings: RenderSettings, model: OpenModel) -> RenderSettings:
    """The settings with the model's own size, device and dtype filled in, and whether it is compiled.

    Raises `SettingsError` for a size that the model's latents cannot have, and for more steps than the scheduler takes.
    """
    check_steps(settings.scheduler, settings.num_inference_steps, model.scheduler_config)
    check_family(settings, model.family)
    width, height = model.native_size
    settings = replace(
        settings,
        width=settings.width or width,
        height=settings.height or height,
        device=model.device,
        dtype=model.dtype,
        compiled=model.compiled,
    )
    unit = model.size_unit
    for side, pixels in (("width", settings.width), ("height", settings.height)):
        if pixels is not None and pixels % unit:
            raise SettingsError(
                "{side} is {pixels} pixels; {name} draws in squares of {unit}",
                hint="the nearest that works is {unit_2}",
                side=side,
                pixels=pixels,
                name=model.name,
                unit=unit,
                unit_2=max(unit, round(pixels / unit) * unit),
            )
    sizes = model.family.in_turn.sizes(model.pipeline) if model.family.in_turn is not None else ()
    if sizes and (settings.width, settings.height) not in sizes:
        raise SettingsError(
            "{title} does not draw {width}x{height} pixels",
            hint="these are its sizes: {sizes}",
            title=model.family.title,
            width=settings.width,
            height=settings.height,
            sizes=", ".join(f"{width}x{height}" for width, height in sizes),
        )
    return settings


def render_pair(
    prompts: PromptPair,
    settings: RenderSettings,
    model: OpenModel,
    *,
    noise_floor: bool = False,
    on_step: Callable[[Step], None] | None = None,
    on_pair: Callable[[PicturePair], None] | None = None,
    watchers: Sequence[AbstractContextManager[Any]] = (),
    together: Sequence[int] = (),
) -> PicturePair:
    """Renders `settings.images` seeds, each as one batch of two: the simple and the expanded prompt; or several in one,
    where `settings.pairs_per_batch` says so. Families with a transformer have the two one after the other, each by a
    call of its own.

    Both pictures of a seed get a fresh CPU generator with that seed, so they begin with the same noise and, with
    schedulers that add noise on the way, go on with the same; every other argument is shared by the batch. Equal
    arguments give equal pixels, bit for bit, on the same machine and libraries.

    Where memory runs short, or half precision overflows in the decoder, both pictures are rendered again by a smaller
    plan, and the certificate says what was given up. `noise_floor` renders each simple prompt once more, alone, to tell
    what the shape of a batch does to a picture from what words do.

    `watchers` are entered while the denoiser works on the first seed, to look on. `on_step` hears of every step and may
    raise `RenderCancelled`. `on_pair` is called as soon as the two pictures of a seed are there, with all that are
    finished by then, so that they can be kept whatever happens next; what it raises stops the render as anything else
    does. `together` are the seeds that a single one is to share its batch with, itself among them: so a pair that was
    drawn in company is drawn again, bit for bit, and the others are let go. Raises `SettingsError` or `RenderError`;
    where some pairs were finished by then, `RenderInterrupted` with them, whatever stopped the others.
    """
    settings = resolve_settings(settings, model)
    conditioning = encode_pair(model, prompts, settings)
    made: list[_Seed] = []
    plan = MemoryPlan.first(model)
    try:
        wanted = set(settings.seeds)
        for seeds in [tuple(together)] if together else settings.batches:
            batch = Batch(
                model,
                settings,
                conditioning.rows([0, 1] * len(seeds)) if len(seeds) > 1 else conditioning,
                tuple(seed for seed in seeds for _ in ARMS),
                len(made) + 1,
                settings.images,
                on_step,
                () if made else watchers,
            )
            rendered, plan = render_batch(batch, plan)
            for place, seed in enumerate(seeds):
                if seed in wanted:
                    pair = rendered.pair(place)
                    floor = _noise_floor(batch, seed, pair, plan) if noise_floor else None
                    made.append(_Seed(seed, pair, floor, seeds))
                    if on_pair is not None:
                        on_pair(_pictures(settings, model, conditioning, made))
    except BaseException as stopped:  # whatever it was, hours of finished pairs are not thrown away
        if not made:
            raise
        raise RenderInterrupted(_pictures(settings, model, conditioning, made), stopped) from stopped
    return _pictures(settings, model, conditioning, made)


@dataclass(frozen=True)
class _Seed:
    """The finished pair of one seed, and the seeds of its batch."""

    seed: int
    rendered: Rendered
    noise_floor: NoiseFloor | None
    batch: tuple[int, ...]


def _pictures(settings: RenderSettings, model: OpenModel, conditioning: Conditioning, made: list[_Seed]) -> PicturePair:
    first, loaded = made[0].rendered, _loaded(model)
    differs = frozenset[str]().union(*(pair.rendered.differs for pair in made))
    certificate = Certificate(
        same_seed=differs.isdisjoint({"initial noise", "noise on the way"}),
        differs=tuple(sorted(differs)),
        latents_sha256={pair.seed: dict(zip(ARMS, pair.rendered.latents_sha256, strict=True)) for pair in made},
        scheduler=first.scheduler,
        evaluations=first.evaluations,
        batch_shape=first.shape,
        context=conditioning.lengths,
        adapters={name: one.digest for name, one in loaded.items()},
        makes={name: one.make for name, one in loaded.items()},
        inputs={pair.seed: _by_input(pair.rendered.inputs) for pair in made if len(pair.rendered.inputs) == len(ARMS)},
        arguments=first.arguments,
        batches={pair.seed: pair.batch for pair in made} if settings.pairs_per_batch is not None else {},
        given_up={pair.seed: pair.rendered.given_up for pair in made if pair.rendered.given_up},
        noise_floor={pair.seed: pair.noise_floor for pair in made if pair.noise_floor is not None},
        device=model.device,
        dtype=model.dtype,
        model_digest=model.digest,
        libraries=library_versions()
        | numerics_of(model.device, fast=settings.fast)
        | ({"torch.compile": "inductor"} if model.compiled else {}),
    )
    pictures = tuple(
        Picture(arm, pair.seed, image, pair.rendered.seconds / len(ARMS))
        for pair in made
        for arm, image in zip(ARMS, pair.rendered.images, strict=True)
    )
    return PicturePair(replace(settings, images=len(made)), pictures, certificate)


def _by_input(arms: tuple[dict[str, str], ...]) -> dict[str, dict[Arm, str]]:
    """The hashes of what the denoiser was given, by its name and then by the arm."""
    names = dict.fromkeys(name for inputs in arms for name in inputs)
    return {
        name: {arm: inputs[name] for arm, inputs in zip(ARMS, arms, strict=True) if name in inputs} for name in names
    }


def _noise_floor(batch: Batch, seed: int, pair: Rendered, plan: MemoryPlan) -> NoiseFloor:
    """How far the simple picture moves when it is rendered alone: the same numbers, added up in another order."""
    conditioning = batch.conditioning.rows([0])
    alone, _ = render_batch(replace(batch, conditioning=conditioning, seeds=(seed,), on_step=None, watchers=()), plan)
    apart = [np.asarray(image.convert("RGB"), dtype=np.int16) for image in (pair.images[0], alone.images[0])]
    difference = np.abs(apart[0] - apart[1])
    return NoiseFloor(round(float(difference.mean()) / 255, 6), int(difference.max()))


def _loaded(model: OpenModel) -> dict[str, Adapter | Embedding]:
    """The LoRAs and textual inversions in the model by name. Where one of each has the same name, the inversion's says
    what it is."""
    loras: dict[str, Adapter | Embedding] = {one.name: one for one in model.adapters}
    return loras | {f"{one.name} ({one.make})" if one.name in loras else one.name: one for one in model.embeddings}
