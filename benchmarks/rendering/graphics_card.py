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

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[2] / "tests" / "support" / "tiny"))

# Before torch: whatever is of `generate` tells threads to sleep while they wait, which torch reads when it is imported.
from generate.schedulers.table import SCHEDULERS
from generate.settings import MEMORY_MODES

# isort: split

import torch
import typer
from tiny_families import BUILDERS

from benchmarks.rendering.checks import memory, model, pairs, run
from benchmarks.rendering.checks.place import DTYPES, Check, NotFor, Place
from generate.models import choose_device
from generate.render.libraries import library_versions


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


def all_checks(device: str) -> list[Check]:
    """In the order of what is to be known first."""
    dtypes = DTYPES if device.startswith("cuda") else ("float32", "bfloat16")
    return [
        Check("machine", machine),
        *(Check(f"seedling {dtype}", partial(pairs.seedling, dtype=dtype)) for dtype in dtypes),
        *(Check(f"families {name}", partial(pairs.family, name=name)) for name in BUILDERS),
        *(Check(f"plans {name}", partial(memory.plans, name=name)) for name in ("seedling", "z-image")),
        *(
            Check(f"short of memory {name}", partial(memory.short_of_memory, name=name))
            for name in ("seedling", "flux")
        ),
        *(Check(f"attention {name}", partial(model.attention, name=name)) for name in ("seedling", "flux", "z-image")),
        *(Check(f"carried {name}", partial(model.carried, name=name)) for name in ("flux", "qwen-image")),
        Check("lora seedling", model.lora),
        Check("lora in turn", model.lora_in_turn),
        Check("stopping", run.stopping),
        Check("previews", pairs.previews),
        Check("rounding", pairs.rounding),
        Check("record", run.record),
        *(
            Check(f"memory {mode}", partial(memory.memory_mode, mode=mode))
            for mode in (*MEMORY_MODES, "8GB", "3GB", "2GB")
        ),
        Check("too large", memory.too_large),
        *(Check(f"schedulers {name}", partial(pairs.scheduler, name=name)) for name in SCHEDULERS),
        Check("fast", partial(model.fast, dtype="auto", compiled=False)),
        Check("processes", pairs.elsewhere),
        *(Check(f"compiled {name}", partial(model.compiled_blocks, name=name)) for name in ("flux", "z-image")),
        *(
            Check(f"compiled seedling {dtype}", partial(model.fast, dtype=dtype, compiled=True))
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
            print(
                json.dumps({dtype: pairs.hashes(place, dtype) for dtype in DTYPES if place.cuda or dtype == "float32"})
            )
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
