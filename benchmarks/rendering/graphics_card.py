"""Everything of Twinseed that a graphics card has a part in, run once: whether it holds there, how long it takes, how
much memory, and how far the pictures are from those of the CPU.

    python benchmarks/rendering/graphics_card.py                          # a minute and a half of a large card
    python benchmarks/rendering/graphics_card.py --only families,memory   # checks whose names begin so
    python benchmarks/rendering/graphics_card.py --device cpu             # the same without one, where it makes sense

Models are Seedling, tiny ones of every family of transformers, and for the memory modes one of Z-Image's widths; the
weights of these are random. Nothing is fetched. Each check stands alone: a line is printed for it as soon as it is
done, and `--json FILE` is written anew. Checks that would begin after `--seconds` are named, and not run.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[2] / "tests" / "support" / "tiny"))

# Before torch: whatever is of `generate` tells threads to sleep while they wait, which torch reads when it is imported.
from generate.schedulers.table import SCHEDULERS, build_scheduler
from generate.settings import MEMORY_MODES, RenderSettings, SettingsError

# isort: split

import numpy as np
import torch
import typer
from safetensors.torch import save_file
from tiny_families import BUILDERS, save_tiny

from generate.models import OpenModel, choose_device, open_model, usual_settings
from generate.picture import PicturePair
from generate.render import RenderCancelled, RenderError, RenderInterrupted, Step, attention_recorder, render_pair
from generate.render.batch import Batch
from generate.render.conditioning import encode_pair
from generate.render.drawing import render_batch
from generate.render.libraries import library_versions
from generate.render.memory import MemoryPlan
from ideation import PromptPair, TokenCount, TwinseedError

from model_shapes import save_shaped  # isort: skip  # beside this file

SIMPLE = "a dog riding a bicycle, watercolor style"
EXPANDED = "a red dog riding a bicycle on a beach at sunset in the snow, soft light, fine detail, watercolor style"
NEGATIVE = "blurry"
SHORT = "a red cat"
LONG = f"{SHORT} " + " ".join(["near the ancient lighthouse in front of a misty valley ,"] * 8)
SEED = 7
DTYPES = ("float32", "float16", "bfloat16")

Pixels = list[bytes]


class NotFor(Exception):
    """A check that does not go with this device or these packages, and why."""


class Failed(Exception):
    """What should hold does not."""


def require(holds: bool, words: object) -> None:
    if not holds:
        raise Failed(words)


@dataclass
class Place:
    """Where it is run: the device, a folder for models and runs, and the models that are open already."""

    device: str
    folder: Path
    open: dict[tuple[str, str, str], OpenModel] = field(default_factory=dict)
    drawn: dict[str, PicturePair] = field(default_factory=dict)
    elsewhere: subprocess.Popen[str] | None = None

    @property
    def cuda(self) -> bool:
        return self.device.startswith("cuda")

    def require_cuda(self) -> None:
        if not self.cuda:
            raise NotFor("for CUDA alone")

    def model(self, name: str = "seedling", dtype: str = "float32", device: str | None = None) -> OpenModel:
        """Opened once; `name` may be that of a family, of which a tiny model is made."""
        key = (name, dtype, device or self.device)
        if key not in self.open:
            where = name if name == "seedling" else str(self.tiny(name))
            self.open[key] = open_model(where, device=key[2], dtype=dtype)
            if name == "kandinsky5":  # its own sizes are large
                self.open[key].pipeline.resolutions = [(64, 64)]
        return self.open[key]

    def tiny(self, family: str) -> Path:
        folder = self.folder / family
        return folder if folder.is_dir() else save_tiny(family, folder)

    def widths(self) -> Path:
        """A model of which it matters where it lies: on CUDA of Z-Image's widths, 0.9 billion weights."""
        if not self.cuda:
            return self.tiny("z-image")
        folder = self.folder / "z-image-widths"
        return folder if folder.is_dir() else save_shaped("z-image", folder)


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Place], str]


def prompts_for(model: OpenModel) -> PromptPair:
    own = model.family.in_turn is None
    simple, expanded = (SIMPLE, EXPANDED) if own else (SHORT, LONG)
    return PromptPair(simple, "en", simple, expanded, NEGATIVE, "given", None, (), (), TokenCount(77, 1, 1))


def settings_for(model: OpenModel, **changes: Any) -> RenderSettings:
    usual = replace(usual_settings(model.family, SEED), model=model.name)
    small = {} if model.family.in_turn is None else {"width": 64, "height": 64, "num_inference_steps": 2}
    return replace(usual, **(small | changes))


