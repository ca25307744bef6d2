"""What is looked at in a model, put into it, or done to it: attention, adapters, compiled and fast ways."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from benchmarks.rendering.checks.place import (
    Pixels,
    Place,
    draw,
    pixels,
    prompts_for,
    require,
    settings_for,
    timed,
    told,
)
from generate.models import open_model
from generate.render import attention_recorder, render_pair


def attention(place: Place, name: str) -> str:
    """Looking on changes nothing, and sees what is seen on the CPU."""
    maps, found = [], list[str]()
    for device in (place.device, "cpu"):
        model = place.model(name, device=device)
        settings, prompts = settings_for(model), prompts_for(model)
        usual = pixels(draw(model))
        recorder = attention_recorder(model, (prompts.simple, prompts.expanded), settings)
        watched = pixels(render_pair(prompts, settings, model, watchers=(recorder,)))
        maps.append(recorder.maps[0].shares)
        found.append(told(watched, usual))
    gap = float(np.abs(maps[0] - maps[1]).max())
    words = f"watched {found[0]}; shares within {gap:.6f} of the CPU's"
    require(found == ["bit for bit"] * 2, words)
    require(gap < 0.01, words)
    return words


def carried(place: Place, name: str) -> str:
    """A fast render, that carries attention on."""
    changes: dict[str, Any] = {"num_inference_steps": 12}
    model = place.model(name)
    usual, fast = (draw(model, **changes, fast=fast) for fast in (False, True))
    again = told(pixels(fast), pixels(draw(model, **changes, fast=True)))
    after = told(pixels(usual), pixels(draw(model, **changes)))
    words = f"usual {told(pixels(fast), pixels(usual))}; again {again}; after it the usual {after}"
    require((again, after) == ("bit for bit",) * 2, words)
    require("cache_interval" in fast.certificate.arguments, words)
    return words


def lora(place: Place) -> str:
    model = place.model()
    before = pixels(draw(model))
    model.load([("thermal", 0.7, 0.7)])
    with_it = draw(model)
    on_cpu = place.model(device="cpu")
    on_cpu.load([("thermal", 0.7, 0.7)])
    cpu = told(pixels(with_it), pixels(draw(on_cpu)))
    model.unload()
    on_cpu.unload()
    after = told(pixels(draw(model)), before)
    words = f"{with_it.certificate.makes}, {told(pixels(with_it), before)} from without; CPU {cpu}; taken out {after}"
    require(after == "bit for bit", words)
    require(pixels(with_it) != before, words)
    return words


def lora_in_turn(place: Place) -> str:
    """In a model with a transformer, as a whole and with its parts moving."""
    (place.folder / "loras").mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(1)
    layer = "transformer.layers.0.attention.to_q.lora_{}.weight"
    factors = {"A": torch.randn(2, 32, generator=generator), "B": torch.randn(32, 2, generator=generator)}
    save_file(
        {layer.format(part): factor for part, factor in factors.items()}, place.folder / "loras" / "ink.safetensors"
    )
    found = list[str]()
    with_it: Pixels | None = None
    for mode in ("whole", "model-offload", "group-offload"):
        with open_model(str(place.tiny("z-image")), device=place.device, dtype="float32", memory=mode) as model:
            before = pixels(draw(model, memory=mode))
            model.load([("ink", 1.0, 1.0)])
            drawn = pixels(draw(model, memory=mode))
            model.unload()
            after = told(pixels(draw(model, memory=mode)), before)
        with_it = with_it or drawn
        found.append(f"{mode}: as whole {told(drawn, with_it)}, taken out {after}")
        require((drawn != before, after) == (True, "bit for bit"), found)
    return "; ".join(found)


def fast(place: Place, dtype: str, compiled: bool) -> str:
    """`--fast`, and with a compiled denoiser, against the usual way; the arms the same twice."""
    plain = place.model(dtype=dtype)
    usual = draw(plain)
    seconds = timed(lambda: draw(plain), place.device)
    began = time.perf_counter()
    with open_model("seedling", device=place.device, dtype=dtype, fast=True, compiled=compiled) as model:
        pair = draw(model, fast=True, compiled=compiled)
        first = time.perf_counter() - began
        again = told(pixels(pair), pixels(draw(model, fast=True, compiled=compiled)))
        quick = timed(lambda: draw(model, fast=True, compiled=compiled), place.device)
    words = (
        f"{model.dtype}: usual {told(pixels(pair), pixels(usual))}; again {again}; "
        f"opened and drawn first {first:.1f} s; a pair {quick:.3f} s, usually {seconds:.3f} s"
    )
    require(again == "bit for bit", words)
    return words


def compiled_blocks(place: Place, name: str) -> str:
    """The repeated blocks of a transformer, compiled."""
    usual = draw(place.model(name))
    began = time.perf_counter()
    with open_model(str(place.tiny(name)), device=place.device, dtype="float32", compiled=True) as model:
        pair = draw(model, compiled=True)
        first = time.perf_counter() - began
        again = told(pixels(pair), pixels(draw(model, compiled=True)))
    words = f"usual {told(pixels(pair), pixels(usual))}; again {again}; first {first:.1f} s"
    require(again == "bit for bit", words)
    return words
