from __future__ import annotations

from dataclasses import replace

import pytest

from generate.models import OpenModel, open_model
from generate.render.batch import RenderCancelled, Step
from generate.render.pair import render_pair
from generate.render.series import Frame, render_series
from generate.settings import RenderSettings
from ideation import PromptPair, TokenCount

PROMPTS = PromptPair(
    source="a dog",
    language="en",
    simple="a dog riding a bicycle",
    expanded="a dog riding a bicycle at night, neon",
    negative="blurry",
    expander="offline",
    llm_model=None,
    kept=(),
    lost=(),
    tokens=TokenCount(77, 7, 10),
)
SETTINGS = RenderSettings(seed=5, num_inference_steps=3, scheduler="Euler a")
SIMPLE, EXPANDED = Frame(PROMPTS.simple, 5), Frame(PROMPTS.expanded, 5)


@pytest.fixture(scope="module")
def seedling() -> OpenModel:
    return open_model("seedling")


def pixels(frames: list[Frame], model: OpenModel, **changes: object) -> list[bytes]:
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return [made.image.tobytes() for made in render_series(frames, PROMPTS, settings, model)]


def test_the_pairs_own_prompts_give_the_pairs_own_pictures(seedling: OpenModel) -> None:
    pair = [render.image.tobytes() for render in render_pair(PROMPTS, SETTINGS, seedling).pictures]
    assert pixels([SIMPLE, EXPANDED], seedling) == pair
    assert pixels([EXPANDED, replace(SIMPLE, seed=6), SIMPLE], seedling)[::2] == pair[::-1]


def test_a_way_begins_and_ends_in_the_pair_and_lies_between(seedling: OpenModel) -> None:
    way = [Frame(PROMPTS.simple, 5, PROMPTS.expanded, part) for part in (0.0, 0.5, 1.0)]
    first, middle, last = pixels(way, seedling)
    assert [first, last] == pixels([SIMPLE, EXPANDED], seedling)
    assert middle not in (first, last)


def test_other_seeds_are_what_they_are_alone(seedling: OpenModel) -> None:
    one, other = pixels([SIMPLE, replace(SIMPLE, seed=6)], seedling)
    assert one != other
    assert other == render_pair(PROMPTS, replace(SETTINGS, seed=6), seedling).pictures[0].image.tobytes()


def test_frames_are_handed_over_as_they_are_finished_and_a_stop_keeps_them(seedling: OpenModel) -> None:
    heard: list[Step] = []

    def on_step(step: Step) -> None:
        heard.append(step)
        if step.pair == 2:
            raise RenderCancelled("stopped", hint="")

    kept: list[Frame] = []
    series = render_series([SIMPLE, EXPANDED, SIMPLE, EXPANDED], PROMPTS, SETTINGS, seedling, on_step=on_step)
    with pytest.raises(RenderCancelled):
        kept.extend(made.frame for made in series)
    assert kept == [SIMPLE, EXPANDED]
    assert (heard[0].pairs, heard[-1].pair) == (2, 2)
