"""The bench: a rendered pair with all that it takes to look into it further. Every instrument works on one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.instruments.distance import score
from compare.instruments.results import DistanceRecord
from generate.files import encode_png, plain_picture_texts
from generate.models.open import OpenModel
from generate.render.batch import Step
from generate.render.series import Frame, FramePicture, render_series
from generate.settings import RenderSettings
from ideation.prompt_pair import PromptPair


class Scorer(Protocol):
    """A CLIP. Its vectors are float32 of unit length, one row each."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def limit(self) -> int: ...

    def image_vectors(self, images: Sequence[Image.Image]) -> NDArray[np.float32]: ...
    def text_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]: ...
    def cut(self, text: str) -> tuple[str, ...]:
        """The words of `text` beyond the token limit."""


@dataclass
class Bench:
    """`settings` have nothing left open; `pictures` are the pair's, by arm and seed; `clip` may be missing.

    `files` collects the bytes of the pictures that instruments make, by the names they keep in the run's folder.
    """

    prompts: PromptPair
    settings: RenderSettings
    model: OpenModel
    pictures: Mapping[tuple[str, int], Image.Image]
    clip: Scorer | None = None
    on_step: Callable[[Step], None] | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """The seeds of the pair, in the order in which they were rendered."""
        return list(dict.fromkeys(seed for _, seed in self.pictures))

    def render(self, frames: Sequence[Frame], settings: RenderSettings | None = None) -> Iterator[FramePicture]:
        """The pictures of the frames with the pair's settings, or others, as they are finished."""
        return render_series(frames, self.prompts, settings or self.settings, self.model, on_step=self.on_step)

    def distance(self, first: Image.Image, second: Image.Image) -> DistanceRecord:
        """How far apart two pictures are, by CLIP as well where there is one."""
        pixels = score(first, second)
        clip = None
        if self.clip is not None:
            one, other = self.clip.image_vectors([first, second])
            clip = round(float(np.clip(1 - one @ other, 0, 2)), 6)
        return DistanceRecord(mean_absolute_difference=pixels.mean_absolute_difference, ssim=pixels.ssim, clip=clip)

    def keep(self, name: str, image: Image.Image, prompt: str, seed: int) -> str:
        """Keeps a rendered picture as the PNG file `name`, with what made it, and returns the name."""
        texts = plain_picture_texts(prompt, self.prompts.negative, self.settings, seed, image.size, self.model.digest)
        self.files[name] = encode_png(image, texts)
        return name

    def keep_figure(self, name: str, image: Image.Image) -> str:
        """Keeps a picture that is drawn from others, as a heat map is, as the PNG file `name`."""
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        self.files[name] = buffer.getvalue()
        return name


def mean_distance(distances: Sequence[DistanceRecord]) -> DistanceRecord:
    """The mean of each number. `clip` is None if any is."""
    clips = [one.clip for one in distances if one.clip is not None]
    return DistanceRecord(
        mean_absolute_difference=round(float(np.mean([one.mean_absolute_difference for one in distances])), 6),
        ssim=round(float(np.mean([one.ssim for one in distances])), 6),
        clip=round(float(np.mean(clips)), 6) if len(clips) == len(distances) else None,
    )