def draw(model: OpenModel, prompts: PromptPair | None = None, **changes: Any) -> PicturePair:
    """A pair, of which the certificate must hold and the pictures must differ."""
    keywords = {name: changes.pop(name) for name in ("on_step", "noise_floor") if name in changes}
    pair = render_pair(prompts or prompts_for(model), settings_for(model, **changes), model, **keywords)
    certificate = pair.certificate
    require(certificate.holds, f"the arms differ in {', '.join(certificate.offences)}")
    require(certificate.differs == ("prompt",), f"they differ in {certificate.differs}")
    simple, expanded = pixels(pair)[:2]
    require(simple != expanded, "the prompt changes nothing")
    return pair


def pixels(pair: PicturePair) -> Pixels:
    return [picture.image.tobytes() for picture in pair.pictures]


def apart(one: Pixels, other: Pixels) -> tuple[int, float]:
    """How far pictures are apart: at most, and on average, of 255."""
    gaps = [
        np.abs(np.frombuffer(a, np.uint8).astype(int) - np.frombuffer(b, np.uint8).astype(int))
        for a, b in zip(one, other, strict=True)
    ]
    return max(int(gap.max()) for gap in gaps), float(np.mean([gap.mean() for gap in gaps]))


def told(one: Pixels, other: Pixels) -> str:
    """The same in words."""
    if one == other:
        return "bit for bit"
    most, mean = apart(one, other)
    return f"within {most} of 255, {mean:.3f} on average"


def timed(work: Callable[[], Any], device: str, times: int = 5) -> float:
    """The median seconds, after one that warms up."""
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return median(seconds[1:])


@contextlib.contextmanager
def limited(place: Place, more: int) -> Iterator[None]:
    """Inside the block, the device has so many bytes more than are taken, and no others."""
    place.require_cuda()
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(place.device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + more) / whole)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


def machine(place: Place) -> str:
    have = [name for name in ("bitsandbytes", "triton", "peft", "torchsde") if importlib.util.find_spec(name)]
    where = "the CPU"
    if place.cuda:
        found = torch.cuda.get_device_properties(place.device)
        where = (
            f"{found.name}, {found.total_memory / 1e9:.0f} GB, capability {found.major}.{found.minor}; "
            f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        )
    versions = ", ".join(f"{name} {version}" for name, version in library_versions().items())
    return f"{where}; {versions}; {', '.join(have)}; {torch.get_num_threads()} threads"


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


def stopping(place: Place) -> str:
    """Cancelled in the middle of the second of three pairs."""
    found = list[str]()
    for name in ("seedling", "z-image"):
        model = place.model(name)
        usual = pixels(draw(model))

        def stop(step: Step) -> None:
            if (step.pair, step.number) == (2, 2):
                raise RenderCancelled("enough")

        try:
            draw(model, images=3, on_step=stop)
            require(False, "it went on")
        except RenderInterrupted as stopped:
            kept = stopped.finished.settings.images
        after = told(pixels(draw(model)), usual)
        found.append(f"{name}: {kept} kept, then {after}")
        require((kept, after) == (1, "bit for bit"), found)
    return "; ".join(found)


def previews(place: Place) -> str:
    """What is shown on the way, beside what it becomes."""
    model, seen = place.model(), list[Pixels]()
    pair = draw(model, on_step=lambda step: seen.append([image.tobytes() for image in step.preview()]))
    gaps = [apart(shown, pixels(pair))[1] for shown in seen]
    require(gaps[-1] < gaps[0], f"they do not come nearer: {gaps}")
    return f"{len(seen)}, from {gaps[0]:.1f} to {gaps[-1]:.1f} of 255 on average from the picture"


def command(*arguments: str) -> tuple[int, str, str]:
    """The program in this process: its status, and what it wrote."""
    from twinseed import main

    out, error, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["twinseed", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            main()
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), error.getvalue()
    finally:
        sys.argv = before
    raise AssertionError("unreachable")


def record(place: Place) -> str:
    """A run by the command line, on the disk; verified, gone on with, and looked into with every instrument."""
    runs = ("--runs", str(place.folder / "runs"))
    began = time.perf_counter()
    code, out, error = command(
        "pair",
        SIMPLE,
        "--expanded",
        EXPANDED,
        "--seed",
        str(SEED),
        "--images",
        "2",
        "--device",
        place.device,
        *runs,
        "--json",
    )
    require(code == 0, error)
    made = json.loads(out)
    run = next(entry.name for entry in (place.folder / "runs").iterdir() if entry.is_dir())
    found = [f"pair in {made['certificate']['dtype']}, {time.perf_counter() - began:.1f} s"]
    wanted = ("ruler", "placebo", "ladder", "morph", "attention", "sweep")
    few = ("ruler.seeds=2", "sweep.steps=[4]", 'sweep.schedulers=["Euler a"]', "morph.frames=3")
    measured = [part for one in wanted for part in ("--with", one)] + [part for one in few for part in ("--set", one)]
    for words in (("verify", run), ("examine", run, *measured), ("verify", run), ("refine", run), ("report", run)):
        began = time.perf_counter()
        code, out, error = command(*words, *runs)
        require(code == 0, f"{words[0]}: {out} {error}")
        found.append(f"{words[0]} {time.perf_counter() - began:.1f} s")
        if words[0] == "verify":
            found.append(
                " ".join(line.strip() for line in (out + error).splitlines() if "pixel" in line or "equal" in line)
            )
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


