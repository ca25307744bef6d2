"""Memory: the modes in which a model lies in it, and what is given up where it is short."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import torch

from benchmarks.rendering.checks.place import (
    SEED,
    NotFor,
    Place,
    draw,
    limited,
    pixels,
    prompts_for,
    require,
    settings_for,
    timed,
    told,
)
from generate.models import open_model
from generate.render import RenderError
from generate.render.batch import Batch
from generate.render.conditioning import encode_pair
from generate.render.drawing import render_batch
from generate.render.memory import MemoryPlan
from generate.settings import SettingsError
from ideation import TwinseedError


def memory_mode(place: Place, mode: str) -> str:
    """The modes of a model with a transformer, by name or by what it may take."""
    changes = {"width": 512, "height": 512, "num_inference_steps": 4} if place.cuda else {}
    dtype = "bfloat16" if place.cuda else "float32"
    if "whole" not in place.drawn:
        with open_model(str(place.widths()), device=place.device, dtype=dtype) as model:
            place.drawn["whole"] = draw(model, **changes)
    if place.cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        opened = open_model(str(place.widths()), device=place.device, dtype=dtype, memory=mode)
    except SettingsError as refused:
        raise NotFor(str(refused)) from refused
    with opened as model:
        pair = draw(model, memory=mode, **changes)
        again = told(pixels(pair), pixels(draw(model, memory=mode, **changes)))
        seconds = timed(lambda: draw(model, memory=mode, **changes), place.device, 1)
        lies = model.memory_mode
    words = (
        f"{lies}; whole {told(pixels(pair), pixels(place.drawn['whole']))}; again {again}; a pair {seconds:.2f} s; "
        f"{pair.certificate.given_up.get(SEED, ('nothing given up',))}"
    )
    require(again == "bit for bit", words)
    require(lies in ("float8", "8-bit", "4-bit") or pixels(pair) == pixels(place.drawn["whole"]), words)
    return words


def plans(place: Place, name: str) -> str:
    """Each way that takes less memory, one after the other; then the usual one again."""
    model = place.model(name)
    settings = settings_for(model, device=model.device, dtype=model.dtype)
    settings = replace(settings, width=settings.width or 128, height=settings.height or 128)
    usual = pixels(draw(model))
    batch = Batch(model, settings, encode_pair(model, prompts_for(model), settings), (SEED, SEED))
    found = list[str]()
    plan: MemoryPlan | None = MemoryPlan(vae_float32=True)
    while plan is not None:
        rendered, _ = render_batch(batch, plan)
        drawn = [image.tobytes() for image in rendered.images]
        found.append(f"{' + '.join(plan.given_up)}: {told(drawn, usual)}, {rendered.seconds:.2f} s")
        require(rendered.differs == {"prompt"}, found)
        plan = plan.smaller(place.device, in_turn=model.family.in_turn is not None)
    after = told(pixels(draw(model)), usual)
    require(after == "bit for bit", f"after them {after}")
    return f"{'; '.join(found)}; after them {after}"


def short_of_memory(place: Place, name: str) -> str:
    """What is given up where little memory is left, until nothing helps and a hint is given."""
    model = place.model(name)
    size = {"width": 1024, "height": 1024} if name != "seedling" else {"width": 512, "height": 512}
    changes: dict[str, Any] = {**size, "num_inference_steps": 1}
    place.require_cuda()
    usual, found = pixels(draw(model)), list[str]()
    pixels(draw(model, **changes))
    for megabytes in (2000, 300, 150, 75, 30, 2):
        try:
            with limited(place, megabytes * 1_000_000):
                pair = draw(model, **changes)
            found.append(f"{megabytes} MB: {pair.certificate.given_up.get(SEED, ('nothing',))}")
        except RenderError as error:
            found.append(f"{megabytes} MB: {error} ({error.hint})")
    after = told(pixels(draw(model)), usual)
    require(after == "bit for bit", f"after them {after}")
    return f"{'; '.join(found)}; after them {after}"


def too_large(place: Place) -> str:
    """A model that does not fit as a whole, opened without a word about memory."""
    place.require_cuda()
    folder, found = str(place.widths()), list[str]()
    for gigabytes in (3.0, 1.7, 1.2):
        with contextlib.ExitStack() as stack:
            stack.enter_context(limited(place, int(gigabytes * 1e9)))
            try:
                model = stack.enter_context(open_model(folder, device=place.device, dtype="bfloat16"))
                pair = draw(model, width=512, height=512, num_inference_steps=4)
                found.append(f"{gigabytes} GB: {pair.certificate.given_up.get(SEED, ('nothing',))}")
            except TwinseedError as error:
                found.append(f"{gigabytes} GB: {error} ({error.hint})")
    return "; ".join(found)
