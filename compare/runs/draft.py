"""A draft: an earlier run of few steps that is rendered again with more, from the same seed, and how far it moved.

Schedulers that settle come closer to one picture as steps are added; those that wander go somewhere else, and then
the draft was no draft of it. The drift says which it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

from compare.instruments.distance import score
from compare.runs.gallery import Gallery
from compare.runs.recall import settings_of
from compare.runs.record import Record
from generate.schedulers.table import find_scheduler
from generate.settings import RenderSettings, SettingsError

if TYPE_CHECKING:
    from generate.files.png import RenderedPicture


@dataclass(frozen=True)
class Draft:
    """`drift` maps each seed to the mean absolute difference (0..1) between the draft's picture and the new one, by
    arm. `settles` is what is known of the scheduler."""

    run: str
    num_inference_steps: int
    settles: bool
    drift: Mapping[int, Mapping[str, float]]


def refined_settings(record: Record, num_inference_steps: int | None) -> RenderSettings:
    """The settings of the draft with more steps: as many as named, else twice as many.

    Raises `SettingsError` where those are not more.
    """
    settings = settings_of(record)
    steps = num_inference_steps or 2 * settings.num_inference_steps
    if steps <= settings.num_inference_steps:
        raise SettingsError(
            f"the draft has {settings.num_inference_steps} steps, and {steps} are not more",
            hint=f"give more, as in --steps {2 * settings.num_inference_steps}",
        )
    return replace(settings, num_inference_steps=steps)


def drift_from(gallery: Gallery, run: str, renders: Sequence[RenderedPicture]) -> Draft:
    """How far `renders` are from the pictures of the draft `run`."""
    record, pictures = gallery.open_record(run), gallery.pictures(run)
    before: dict[tuple[int, str], Image.Image] = {
        (int(old.seed), old.arm): Image.open(BytesIO(pictures[old.file])) for old in record.renders
    }
    drift: dict[int, dict[str, float]] = {}
    for new in renders:
        moved = score(before[new.seed, new.arm], new.image).mean_absolute_difference
        drift.setdefault(new.seed, {})[new.arm] = moved
    return Draft(run, record.settings.num_inference_steps, find_scheduler(record.settings.scheduler).converges, drift)
