"""The morph: the straight way from the simple prompt's embedding to the expanded one's, one seed, in small parts."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from PIL import Image
from pydantic import Field

from compare.instruments.context import Context, Instrument
from compare.instruments.distance import DistanceRecord, Measure, amount, distance_text, measure_of
from compare.report.blocks import Moving, Section, Shot, Strip, Text
from generate.settings import RenderSettings
from ideation import PromptPair
from ideation.files import FileName, Seed, Share, StrictModel

ANIMATION = "morph.webp"

#: Milliseconds: both ends are looked at, the way between them is only passed.
_AT_AN_END, _ON_THE_WAY = 1000, 150
#: Animations of smaller pictures are scaled up, so that they need no magnifying glass.
_SMALL = 256


class MorphOptions(StrictModel):
    """`frames` are the pictures on the way, both ends included."""

    frames: Annotated[int, Field(ge=2, le=64)] = 9


class MorphFrameRecord(StrictModel):
    """One picture on the straight way from the simple to the expanded embedding; `part` is 0 for simple, 1 for
    expanded, `moved` the distance from the frame before."""

    part: Share
    file: FileName
    moved: DistanceRecord


class MorphRecord(StrictModel):
    """The morph; `animation` is a WebP file that goes there and back."""

    seed: Seed
    frames: tuple[MorphFrameRecord, ...]
    animation: FileName


def morph(context: Context, options: MorphOptions) -> MorphRecord:
    """Goes from the pair's simple picture to its expanded one in as many pictures as wanted, the two among them, and
    keeps an animation that goes there and back. `moved` is the distance from the frame before, 0 for the first.

    Raises what rendering raises.
    """
    from generate.render import Frame

    seed = context.seeds[0]
    simple, expanded = context.prompts.simple, context.prompts.expanded
    parts = [number / (options.frames - 1) for number in range(options.frames)]
    way = [Frame(simple, seed, expanded, part) for part in parts[1:-1]]
    images = [
        context.pictures["simple", seed],
        *(made.image for made in context.render(way)),
        context.pictures["expanded", seed],
    ]
    files = [
        context.keep(f"morph-{number}.png", image, _mixed(simple, expanded, part), seed)
        for number, (part, image) in enumerate(zip(parts, images, strict=True))
    ]
    moved = [context.distance(before, after) for before, after in pairwise([images[0], *images])]
    return MorphRecord(
        seed=seed,
        frames=tuple(
            MorphFrameRecord(part=part, file=file, moved=distance)
            for part, file, distance in zip(parts, files, moved, strict=True)
        ),
        animation=_animation(context, images),
    )


def _mixed(simple: str, expanded: str, part: float) -> str:
    """What a picture's file says made it: at the ends the prompt itself, between them how compel and InvokeAI write a
    mixture of embeddings."""
    if part in (0.0, 1.0):
        return expanded if part else simple
    one, other = (prompt.replace("\\", "\\\\").replace('"', '\\"') for prompt in (simple, expanded))
    return f'("{one}", "{other}").blend({round(1 - part, 6):g}, {round(part, 6):g})'


def _animation(context: Context, images: list[Image.Image]) -> str:
    """Keeps the way there and back."""
    there = [image.convert("RGB") for image in images]
    width, height = there[0].size
    scale = -(-_SMALL // max(width, height))
    if scale > 1:
        there = [image.resize((width * scale, height * scale), Image.Resampling.NEAREST) for image in there]
    there_and_back = there + there[-2:0:-1]
    ends = (0, len(there) - 1)
    shown_for = [_AT_AN_END if number in ends else _ON_THE_WAY for number in range(len(there_and_back))]
    return context.keep_animation(ANIMATION, there_and_back, shown_for)


def _section(morph: MorphRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """The way from the simple to the expanded embedding."""
    measure = measure_of([frame.moved for frame in morph.frames])
    shots = tuple(
        Shot(
            frame.file,
            said["alt"].format(seed=morph.seed, part=f"{100 * frame.part:.0f}"),
            said["shot"].format(part=f"{100 * frame.part:.0f}"),
            said["moved"].format(distance=distance_text(frame.moved, measure, t)) if number else "",
        )
        for number, frame in enumerate(morph.frames)
    )
    blocks = (
        Text(_turn(morph, measure, said), "lead"),
        Strip(shots),
        Moving(morph.animation, said["animation"], said["play"]),
    )
    return Section("morph", said["title"], (said["about"], t["measure"][f"{measure}_about"]), blocks)


def _turn(morph: MorphRecord, measure: Measure, said: dict[str, Any]) -> str:
    """Between which two frames the picture turns most."""
    steps = list(pairwise(morph.frames))
    before, after = max(steps, key=lambda step: amount(step[1].moved, measure), default=(None, None))
    if before is None or after is None or amount(after.moved, measure) == 0:
        return str(said["still"])
    return str(said["lead"]).format(before=f"{100 * before.part:.0f}", after=f"{100 * after.part:.0f}")


def _steps(options: MorphOptions, _: PromptPair, settings: RenderSettings) -> int:
    return -(-(options.frames - 2) // 2) * settings.num_inference_steps


MORPH = Instrument(
    name="morph",
    question="the way from the simple to the expanded picture, in small steps",
    options=MorphOptions,
    result=MorphRecord,
    measure=morph,
    section=_section,
    steps=_steps,
    mixes_prompts=True,
)
