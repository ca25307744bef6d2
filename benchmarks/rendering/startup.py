"""What a command costs from its first instruction to its last, in seconds of the processor.

    python benchmarks/rendering/startup.py                # a pair, a bare script of diffusers, light commands
    python benchmarks/rendering/startup.py --only pair    # without the light commands, or --only light

`twinseed pair` as a whole process, which also writes the prompts, proves that the pair is fair, scores it and writes
its record and report, takes turns with a script as one would write it after diffusers' documentation: Seedling's folder
is opened, `pipe()` is called for each of the same two prompts, and both pictures are saved. Seconds are those of the
processor, user and system together, as the system counts them for each process that has ended: on a busy machine they
are what can be compared. Both are told that waiting threads sleep. The first turn warms up and is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from generate.seedling import SEEDLING_FOLDER

CONCEPT, SEED = "a dog riding a bicycle", 7
BARE = """
import sys, torch
from diffusers import DiffusionPipeline
folder, steps, guidance, seed, negative, *prompts = sys.argv[1:]
pipe = DiffusionPipeline.from_pretrained(folder)
for number, prompt in enumerate(prompts):
    generator = torch.Generator().manual_seed(int(seed))
    image = pipe(
        prompt,
        negative_prompt=negative or None,
        num_inference_steps=int(steps),
        guidance_scale=float(guidance),
        generator=generator,
    ).images[0]
    image.save(f"{number}.png")
"""
#: Commands that render nothing, by what is left of a run when they are called.
LIGHT = (
    ("doctor",),
    ("list", "styles"),
    ("list", "models"),
    ("ideas", "-n", "3"),
    ("expand", CONCEPT),
    ("report", "RUN"),
)


def main(
    runs: Annotated[int, typer.Option(help="How often each is timed.")] = 5,
    only: Annotated[str, typer.Option(help="pair or light; both unless said.")] = "",
) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        pair = ("pair", CONCEPT, "--seed", str(SEED), "--expander", "offline", "--json")
        record = json.loads(_twinseed(folder, *pair)[1])
        prompts, settings = record["prompts"], record["settings"]
        bare = [SEEDLING_FOLDER, settings["num_inference_steps"], settings["guidance_scale"], SEED, prompts["negative"]]
        script = [sys.executable, "-c", BARE, *map(str, bare), prompts["simple"], prompts["expanded"]]
        print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}; medians of {runs}")
        if only != "light":
            _processor_seconds(script, folder)
            turns = [(_processor_seconds(script, folder)[0], _twinseed(folder, *pair)[0]) for _ in range(runs)]
            theirs, ours = (statistics.median(column) for column in zip(*turns, strict=True))
            print(f"bare script of diffusers, two calls  {theirs:6.2f} s")
            print(f"twinseed pair                        {ours:6.2f} s")
            print(f"ratio, turn by turn                  {statistics.median(b / a for a, b in turns):6.2f}")
        if only != "pair":
            (run,) = list(Path(folder, "runs").glob("*-*"))[:1]
            for words in LIGHT:
                named = [run.name if word == "RUN" else word for word in words]
                _twinseed(folder, *named)
                seconds = statistics.median(_twinseed(folder, *named)[0] for _ in range(runs))
                print(f"{'twinseed ' + ' '.join(words):<36} {seconds:6.2f} s")


def _twinseed(folder: str, *arguments: str) -> tuple[float, str]:
    return _processor_seconds([sys.executable, "-m", "twinseed", *arguments], folder)


def _processor_seconds(command: list[str], folder: str) -> tuple[float, str]:
    """What a process and those that it started took of the processor, and what it printed. It must end well."""
    environ = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "HF_HUB_OFFLINE": "1",
        "TWINSEED_RUNS": "runs",
    }
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        child = subprocess.Popen(command, cwd=folder, env=environ, stdout=said, stderr=complained)  # noqa: S603 - ours
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        if child.returncode:
            sys.exit(f"{command} ended with {child.returncode}:\n{complained.read().decode()}")
        return used.ru_utime + used.ru_stime, said.read().decode()


if __name__ == "__main__":
    typer.run(main)
