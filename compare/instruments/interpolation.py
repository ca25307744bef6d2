"""The morph: the straight way from the simple prompt's embedding to the expanded one's, one seed, in small parts."""

from __future__ import annotations

import io
from itertools import pairwise

from PIL import Image

from compare.instruments.context import Bench
from compare.instruments.results import MorphFrameRecord, MorphRecord
from generate.files import XMP_PACKET
from generate.render.series import Frame
from generate.settings import SettingsError

MOST_FRAMES = 64
ANIMATION = "morph.webp"

#: Milliseconds: both ends are looked at, the way between them is only passed.
_AT_AN_END, _ON_THE_WAY = 1000, 150
#: Animations of smaller pictures are scaled up, so that they need no magnifying glass.
_SMALL = 256


def morph(bench: Bench, frames: int = 9) -> MorphRecord:
    """Goes from the pair's simple picture to its expanded one in `frames` pictures, the two among them, and keeps an
    animation that goes there and back. `moved` is the distance from the frame before, 0 for the first.

    Raises `SettingsError` for a number of frames that makes no way, and what rendering raises.
    """
    if not 2 <= frames <= MOST_FRAMES:
        raise SettingsError(
            f"a morph of {frames} frames is asked for",
            hint=f"give a whole number from 2 to {MOST_FRAMES}; both ends count, 9 is a good start",
        )
    seed = bench.seeds[0]
    simple, expanded = bench.prompts.simple, bench.prompts.expanded
    parts = [number / (frames - 1) for number in range(frames)]
    way = [Frame(simple, seed, expanded, part) for part in parts[1:-1]]
    images = [
        bench.pictures["simple", seed],
        *(made.image for made in bench.render(way)),
        bench.pictures["expanded", seed],
    ]
    files = [
        bench.keep(f"morph-{number}.png", image, _mixed(simple, expanded, part), seed)
        for number, (part, image) in enumerate(zip(parts, images, strict=True))
    ]
    moved = [bench.distance(before, after) for before, after in pairwise([images[0], *images])]
    bench.files[ANIMATION] = _animation(images)
    return MorphRecord(
        seed=seed,
        frames=tuple(
            MorphFrameRecord(part=part, file=file, moved=distance)
            for part, file, distance in zip(parts, files, moved, strict=True)
        ),
        animation=ANIMATION,
    )


def _mixed(simple: str, expanded: str, part: float) -> str:
    """What a picture's file says made it: at the ends the prompt itself, between them how compel and InvokeAI write a
    mixture of embeddings."""
    if part in (0.0, 1.0):
        return expanded if part else simple
    one, other = (prompt.replace("\\", "\\\\").replace('"', '\\"') for prompt in (simple, expanded))
    return f'("{one}", "{other}").blend({round(1 - part, 6):g}, {round(part, 6):g})'


def _animation(images: list[Image.Image]) -> bytes:
    """A WebP that loops for ever, with the mark that a model made it."""
    there = [image.convert("RGB") for image in images]
    width, height = there[0].size
    scale = -(-_SMALL // max(width, height))
    if scale > 1:
        there = [image.resize((width * scale, height * scale), Image.Resampling.NEAREST) for image in there]
    there_and_back = there + there[-2:0:-1]
    durations = [_AT_AN_END if number in (0, len(there) - 1) else _ON_THE_WAY for number in range(len(there_and_back))]
    buffer = io.BytesIO()
    there_and_back[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=there_and_back[1:],
        duration=durations,
        loop=0,
        quality=90,
        method=4,
        xmp=XMP_PACKET.encode(),
    )
    return buffer.getvalue()
