"""Pairs on the card: fair, the same twice, as on the CPU, with every family and scheduler, and in another process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import torch

from benchmarks.rendering.checks.place import (
    EXPANDED,
    NEGATIVE,
    SEED,
    SHORT,
    SIMPLE,
    NotFor,
    Pixels,
    Place,
    apart,
    draw,
    pixels,
    prompts_for,
    require,
    settings_for,
    timed,
    told,
)
from generate.models import OpenModel
from generate.render import Step
from generate.schedulers.table import build_scheduler


def seedling(place: Place, dtype: str) -> str:
    """The pair: fair, the same twice, each arm as it is alone, and as on the CPU."""
    model = place.model(dtype=dtype)
    pair = draw(model, images=2)
    place.drawn[dtype] = pair
    again = told(pixels(pair), pixels(draw(model, images=2)))
    alone = told(pixels(pair)[:2], two_calls(model))
    cpu = told(pixels(pair), pixels(draw(place.model(device="cpu"), images=2)))
    seconds = timed(lambda: draw(model), place.device)
    words = f"again {again}; each alone {alone}; CPU in float32 {cpu}; a pair {seconds:.2f} s"
    require(again == "bit for bit", words)
    return words


def two_calls(model: OpenModel) -> Pixels:
    """Both arms as two ordinary calls of the pipeline draw them, from the noise in float32: in half precision it is
    another one with some versions of torch."""
    settings, made, dtype = settings_for(model), [], model.denoiser.dtype
    side = model.denoiser.config.sample_size
    shape = (1, model.denoiser.config.in_channels, side, side)
    for prompt in (SIMPLE, EXPANDED):
        model.pipeline.scheduler = build_scheduler(settings.scheduler, model.scheduler_config, [SEED])
        image = model.pipeline(
            prompt,
            negative_prompt=NEGATIVE,
            num_inference_steps=settings.num_inference_steps,
            latents=torch.randn(shape, generator=torch.Generator("cpu").manual_seed(SEED)).to(
                model.denoiser.device, dtype
            ),
            **{model.family.guidance: settings.guidance_scale},
        ).images[0]
        made.append(image.tobytes())
    return made


def rounding(place: Place) -> str:
    """What TF32 and cuDNN's choice of kernels change, and cost."""
    place.require_cuda()
    model = place.model()
    usual, cpu = draw(model), pixels(draw(place.model(device="cpu")))
    seconds = timed(lambda: draw(model), place.device)
    found = [f"as it is: CPU {told(pixels(usual), cpu)}, {seconds:.2f} s"]
    rounded = pixels(draw(model, fast=True))
    seconds = timed(lambda: draw(model, fast=True), place.device)
    found.append(f"TF32: CPU {told(rounded, cpu)}, as it is {told(rounded, pixels(usual))}, {seconds:.2f} s")
    left = f"left behind: TF32 {torch.backends.cudnn.allow_tf32}, deterministic {torch.backends.cudnn.deterministic}"
    return f"{'; '.join(found)}; {left}; the certificate says {usual.certificate.libraries}"


def scheduler(place: Place, name: str) -> str:
    changes: dict[str, Any] = {"scheduler": name, "num_inference_steps": 8}
    on_card, on_cpu = (draw(place.model(device=device), **changes) for device in (place.device, "cpu"))
    again = told(pixels(on_card), pixels(draw(place.model(), **changes)))
    latents = on_card.certificate.latents_sha256 == on_cpu.certificate.latents_sha256
    words = f"again {again}; CPU {told(pixels(on_card), pixels(on_cpu))}; initial noise {'' if latents else 'un'}equal"
    require(again == "bit for bit", words)
    require(latents, words)
    return words


def family(place: Place, name: str) -> str:
    model, seen = place.model(name), list[int]()
    prompts = prompts_for(model)

    def look(step: Step) -> None:
        if step.number in (1, step.steps):
            seen.append(len(step.preview()))

    pair = draw(model, on_step=look)
    again = told(pixels(pair), pixels(draw(model)))
    other = draw(model, replace(prompts, expanded=f"{SHORT} near the ancient lighthouse"))
    cpu = draw(place.model(name, device="cpu"))
    half = place.model(name, "auto")
    halved = draw(half)
    words = (
        f"again {again}; beside a shorter partner {told(pixels(pair)[:1], pixels(other)[:1])}; "
        f"CPU {told(pixels(pair), pixels(cpu))}; {half.dtype} {told(pixels(pair), pixels(halved))}; previews {seen}"
    )
    require(again == "bit for bit", words)
    require(pixels(pair)[0] == pixels(other)[0], words)
    require(seen == [1, 2], words)
    require(pair.certificate.latents_sha256 == cpu.certificate.latents_sha256, words)
    return words


def previews(place: Place) -> str:
    """What is shown on the way, beside what it becomes."""
    model, seen = place.model(), list[Pixels]()
    pair = draw(model, on_step=lambda step: seen.append([image.tobytes() for image in step.preview()]))
    gaps = [apart(shown, pixels(pair))[1] for shown in seen]
    require(gaps[-1] < gaps[0], f"they do not come nearer: {gaps}")
    return f"{len(seen)}, from {gaps[0]:.1f} to {gaps[-1]:.1f} of 255 on average from the picture"


def elsewhere(place: Place) -> str:
    """The same pairs drawn by another process: begun at the start, and told at the end."""
    if place.elsewhere is None:
        raise NotFor("no other process was begun")
    out, _ = place.elsewhere.communicate(timeout=300)
    require(place.elsewhere.returncode == 0, "the other process failed")
    theirs = json.loads(out.strip().splitlines()[-1])
    mine = {dtype: hashes(place, dtype) for dtype in theirs}
    require(mine == theirs, f"they differ in {[dtype for dtype in theirs if mine[dtype] != theirs[dtype]]}")
    return f"{', '.join(theirs)}: bit for bit"


def hashes(place: Place, dtype: str) -> list[str]:
    pair = place.drawn.get(dtype) or draw(place.model(dtype=dtype), images=2)
    return [hashlib.sha256(one).hexdigest() for one in pixels(pair)]
