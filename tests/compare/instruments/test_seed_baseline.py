"""The seed ruler on Seedling: known pictures, known ratios."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from tiny_context import SIMPLE, fresh, tiny_context

from compare.instruments.context import Context
from compare.instruments.examination import Examination
from compare.instruments.seed_baseline import RulerOptions, RulerRecord, _other_seeds, ruler
from generate.files import parse_picture
from generate.models import OpenModel
from generate.render.batch import RenderCancelled, Step
from generate.settings import SettingsError
from ideation import TwinseedError
from ideation.files import MAX_SEED


@pytest.fixture(scope="module")
def context(seedling: OpenModel) -> Context:
    return tiny_context(seedling)


@pytest.fixture(scope="module")
def measured(context: Context) -> tuple[RulerRecord, dict[str, bytes]]:
    own = fresh(context)
    return ruler(own, RulerOptions(seeds=3)), own.files


def test_only_the_seeds_that_the_pair_lacks_are_drawn(
    context: Context, measured: tuple[RulerRecord, dict[str, bytes]], seedling: OpenModel
) -> None:
    record, files = measured
    assert record.files == {7: "ruler-7.png"}
    assert list(files) == ["ruler-7.png"]
    alone = tiny_context(seedling, settings=replace(context.settings, seed=7, images=1), clip=False)
    assert Image.open(io.BytesIO(files["ruler-7.png"])).tobytes() == alone.pictures["simple", 7].tobytes()
    told = parse_picture(files["ruler-7.png"])
    assert (told.prompt, told.seed, told.scheduler) == (SIMPLE, 7, "Euler")


def test_the_words_are_held_against_every_two_seeds(
    context: Context, measured: tuple[RulerRecord, dict[str, bytes]]
) -> None:
    record, files = measured
    simple = [
        context.pictures["simple", 5],
        context.pictures["simple", 6],
        Image.open(io.BytesIO(files["ruler-7.png"])),
    ]
    apart = [context.distance(simple[a], simple[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert record.other_seed.ssim == pytest.approx(sum(one.ssim for one in apart) / 3, abs=1e-6)
    words = [context.distance(context.pictures["simple", seed], context.pictures["expanded", seed]) for seed in (5, 6)]
    assert record.words.mean_absolute_difference == pytest.approx(
        sum(one.mean_absolute_difference for one in words) / 2, abs=1e-6
    )
    assert record.measure == "clip"
    assert record.words.clip is not None
    assert record.other_seed.clip is not None
    assert record.times == pytest.approx(record.words.clip / record.other_seed.clip, abs=1e-4)


def test_a_pair_of_enough_seeds_measures_itself_and_pixels_stand_in_for_a_clip(context: Context) -> None:
    blind = replace(fresh(context), clip=None)
    record = ruler(blind, RulerOptions(seeds=2))
    assert record.files == blind.files == {}
    assert record.measure == "mean_absolute_difference"
    between = context.distance(context.pictures["simple", 5], context.pictures["simple", 6]).mean_absolute_difference
    assert record.other_seed.mean_absolute_difference == between
    assert record.times == pytest.approx(record.words.mean_absolute_difference / between, abs=1e-4)


def test_words_that_change_nothing_measure_nothing(seedling: OpenModel) -> None:
    record = ruler(tiny_context(seedling, SIMPLE, SIMPLE), RulerOptions(seeds=2))
    assert (record.times, record.words.mean_absolute_difference, record.words.ssim) == (0, 0, 1)


def test_the_same_pair_gives_the_same_bytes(context: Context, measured: tuple[RulerRecord, dict[str, bytes]]) -> None:
    again = fresh(context)
    assert (ruler(again, RulerOptions(seeds=3)), again.files) == measured


@pytest.mark.parametrize(
    ("taken", "count", "others"),
    [
        ([5], 3, [6, 7]),
        ([5, 6, 7], 2, []),
        ([MAX_SEED - 2], 4, [MAX_SEED - 1, MAX_SEED - 3, MAX_SEED - 4]),
    ],
)
def test_other_seeds_stay_near_and_in_range(taken: list[int], count: int, others: list[int]) -> None:
    assert _other_seeds(taken, count) == others


@pytest.mark.parametrize(("seeds", "bound"), [(1, "2"), (0, "2"), (-3, "2"), (101, "100")])
def test_a_number_of_seeds_that_measures_nothing_is_an_error(seeds: int, bound: str) -> None:
    with pytest.raises(SettingsError, match=rf"ruler.seeds: Input should be .* {bound}") as caught:
        Examination(options={"ruler": {"seeds": seeds}})
    assert caught.value.hint == "options of ruler: seeds"


def test_a_model_that_gives_one_picture_for_all_seeds_is_no_ruler(context: Context) -> None:
    grey = Image.new("RGB", (16, 16), "grey")
    one = replace(context, pictures={(arm, seed): grey for seed in (5, 6) for arm in ("simple", "expanded")})
    with pytest.raises(TwinseedError, match="the same picture from 2 seeds"):
        ruler(one, RulerOptions(seeds=2))


def test_it_can_be_stopped(context: Context) -> None:
    heard: list[Step] = []

    def stop(step: Step) -> None:
        heard.append(step)
        raise RenderCancelled("stopped", hint="")

    stopped = replace(fresh(context), on_step=stop)
    with pytest.raises(RenderCancelled):
        ruler(stopped, RulerOptions(seeds=6))
    assert [(step.pair, step.pairs) for step in heard] == [(1, 2)]
    assert stopped.files == {}
