"""Arms in turn: each picture by an ordinary call of the pipeline for it alone, from a fresh generator of its seed.

So models with transformers are rendered: in one batch, some of them let one prompt's length move the other's picture,
and none is quicker for it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from typing import Any

import torch
from PIL import Image

from generate.families import InTurn
from generate.models.devices import ran_out_of_memory
from generate.models.weights.weight_file import first_line
from generate.picture import SchedulerUse
from generate.render.batch import Batch, DecoderOverflow, Rendered, RenderError, Step, as_json, ran_over
from generate.render.in_turn.arm_check import ArmCheck
from generate.render.in_turn.backend import attended_by, how_attended
from generate.render.in_turn.carrying import carried_on, how_carried
from generate.render.memory import MemoryPlan
from generate.render.numerics import drawing_in_float32
from generate.render.preview import TurnPreview
from generate.schedulers.table import build_scheduler
from ideation import Clause


def render_in_turn(batch: Batch, plan: MemoryPlan) -> Rendered:
    """The pictures of the batch, one after the other. Raises `RenderError`, `DecoderOverflow`, and what `on_step`
    raises."""
    model, settings = batch.model, batch.settings
    in_turn = model.family.in_turn
    assert in_turn is not None  # noqa: S101 - for the type checker
    preview = TurnPreview(model, settings)
    began = time.perf_counter()
    images: list[Image.Image] = []
    checks: list[ArmCheck] = []
    for place in range(len(batch.seeds)):
        image, check = _draw(batch, in_turn, place, preview)
        images.append(image)
        checks.append(check)
    differs = set[str]().union(*(checks[0].differs_from(check) for check in checks[1:]))
    if any(check.rewritten(words, batch.conditioning.negative, "") for check, words in _read(batch, checks)):
        differs.add("rewritten prompt")
    scheduler = model.pipeline.scheduler
    return Rendered(
        images=tuple(images),
        seconds=time.perf_counter() - began,
        latents_sha256=tuple(check.initial_noise() for check in checks),
        differs=frozenset(differs),
        scheduler=SchedulerUse(type(scheduler).__name__, as_json(dict(scheduler.config))),
        evaluations=sum(check.evaluations for check in checks),
        shape=checks[0].shape,
        given_up=plan.given_up,
        inputs=tuple(check.inputs for check in checks),
        arguments=as_json(
            {
                **_arguments(batch, in_turn),
                **checks[0].guider,
                **how_carried(model, settings),
                **how_attended(settings),
            }
        ),
    )


def _read(batch: Batch, checks: list[ArmCheck]) -> zip[tuple[ArmCheck, str]]:
    return zip(checks, batch.conditioning.texts, strict=True)


def _arguments(batch: Batch, in_turn: InTurn) -> dict[str, Any]:
    """What the pipeline is given for either arm, besides prompts and noise."""
    settings = batch.settings
    length = settings.max_sequence_length
    return {
        **in_turn.arguments,
        **({"max_sequence_length": length} if length is not None else {}),
        **in_turn.of_steps(batch.model.pipeline, settings.num_inference_steps),
        **({batch.model.family.guidance: settings.guidance_scale} if not in_turn.guiders else {}),
        "width": settings.width,
        "height": settings.height,
        "num_inference_steps": settings.num_inference_steps,
    }


def _opaque(image: Image.Image) -> Image.Image:
    """The picture, laid on white where it is transparent."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _words(batch: Batch, in_turn: InTurn, place: int, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments for the words of one picture: themselves, or what lies between them and others."""
    text, ways = batch.conditioning.texts[place], batch.conditioning.ways
    way = ways[place] if ways else None
    if way is None or in_turn.mixed is None:
        return {"prompt": text}
    toward, part = way
    begin, end = (in_turn.mixed(batch.model.pipeline, words, arguments) for words in (text, toward))
    return {name: torch.lerp(begin[name].float(), end[name].float(), part).to(begin[name].dtype) for name in begin}


def _listening(in_turn: InTurn, pipeline: Any, after_step: Callable[..., Any]) -> dict[str, Any]:
    """The arguments by which the pipeline calls `after_step`."""
    if in_turn.tells_latents_alone:
        return {
            "callback": lambda step, timestep, latents: after_step(pipeline, step, timestep, {"latents": latents}),
            "callback_steps": 1,
        }
    return {"callback_on_step_end": after_step, "callback_on_step_end_tensor_inputs": ["latents"]}


