"""How far what nobody sees moves the fit of a picture with its prompts, by Seedling's CLIP: the pictures of runs, saved
as JPEG of quality 95 and with noise of one and two steps of 255, against themselves.

    python benchmarks/findings/score_noise.py RUN_FOLDER ...
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from compare.runs import Run
from generate.clip import open_clip


def changed(image: Image.Image, rng: np.random.Generator) -> dict[str, Image.Image]:
    """The picture as nobody could tell it from itself."""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=95)
    ways = {"JPEG, quality 95": Image.open(buffer).convert("RGB")}
    for steps in (1, 2):
        noisy = np.asarray(image, dtype=float) + rng.normal(0, steps, (image.height, image.width, 3))
        ways[f"noise of {steps} in 255"] = Image.fromarray(np.clip(noisy.round(), 0, 255).astype("uint8"))
    return ways


def main(folders: list[str]) -> None:
    clip, rng = open_clip("seedling", "cpu"), np.random.default_rng(0)
    moved: dict[str, list[float]] = {}
    seen: set[bytes] = set()
    for folder in folders:
        run = Run.open(Path(folder))
        texts = clip.text_vectors([run.record.prompts.simple, run.record.prompts.expanded])
        for render in run.record.renders:
            data = (run.folder / render.file).read_bytes()
            image = Image.open(io.BytesIO(data)).convert("RGB")
            if image.tobytes() in seen:
                continue
            seen.add(image.tobytes())
            ways = changed(image, rng)
            before, *after = 100 * clip.image_vectors([image, *ways.values()]) @ texts.T
            for name, fits in zip(ways, after, strict=True):
                moved.setdefault(name, []).extend(np.abs(fits - before).tolist())
    print(f"{len(seen)} pictures, each against both prompts of its run; points of fit\n")
    for name, points in moved.items():
        middle, high, most = np.percentile(points, [50, 95, 100])
        print(f"{name:20} median {middle:.2f}, 19 in 20 below {high:.2f}, at most {most:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