def all_checks(device: str) -> list[Check]:
    """In the order of what is to be known first."""
    dtypes = DTYPES if device.startswith("cuda") else ("float32", "bfloat16")
    return [
        Check("machine", machine),
        *(Check(f"seedling {dtype}", partial(seedling, dtype=dtype)) for dtype in dtypes),
        *(Check(f"families {name}", partial(family, name=name)) for name in BUILDERS),
        *(Check(f"plans {name}", partial(plans, name=name)) for name in ("seedling", "z-image")),
        *(Check(f"short of memory {name}", partial(short_of_memory, name=name)) for name in ("seedling", "flux")),
        *(Check(f"attention {name}", partial(attention, name=name)) for name in ("seedling", "flux", "z-image")),
        *(Check(f"carried {name}", partial(carried, name=name)) for name in ("flux", "qwen-image")),
        Check("lora seedling", lora),
        Check("lora in turn", lora_in_turn),
        Check("stopping", stopping),
        Check("previews", previews),
        Check("rounding", rounding),
        Check("record", record),
        *(Check(f"memory {mode}", partial(memory_mode, mode=mode)) for mode in (*MEMORY_MODES, "8GB", "3GB", "2GB")),
        Check("too large", too_large),
        *(Check(f"schedulers {name}", partial(scheduler, name=name)) for name in SCHEDULERS),
        Check("fast", partial(fast, dtype="auto", compiled=False)),
        Check("processes", elsewhere),
        *(Check(f"compiled {name}", partial(compiled_blocks, name=name)) for name in ("flux", "z-image")),
        *(
            Check(f"compiled seedling {dtype}", partial(fast, dtype=dtype, compiled=True))
            for dtype in ("auto", "float32")
        ),
    ]


def main(
    device: Annotated[str, typer.Option()] = "cuda",
    only: Annotated[str, typer.Option(help="Names that checks begin with, joined by commas.")] = "",
    seconds: Annotated[float, typer.Option(help="No check begins after so many.")] = 100.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="A file for all that was found.")] = None,
    only_hashes: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Runs the checks; ends with 1 where one of them failed."""
    began = time.perf_counter()
    device = choose_device(device)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TWINSEED_MODELS"] = folder
        place = Place(device, Path(folder))
        if only_hashes:
            print(json.dumps({dtype: hashes(place, dtype) for dtype in DTYPES if place.cuda or dtype == "float32"}))
            return
        wanted = [check for check in all_checks(device) if not only or check.name.startswith(tuple(only.split(",")))]
        if any(check.name == "processes" for check in wanted):
            another = [sys.executable, __file__, "--device", device, "--only-hashes"]
            place.elsewhere = subprocess.Popen(another, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this file
        found = list[dict[str, Any]]()
        broken = False  # where a kernel has failed on the card, nothing runs in this process any more
        for check in wanted:
            found.append(outcome(check, place, late=broken or time.perf_counter() - began > seconds))
            broken = broken or "AcceleratorError" in found[-1]["trace"]
            print(
                "{name:<28} {outcome:<8} {seconds:7.2f} s {memory_mb:7.0f} MB  {told}".format(**found[-1]), flush=True
            )
            if json_file is not None:
                json_file.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
        if place.elsewhere is not None:
            place.elsewhere.kill()
    failed = [one["name"] for one in found if one["outcome"] == "FAILED"]
    print(f"{len(found)} checks in {time.perf_counter() - began:.0f} s; failed: {', '.join(failed) or 'none'}")
    raise typer.Exit(1 if failed else 0)


def outcome(check: Check, place: Place, *, late: bool) -> dict[str, Any]:
    """What came of a check: held, FAILED, or not run."""
    if place.cuda and not late:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    began, trace = time.perf_counter(), ""
    how, words = "not run", "the time was up, or a kernel had failed"
    if not late:
        try:
            how, words = "holds", check.run(place)
        except NotFor as reason:
            words = str(reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are to be run
            how, words, trace = "FAILED", f"{type(error).__name__}: {error}", traceback.format_exc()
    memory = (
        torch.cuda.max_memory_allocated() / 1e6
        if place.cuda
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    )
    seconds = time.perf_counter() - began
    return {"name": check.name, "outcome": how, "seconds": seconds, "memory_mb": memory, "told": words, "trace": trace}


if __name__ == "__main__":
    typer.run(main)