@contextmanager
def _guided_by(batch: Batch, in_turn: InTurn) -> Iterator[None]:
    """Inside the block, the parts of the pipeline that hold the guidance are fresh ones with the guidance asked for."""
    pipeline, scale = batch.model.pipeline, batch.settings.guidance_scale
    own = {name: getattr(pipeline, name) for name in in_turn.guiders}
    try:
        for name, guider in own.items():
            if guider is not None:
                fresh = copy(guider)
                setattr(fresh, batch.model.family.guidance, scale)
                if not in_turn.guided(scale):
                    fresh.disable()
                setattr(pipeline, name, fresh)
        yield
    finally:
        for name, guider in own.items():
            setattr(pipeline, name, guider)


@contextmanager
def _noise_of(pipeline: Any) -> Iterator[None]:
    """Inside the block, the pipeline begins with the same noise in every number format, but for rounding. One that has
    no method of its own for that, as ERNIE's, draws it as it does."""
    if not hasattr(type(pipeline), "prepare_latents"):
        yield
        return
    pipeline.prepare_latents = drawing_in_float32(pipeline.prepare_latents)
    try:
        yield
    finally:
        del pipeline.__dict__["prepare_latents"]


def _draw(batch: Batch, in_turn: InTurn, place: int, preview: TurnPreview) -> tuple[Image.Image, ArmCheck]:
    model, settings, seed = batch.model, batch.settings, batch.seeds[place]
    pipeline = model.pipeline
    guided, arguments = in_turn.guided(settings.guidance_scale), _arguments(batch, in_turn)
    scheduler = build_scheduler(settings.scheduler, model.scheduler_config, [seed])
    scheduler.step = drawing_in_float32(scheduler.step)
    pipeline.scheduler = preview.watching(scheduler, place)
    generator = torch.Generator("cpu").manual_seed(seed)
    words = _words(batch, in_turn, place, arguments)
    check = ArmCheck(model.family, guided=guided)

    raised: list[BaseException] = []

    def after_step(running: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        try:
            return watch_step(running, step, timestep, tensors)
        except BaseException as error:  # whoever listens may stop it, for reasons of their own
            raised.append(error)
            raise

    def watch_step(_running: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if not torch.isfinite(tensors["latents"]).all():  # diffusers would decode this into a black picture
            said = Clause("the numbers ran over at step {step} in {dtype}", step=step + 1, dtype=model.dtype)
            raise ran_over(model, said)
        if batch.on_step is not None:
            steps = settings.num_inference_steps
            number = place * steps + step + 1
            batch.on_step(Step(batch.number, batch.batches, number, len(batch.seeds) * steps, preview.pictures))
        return {}

    try:
        with ExitStack() as stack:
            for watcher in batch.watchers:
                stack.enter_context(watcher)
            stack.enter_context(_guided_by(batch, in_turn))
            stack.enter_context(carried_on(model, settings))
            stack.enter_context(attended_by(settings))
            stack.enter_context(_noise_of(pipeline))
            stack.enter_context(check.watching(pipeline))
            # Whoever draws from the generator that all of torch shares draws the same for both arms.
            cuda = [torch.device(model.device).index or 0] if model.device.startswith("cuda") else []
            stack.enter_context(torch.random.fork_rng(devices=cuda))
            torch.manual_seed(seed)
            stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("error", "invalid value encountered in cast", RuntimeWarning)
            warnings.filterwarnings("error", r"(?s).*Try to use VAE tiling", UserWarning)
            result = pipeline(
                **words,
                **(in_turn.negative(pipeline, batch.conditioning.negative, arguments) if guided else {}),
                **arguments,
                generator=generator,
                **_listening(in_turn, pipeline, after_step),
            )
            check.ended(pipeline, generator)
    except RuntimeWarning as warning:
        raise DecoderOverflow from warning
    except UserWarning as warning:  # a pipeline that goes on where the memory for its decoder runs short
        raise (warning.__context__ or warning) from None
    except Exception as error:
        if error in raised or ran_out_of_memory(error):
            raise
        raise RenderError(
            "the pipeline of {model} stopped with {kind}: {error}",
            hint="its parts may not belong together: save or download it again"
            if settings.attention_backend is None
            else "its attention was to be computed by {backend}: leave --attention-backend out",
            backend=settings.attention_backend,
            model=model.name,
            kind=type(error).__name__,
            error=first_line(error),
        ) from error
    return _opaque(result[0][0]), check  # some call them images, some the image
