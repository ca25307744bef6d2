"""A series: pictures of many prompts, or of ways between two prompts, from one seed or several, all else held equal.

What instruments look through: each frame is rendered as an arm of a pair is, two at a time, because numbers come out a
little differently in batches of another shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image

from generate.models.opening.model import OpenModel
from generate.render.batch import Batch, Step
from generate.render.conditioning import Conditioning, encode_pair, require_like
from generate.render.drawing import render_batch
from generate.render.memory import MemoryPlan
from generate.render.pair import resolve_settings
from generate.settings import RenderSettings, SettingsError
from ideation import PromptPair


@dataclass(frozen=True)
class Frame:
    """One picture of a series: of `prompt`, from `seed`. With `toward`, its embedding lies `part` (0..1) of the
    straight way from the one of `prompt` to the one of `toward`."""

    prompt: str
    seed: int
    toward: str | None = None
    part: float = 0.0


@dataclass(frozen=True)
class FramePicture:
    """The picture of a frame; `seconds` is its share of its batch's wall time, `evaluations` the batch's count."""

    frame: Frame
    image: Image.Image
    seconds: float
    evaluations: int


def render_series(
    frames: Sequence[Frame],
    prompts: PromptPair,
    settings: RenderSettings,
    model: OpenModel,
    *,
    on_step: Callable[[Step], None] | None = None,
) -> Iterator[FramePicture]:
    """Yields the frames' pictures in their order, as they are finished.

    `prompts` is the pair that they belong to, whose negative prompt is used. A frame with one of the pair's prompts
    and seeds comes out as that picture of the pair: bit for bit, unless prompts are read in chunks and those in its
    batch differ in number, which moves it in the last digits. An odd last frame is rendered twice, to keep the
    batch's shape.
    `on_step` may raise `RenderCancelled`. Raises `SettingsError` and `RenderError` as `render_pair` does.
    """
    settings = replace(resolve_settings(settings, model), images=1)
    require_like(model, [prompts.simple, *(frame.prompt for frame in frames)])
    encoded: dict[tuple[str, str], Conditioning] = {}
    batches = (len(frames) + 1) // 2
    plan = MemoryPlan.first(model)
    for number in range(1, batches + 1):
        two = frames[2 * number - 2 : 2 * number]
        both = two if len(two) == 2 else (two[0], two[0])
        conditioning = _conditioning(both, prompts, settings, model, encoded)
        if model.family.in_turn is not None and len(two) == 1:  # there is no shape of a batch to keep
            both, conditioning = two, conditioning.rows([0])
        seeds = tuple(frame.seed for frame in both)
        rendered, plan = render_batch(Batch(model, settings, conditioning, seeds, number, batches, on_step), plan)
        for frame, image in zip(two, rendered.images, strict=False):
            yield FramePicture(frame, image, rendered.seconds / len(both), rendered.evaluations)


def _conditioning(
    both: Sequence[Frame],
    prompts: PromptPair,
    settings: RenderSettings,
    model: OpenModel,
    encoded: dict[tuple[str, str], Conditioning],
) -> Conditioning:
    """The rows of two frames. Frames on one way share its two ends, which are encoded once."""
    on_ways = any(frame.toward is not None for frame in both)
    if model.family.in_turn is not None and on_ways and model.family.in_turn.mixed is None:
        raise SettingsError(
            "{title} has no way from one prompt to another: each is read as a text of its own length",
            hint="leave the interpolation out for this model",
            title=model.family.title,
        )
    if model.family.in_turn is not None and on_ways:
        ways = tuple((frame.toward, frame.part) if frame.toward is not None else None for frame in both)
        texts = replace(prompts, simple=both[0].prompt, expanded=both[1].prompt)
        return replace(encode_pair(model, texts, settings), ways=ways)
    if not on_ways:
        return encode_pair(model, replace(prompts, simple=both[0].prompt, expanded=both[1].prompt), settings)
    rows = []
    for frame in both:
        ends = (frame.prompt, frame.toward if frame.toward is not None else frame.prompt)
        if ends not in encoded:
            encoded[ends] = encode_pair(model, replace(prompts, simple=ends[0], expanded=ends[1]), settings)
        rows.append(_between(encoded[ends], frame.part))
    if len({row.arguments["prompt_embeds"].shape for row in rows}) > 1:
        raise ValueError("frames on ways of different lengths do not go into one batch")
    return replace(rows[0], arguments=_stacked(row.arguments for row in rows))


def _between(ends: Conditioning, part: float) -> Conditioning:
    """One row, `part` of the way from the first to the second; at either end exactly that one."""
    if part in (0.0, 1.0):
        return ends.rows([int(part)])
    mixed: dict[str, torch.Tensor] = {
        name: torch.lerp(value[:1].float(), value[1:].float(), part).to(value.dtype)
        for name, value in ends.arguments.items()
    }
    return replace(ends, arguments=mixed)


def _stacked(rows: Iterable[dict[str, Any]]) -> dict[str, torch.Tensor]:
    one, other = rows
    return {name: torch.cat([one[name], other[name]]) for name in one}
