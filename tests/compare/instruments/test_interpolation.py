"""The morph on Seedling: it begins and ends in the pair, and its animation is a whole one."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import pytest
from PIL import Image
from tiny_context import EXPANDED, SIMPLE, fresh, tiny_context

from compare.instruments.context import Context
from compare.instruments.examination import Examination
from compare.instruments.interpolation import MorphOptions, MorphRecord, _mixed, morph
from generate.files import parse_picture
from generate.models import OpenModel
from generate.render.batch import RenderCancelled, Step
from generate.settings import SettingsError

Made = tuple[MorphRecord, dict[str, bytes]]


@pytest.fixture(scope="module")
def context(seedling: OpenModel) -> Context:
    return tiny_context(seedling)


@pytest.fixture(scope="module")
def made(context: Context) -> Made:
    own = fresh(context)
    return morph(own, MorphOptions(frames=4)), own.files


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_the_way_begins_and_ends_in_the_pair(context: Context, made: Made) -> None:
    record, files = made
    assert [frame.part for frame in record.frames] == [0, 1 / 3, 2 / 3, 1]
    assert [frame.file for frame in record.frames] == [f"morph-{number}.png" for number in range(4)]
    pictures = [opened(files[frame.file]).tobytes() for frame in record.frames]
    assert pictures[0] == context.pictures["simple", 5].tobytes()
    assert pictures[-1] == context.pictures["expanded", 5].tobytes()
    assert len(set(pictures)) == 4
    assert set(files) == {*(frame.file for frame in record.frames), "morph.webp"}


def test_each_frame_says_how_far_it_is_from_the_one_before_and_what_made_it(context: Context, made: Made) -> None:
    record, files = made
    images = [opened(files[frame.file]) for frame in record.frames]
    assert record.frames[0].moved == context.distance(images[0], images[0])
    assert [frame.moved for frame in record.frames[1:]] == [context.distance(*two) for two in pairwise(images)]
    told = [parse_picture(files[frame.file]).prompt for frame in record.frames]
    assert told[0] == SIMPLE
    assert told[1] == f'("{SIMPLE}", "{EXPANDED}").blend(0.666667, 0.333333)'
    assert told[-1] == EXPANDED


def test_quotation_marks_in_a_prompt_do_not_end_it() -> None:
    assert _mixed('a sign "\\o/"', "b", 0.25) == '("a sign \\"\\\\o/\\"", "b").blend(0.75, 0.25)'


def test_the_animation_goes_there_and_back_for_ever(context: Context, made: Made) -> None:
    record, files = made
    webp = opened(files[record.animation])
    assert (webp.format, webp.size, webp.info["loop"]) == ("WEBP", (256, 256), 0)
    durations, frames = [], []
    for number in range(webp.n_frames):  # type: ignore[attr-defined]
        webp.seek(number)
        webp.load()
        durations.append(webp.info["duration"])
        frames.append(webp.convert("RGB").resize(opened(files["morph-1.png"]).size, Image.Resampling.BOX))
    assert durations == [1000, 150, 150, 1000, 150, 150]
    for frame, name in zip(frames, [0, 1, 2, 3, 2, 1], strict=True):
        assert context.distance(frame, opened(files[f"morph-{name}.png"])).mean_absolute_difference < 0.02
    assert b"trainedAlgorithmicMedia" in files[record.animation]


def test_pictures_that_are_large_enough_stay_as_they_are(context: Context) -> None:
    large = {key: image.resize((264, 200)) for key, image in context.pictures.items()}
    own = replace(fresh(context), pictures=large)
    assert opened(own.files[morph(own, MorphOptions(frames=2)).animation]).size == (264, 200)


def test_equal_prompts_give_a_way_that_stands_still(seedling: OpenModel) -> None:
    record = morph(tiny_context(seedling, SIMPLE, SIMPLE), MorphOptions(frames=3))
    assert [frame.moved.mean_absolute_difference for frame in record.frames] == [0, 0, 0]


def test_the_same_pair_gives_the_same_bytes(context: Context, made: Made) -> None:
    again = fresh(context)
    assert (morph(again, MorphOptions(frames=4)), again.files) == made


@pytest.mark.parametrize(("frames", "bound"), [(1, "2"), (0, "2"), (-1, "2"), (65, "64")])
def test_a_number_of_frames_that_makes_no_way_is_an_error(frames: int, bound: str) -> None:
    with pytest.raises(SettingsError, match=rf"morph.frames: Input should be .* {bound}") as caught:
        Examination(options={"morph": {"frames": frames}})
    assert caught.value.hint == "options of morph: frames"


def test_it_can_be_stopped(context: Context) -> None:
    def stop(step: Step) -> None:
        if step.pair == 2:
            raise RenderCancelled("stopped", hint="")

    with pytest.raises(RenderCancelled):
        morph(replace(fresh(context), on_step=stop), MorphOptions(frames=6))
