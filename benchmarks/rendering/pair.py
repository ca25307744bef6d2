"""Times a pair against what one would write by following diffusers' documentation: two `pipe()` calls, one by one.

    python benchmarks/rendering/pair.py                          # Seedling
    python benchmarks/rendering/pair.py --shape sd15 --size 256  # Stable Diffusion 1.5's shape; or sdxl: XL's
    python benchmarks/rendering/pair.py --shape flux --size 256 --steps 1 --runs 3  # or z-image: transformers' widths
    python benchmarks/rendering/pair.py --fast                   # the pair by `--fast`, the two calls in float32
    python benchmarks/rendering/pair.py --fast --compile         # and with a compiled U-Net

Both ways take turns in one process, with the same model, prompts, seed and steps; the pair encodes its prompts anew
each time, though it need not. It prints the median seconds, their ratio in pairs, how far the pictures are apart, the
part of the pair's time that is spent outside denoiser and decoder, and the most memory that was in use. The ratio of
processor time stands beside that of seconds: on a busy machine, and with OMP_NUM_THREADS=1, it is the one to trust.
On CUDA the same command measures CUDA.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

# Before torch: whatever is of `generate` tells threads to sleep while they wait, which torch reads when it is imported.
from generate.schedulers.table import build_scheduler

# isort: split

import numpy as np
import torch
import typer
from PIL import Image

from generate.models import OpenModel, open_model, usual_settings
from generate.render.pair import render_pair
from ideation import PromptPair, TokenCount

from model_shapes import save_shaped  # isort: skip  # beside this file

SIMPLE = "a dog riding a bicycle, watercolor style"
EXPANDED = "a red dog riding a bicycle on a beach at sunset in the snow, soft light, fine detail, watercolor style"
NEGATIVE = "blurry"
SEED = 7


def main(
    shape: Annotated[str, typer.Option(help="seedling; sd15, sdxl, flux or z-image for their shapes.")] = "seedling",
    size: Annotated[int, typer.Option(help="Pixels; 0 is the model's own size.")] = 0,
    steps: Annotated[int, typer.Option()] = 20,
    runs: Annotated[int, typer.Option(help="How often each way is timed.")] = 7,
    scheduler: Annotated[str, typer.Option(help="[default: the family's usual one]")] = "",
    device: Annotated[str, typer.Option()] = "auto",
    dtype: Annotated[str, typer.Option(help="Of both ways; with --fast of the two calls alone.")] = "auto",
    fast: Annotated[bool, typer.Option("--fast", help="The pair by --fast.")] = False,
    compiled: Annotated[bool, typer.Option("--compile", help="The pair with a compiled U-Net.")] = False,
) -> None:
    """Prints the figures."""
    folder = tempfile.TemporaryDirectory()  # until the end: tokenizers are read when they are needed
    name = "seedling" if shape == "seedling" else str(save_shaped(shape, Path(folder.name) / shape))
    began = time.perf_counter()
    plain = open_model(name, device=device, dtype=dtype)
    loading = time.perf_counter() - began
    ours = plain
    if fast or compiled:
        ours = open_model(name, device=device, dtype="auto" if fast else dtype, fast=fast, compiled=compiled)
    settings = replace(
        usual_settings(plain.family, SEED), num_inference_steps=steps, width=size or None, height=size or None
    )
    settings = replace(settings, scheduler=scheduler or settings.scheduler)
    in_turn = plain.family.in_turn
    guided = in_turn is None or in_turn.guided(settings.guidance_scale)
    prompts = PromptPair(SIMPLE, "en", SIMPLE, EXPANDED, NEGATIVE, "given", None, (), (), TokenCount(77, 1, 1))

    def two_calls() -> list[Image.Image]:
        images = []
        for prompt in (SIMPLE, EXPANDED):
            plain.pipeline.scheduler = build_scheduler(settings.scheduler, plain.scheduler_config, [SEED])
            images += plain.pipeline(
                prompt,
                num_inference_steps=steps,
                width=size or None,
                height=size or None,
                generator=torch.Generator("cpu").manual_seed(SEED),
                **{plain.family.guidance: settings.guidance_scale},
                **({"negative_prompt": NEGATIVE} if guided else {}),
                **(in_turn.arguments if in_turn is not None else {}),
            ).images
        return images

    def pair() -> list[Image.Image]:
        return [picture.image for picture in render_pair(prompts, settings, ours).pictures]

    times: dict[str, list[float]] = {"two calls": [], "pair": []}
    processor: dict[str, list[float]] = {"two calls": [], "pair": []}
    outside: list[float] = []
    reading: list[float] = []
    ways: dict[str, Callable[[], list[Image.Image]]] = {"two calls": two_calls, "pair": pair}
    pictures, first = {}, 0.0
    for way, render in ways.items():  # and warms up
        began = time.perf_counter()
        pictures[way] = render()
        first = time.perf_counter() - began
    for _ in range(runs):
        for way, render in ways.items():
            ours.encodings.forget()
            pipeline = ours.pipeline
            with _Inside(ours, ours.denoiser, pipeline.vae.decoder) as inside, _Inside(ours, *_readers(ours)) as read:
                began, worked = time.perf_counter(), time.process_time()
                render()
                _wait(ours.device)
                seconds = time.perf_counter() - began
            processor[way].append(time.process_time() - worked)
            times[way].append(seconds)
            if way == "pair":
                outside.append(1 - inside.seconds / seconds)
                reading.append(read.seconds / seconds)
    ratios, of_processor = (
        [b / a for a, b in zip(each["two calls"], each["pair"], strict=True)] for each in (times, processor)
    )
    apart = [
        np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int))
        for one, other in zip(*pictures.values(), strict=True)
    ]
    pixels = pictures["pair"][0].size
    where = f"{plain.device}, {torch.get_num_threads()} threads"
    print(f"{shape}, {pixels[0]}x{pixels[1]}, {steps} steps of {settings.scheduler}, {where}")
    print(f"loading the model      {loading:8.2f} s, once in this process")
    print(f"the first pair         {first:8.2f} s")
    for way, seconds in times.items():
        kind = plain.dtype
        if way == "pair":
            kind = ", ".join([ours.dtype, *["fast"] * fast, *["compiled"] * compiled])
        print(f"{way:<22} {statistics.median(seconds):8.3f} s   ({min(seconds):.3f} to {max(seconds):.3f}; {kind})")
    print(f"ratio                  {statistics.median(ratios):8.3f}     ({min(ratios):.3f} to {max(ratios):.3f})")
    print(
        f"of processor time      {statistics.median(of_processor):8.3f}     "
        f"({min(of_processor):.3f} to {max(of_processor):.3f})"
    )
    print(
        f"outside denoiser, VAE  {100 * statistics.median(outside):8.1f} %   "
        f"({100 * statistics.median(reading):.1f} % in the text encoder)"
    )
    print(
        f"pictures differ by     {max(one.max() for one in apart):8d} of 255 at most, "
        f"{np.mean([one.mean() for one in apart]):.3f} on average"
    )
    print(f"peak memory            {_peak(ours.device):8.0f} MB")


def _readers(model: OpenModel) -> list[Any]:
    encoders = [model.pipeline.text_encoder, getattr(model.pipeline, "text_encoder_2", None)]
    return [encoder for encoder in encoders if encoder is not None]


class _Inside:
    """Adds up the time spent inside some modules of the model, none of which calls another of them."""

    def __init__(self, model: OpenModel, *modules: Any) -> None:
        self._model, self._modules, self.seconds = model, modules, 0.0

    def __enter__(self) -> _Inside:
        self._undo = []
        for module in self._modules:
            self._undo.append(module.register_forward_pre_hook(self._begin))
            self._undo.append(module.register_forward_hook(self._end))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._undo:
            hook.remove()

    def _begin(self, *_: Any) -> None:
        _wait(self._model.device)
        self._began = time.perf_counter()

    def _end(self, *_: Any) -> None:
        _wait(self._model.device)
        self.seconds += time.perf_counter() - self._began


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _peak(device: str) -> float:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    typer.run(main)
