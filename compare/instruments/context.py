"""The context of an instrument: a rendered pair with all that it takes to look into it further; and what one is.

Instruments see torch through the context alone, so that their names, options and results are had without it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.instruments.distance import DistanceRecord, score
from compare.report.blocks import Section
from generate.files import XMP_PACKET, encode_png, plain_picture_texts
from generate.models import vocabulary_of
from generate.picture import Arm
from generate.settings import RenderSettings
from ideation import PromptPair, TokenBudget, Vocabulary
from ideation.files import StrictModel

if TYPE_CHECKING:  # these bring torch along, and records and options are read without it
    from generate.models import OpenModel
    from generate.render import Frame, FramePicture, PromptAttention, Step

OptionsT = TypeVar("OptionsT", bound=StrictModel)
ResultT = TypeVar("ResultT", bound=StrictModel)


class NoOptions(StrictModel):
    """Of an instrument that can only be used in one way."""


@dataclass(frozen=True)
class Instrument(Generic[OptionsT, ResultT]):
    """Something that can be found out about a pair beyond its scores. Its line in `table.py` makes it an option of the
    commands, a chip on the page, a section of the report and a key of the record.

    `name` is the word for it everywhere, also of its sentences in `templates/locale/`; `question` is what it answers.
    `measure` finds the result, or None where there is nothing to measure. `section` puts it into the report, with the
    instrument's own sentences and the report's. `lines` are what a shell prints of it. `steps` is about how many
    denoising steps of two pictures `measure` takes, for an estimate of the time. `require` raises `TwinseedError` where
    it is known before any picture is there that `measure` would; it is given the options and the environment.
    `looks_inside` instruments look on inside the denoiser, which is not done in all families; those that have
    `mixes_prompts` draw what lies between two, which not every family can.
    """

    name: str
    question: str
    options: type[OptionsT]
    result: type[ResultT]
    measure: Callable[[Context, OptionsT], ResultT | None]
    section: Callable[[ResultT, dict[str, Any], dict[str, Any]], Section]
    steps: Callable[[OptionsT, PromptPair, RenderSettings], int]
    lines: Callable[[ResultT], Sequence[str]] = lambda _: ()
    require: Callable[[OptionsT, Mapping[str, str]], object] = lambda _, __: None
    looks_inside: bool = False
    mixes_prompts: bool = False


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
class Context:
    """`settings` have nothing left open; `pictures` are the pair's, by arm and seed; `clip` may be missing. `environ`
    has the keys of whoever describes pictures; `adapters` are what the certificate says was in the model, `batches`
    which seeds were drawn together.

    `files` collects the bytes of the pictures that instruments make, by the names they keep in the run's folder.
    """

    prompts: PromptPair
    settings: RenderSettings
    model: OpenModel
    pictures: Mapping[tuple[Arm, int], Image.Image]
    clip: Scorer | None = None
    on_step: Callable[[Step], None] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    adapters: Mapping[str, str] = field(default_factory=dict)
    batches: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """The seeds of the pair, in the order in which they were rendered."""
        return list(dict.fromkeys(seed for _, seed in self.pictures))

    def pair(self, seed: int) -> tuple[Image.Image, Image.Image]:
        """The simple and the expanded picture of a seed."""
        return self.pictures["simple", seed], self.pictures["expanded", seed]

    @cached_property
    def budget(self) -> TokenBudget:
        """Counts tokens as the model reads them, textual inversions included."""
        settings = self.settings
        return self.model.budget(chunked=settings.long_prompts == "chunk", limit=settings.max_sequence_length)

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The words that the model knows, where that is known."""
        return vocabulary_of(self.settings.model)

    def varied(self, **changes: Any) -> RenderSettings:
        """The pair's settings with `changes`, of one picture. Raises `SettingsError` where the model has no such."""
        from generate.render import resolve_settings
        from generate.schedulers.table import build_scheduler

        settings = resolve_settings(replace(self.settings, images=1, **changes), self.model)
        build_scheduler(settings.scheduler, self.model.scheduler_config, [settings.seed])
        return settings

    def render(
        self,
        frames: Sequence[Frame],
        settings: RenderSettings | None = None,
        *,
        part: tuple[float, float] = (0.0, 1.0),
    ) -> Iterator[FramePicture]:
        """The pictures of the frames with the pair's settings, or others, as they are finished.

        Where others come before or after, `part` is which part of the whole this is, for who listens.
        """
        from generate.render import render_series

        def on_step(step: Step) -> None:
            if self.on_step is not None:
                self.on_step(step if part == (0.0, 1.0) else _in_part(step, part))

        return render_series(frames, self.prompts, settings or self.settings, self.model, on_step=on_step)

    def attention(self, seed: int) -> tuple[PromptAttention, PromptAttention]:
        """Where the simple and the expanded picture of a seed looked: the pair is rendered once more with a recorder
        looking on, which changes not a bit of it.

        Raises `RenderError` where the pictures did not come out as they were: then the maps would be of others.
        """
        from generate.render import RenderError, attention_recorder, render_pair

        together = self.batches.get(seed, (seed,))
        prompts = (self.prompts.simple, self.prompts.expanded) * len(together)
        recorder = attention_recorder(self.model, prompts, self.settings)
        settings = replace(self.settings, seed=seed, images=1)
        again = render_pair(
            self.prompts, settings, self.model, on_step=self.on_step, watchers=(recorder,), together=together
        )
        for render in again.pictures:
            if render.image.tobytes() != self.pictures[render.arm, seed].tobytes():
                raise RenderError(
                    "the {arm} picture of seed {seed} came out differently",
                    hint="attention is recorded on the machine and with the libraries that made the run",
                    arm=render.arm,
                    seed=seed,
                )
        place = 2 * together.index(seed)
        return recorder.maps[place], recorder.maps[place + 1]

    def distance(self, first: Image.Image, second: Image.Image) -> DistanceRecord:
        """How far apart two pictures are, by CLIP as well where there is one."""
        pixels = score(first, second)
        clip = None
        if self.clip is not None:
            one, other = self.clip.image_vectors([first, second])
            clip = round(float(np.clip(1 - one @ other, 0, 2)), 6)
        return DistanceRecord(mean_absolute_difference=pixels.mean_absolute_difference, ssim=pixels.ssim, clip=clip)

    def distances(self) -> dict[int, DistanceRecord]:
        """How far apart the two pictures of each seed are, by seed."""
        return {seed: self.distance(*self.pair(seed)) for seed in self.seeds}

    def keep(
        self, name: str, image: Image.Image, prompt: str, seed: int, settings: RenderSettings | None = None
    ) -> str:
        """Keeps a rendered picture as the PNG file `name`, with what made it, and returns the name."""
        made_with, negative = settings or self.settings, self.prompts.negative
        texts = plain_picture_texts(prompt, negative, made_with, seed, image.size, self.model.digest, self.adapters)
        self.files[name] = encode_png(image, texts)
        return name

    def keep_figure(self, name: str, image: Image.Image) -> str:
        """Keeps a picture that is drawn from others, as a heat map is, as the PNG file `name`."""
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        self.files[name] = buffer.getvalue()
        return name

    def keep_animation(self, name: str, images: Sequence[Image.Image], milliseconds: Sequence[int]) -> str:
        """Keeps rendered pictures of one size as the WebP file `name`, which loops for ever and bears the mark that a
        model made it; each is shown for as long as `milliseconds` says."""
        buffer = io.BytesIO()
        images[0].save(
            buffer,
            "WEBP",
            save_all=True,
            append_images=images[1:],
            duration=list(milliseconds),
            loop=0,
            quality=90,
            method=4,
            xmp=XMP_PACKET.encode(),
        )
        self.files[name] = buffer.getvalue()
        return name


def _in_part(step: Step, part: tuple[float, float]) -> Step:
    """The step of a part of something, in thousandths of the whole."""
    begin, end = part
    done = ((step.pair - 1) * step.steps + step.number) / (step.pairs * step.steps)
    return replace(step, pair=1, pairs=1, number=round(1000 * (begin + (end - begin) * done)), steps=1000)
