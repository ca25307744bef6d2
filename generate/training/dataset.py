"""The data set: drawn scenes on disk, as one array of pixels and one file of what they show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from generate.training.drawing import draw
from generate.training.scene import Scene, draw_scene
from ideation import seedling_vocabulary

SIZE = 128  # of the pictures that the latents are made from
PATCH = 16  # the side of the patches that the latents stand for
GRID = SIZE // PATCH
_CHUNK = 512


@dataclass(frozen=True)
class DataSet:
    """`pixels` is (count, side, side, 3) uint8, mapped from the file; `scenes` says what each picture shows; `coverage`
    (count, 8, 8) uint8 how much of each patch the figure covers, 255 for all of it."""

    pixels: NDArray[np.uint8]
    scenes: Sequence[Scene]
    coverage: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scenes)


def _draw_chunk(job: tuple[int, int, int, float, float, bool, int]) -> tuple[int, DataSet]:
    first, count, seed, richness, jitter, include_held_out, size = job
    random, vocabulary = Random(f"{seed}/{first}"), seedling_vocabulary()
    scenes = [
        draw_scene(random, vocabulary, richness=richness, include_held_out=include_held_out) for _ in range(count)
    ]
    drawings = [draw(scene, random, size=size, jitter=jitter) for scene in scenes]
    pixels = np.stack([np.asarray(drawing.picture) for drawing in drawings])
    coverage = np.stack([np.asarray(drawing.figure.reduce(size // GRID)) for drawing in drawings])
    return first, DataSet(pixels, scenes, coverage)


def make_data_set(
    folder: Path,
    count: int,
    *,
    seed: int,
    richness: float,
    jitter: float = 0.0,
    held_out: bool = False,
    size: int = SIZE,
    workers: int = 2,
) -> DataSet:
    """Draws `count` scenes of `size` x `size` pixels into `folder`, or opens them if they are there already.

    The pictures depend on the arguments alone, not on the number of workers. Sets that differ in `size` alone show the
    same scenes, and one with a smaller `count`, a multiple of 512, the first of them.
    """
    done = folder / "scenes.json"
    if not done.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        pixels = open_memmap(folder / "pixels.npy", "w+", np.uint8, (count, size, size, 3))
        coverage = open_memmap(folder / "coverage.npy", "w+", np.uint8, (count, GRID, GRID))
        scenes: list[Scene | None] = [None] * count
        jobs = [(k, min(_CHUNK, count - k), seed, richness, jitter, held_out, size) for k in range(0, count, _CHUNK)]
        with ProcessPoolExecutor(workers) as pool:
            for first, drawn in pool.map(_draw_chunk, jobs):
                chunk = slice(first, first + len(drawn))
                pixels[chunk], scenes[chunk], coverage[chunk] = drawn.pixels, drawn.scenes, drawn.coverage
        pixels.flush()
        coverage.flush()
        done.write_text(json.dumps([asdict(scene) for scene in scenes if scene is not None]), encoding="utf-8")
    stored = [Scene(**entry) for entry in json.loads(done.read_text(encoding="utf-8"))]
    return DataSet(np.load(folder / "pixels.npy", mmap_mode="r"), stored, np.load(folder / "coverage.npy"))


def joined(*sets: DataSet) -> DataSet:
    """The sets one after the other, in memory."""
    return DataSet(
        np.concatenate([one.pixels for one in sets]),
        [scene for one in sets for scene in one.scenes],
        np.concatenate([one.coverage for one in sets]),
    )
