"""The data set: drawn scenes on disk, as one array of pixels and one file of what they show."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from generate.training.scenes.captions import caption
from generate.training.scenes.drawing import draw
from generate.training.scenes.scene import SQUARE, Scene, draw_scene
from ideation import seedling_vocabulary

SIZE = 128  # of the pictures that the latents are made from; of oblong ones, the shorter side
PATCH = 16  # the side of the patches that the latents stand for
CHUNK = 128
CAPTIONS = 6  # so many are written of each scene


@dataclass(frozen=True)
class DataSet:
    """Scenes of one shape: `pixels` is (count, height, width, 3) uint8, mapped from the file; `scenes` says what each
    picture shows; `coverage` (count, rows, columns) uint8 how much of each patch the figure covers, 255 for all of it;
    `captions` are six of each scene."""

    pixels: NDArray[np.uint8]
    scenes: Sequence[Scene]
    coverage: NDArray[np.uint8]
    captions: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.scenes)


@dataclass(frozen=True)
class Recipe:
    """What the scenes of a set depend on, all of it; see `draw_scene` and `draw`."""

    seed: int
    richness: float
    jitter: float = 0.0
    held_out: bool = False
    varied: bool = False
    size: int = SIZE
    grid: tuple[int, int] = SQUARE


def _draw_chunk(job: tuple[int, int, Recipe]) -> tuple[int, DataSet]:
    first, count, recipe = job
    random, vocabulary = Random(f"{recipe.seed}/{first}"), seedling_vocabulary()
    scenes = [
        draw_scene(
            random,
            vocabulary,
            richness=recipe.richness,
            include_held_out=recipe.held_out,
            varied=recipe.varied,
            grid=recipe.grid,
        )
        for _ in range(count)
    ]
    drawings = [draw(scene, random, size=recipe.size, jitter=recipe.jitter) for scene in scenes]
    pixels = np.stack([np.asarray(drawing.picture) for drawing in drawings])
    patch = recipe.size // SIZE * PATCH
    coverage = np.stack([np.asarray(drawing.figure.reduce(patch)) for drawing in drawings])
    writing = Random(f"captions/{recipe.seed}/{first}")
    captions = [[caption(scene, writing, vocabulary) for _ in range(CAPTIONS)] for scene in scenes]
    return first, DataSet(pixels, scenes, coverage, captions)


def make_data_set(
    folder: Path,
    count: int,
    *,
    seed: int,
    richness: float,
    jitter: float = 0.0,
    held_out: bool = False,
    varied: bool = False,
    size: int = SIZE,
    grid: tuple[int, int] = SQUARE,
    workers: int = 2,
) -> DataSet:
    """Draws `count` scenes into `folder`, or opens them if they are there already; `size` is the shorter side.

    The pictures depend on the arguments alone, not on the number of workers. Sets that differ in `size` alone show the
    same scenes, and one with a smaller `count`, a multiple of 128, the first of them. Whoever asks for a set that
    another process is drawing waits for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "scenes.json"
    with FileLock(folder / ".lock"):
        if not done.is_file():
            recipe = Recipe(seed, richness, jitter, held_out, varied, size, grid)
            _draw_set(folder, done, count, recipe, workers)
    return open_data_set(folder)


def open_data_set(folder: Path) -> DataSet:
    """The finished set that is there."""
    stored = json.loads((folder / "scenes.json").read_text(encoding="utf-8"))
    scenes = [Scene(**{**entry["scene"], "grid": tuple(entry["scene"]["grid"])}) for entry in stored]
    captions = [entry["captions"] for entry in stored]
    return DataSet(np.load(folder / "pixels.npy", mmap_mode="r"), scenes, np.load(folder / "coverage.npy"), captions)


def _draw_set(folder: Path, done: Path, count: int, recipe: Recipe, workers: int) -> None:
    (columns, rows), side = recipe.grid, recipe.size // SIZE * PATCH
    pixels = open_memmap(folder / "pixels.npy", "w+", np.uint8, (count, rows * side, columns * side, 3))
    coverage = open_memmap(folder / "coverage.npy", "w+", np.uint8, (count, rows, columns))
    entries: list[dict[str, object]] = []
    jobs = [(first, min(CHUNK, count - first), recipe) for first in range(0, count, CHUNK)]
    with ProcessPoolExecutor(workers) as pool:
        for first, drawn in pool.map(_draw_chunk, jobs):
            chunk = slice(first, first + len(drawn))
            pixels[chunk], coverage[chunk] = drawn.pixels, drawn.coverage
            pairs = zip(drawn.scenes, drawn.captions, strict=True)
            entries += [{"scene": asdict(scene), "captions": captions} for scene, captions in pairs]
    pixels.flush()
    coverage.flush()
    partial = done.with_suffix(".partial")
    partial.write_text(json.dumps(entries), encoding="utf-8")
    os.replace(partial, done)


def joined(*sets: DataSet) -> DataSet:
    """The sets, of one shape, one after the other, in memory."""
    return DataSet(
        np.concatenate([one.pixels for one in sets]),
        [scene for one in sets for scene in one.scenes],
        np.concatenate([one.coverage for one in sets]),
        [captions for one in sets for captions in one.captions],
    )


def squashed(data: DataSet) -> DataSet:
    """The set with its pictures, of whatever shape, made square, as CLIP and the judge look at them."""
    side, grid = SIZE, SQUARE[0]
    pixels = [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BOX)) for one in data.pixels]
    coverage = [np.asarray(Image.fromarray(one).resize((grid, grid), Image.Resampling.BOX)) for one in data.coverage]
    return DataSet(np.stack(pixels), data.scenes, np.stack(coverage), data.captions)
