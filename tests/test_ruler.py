"""The seed ruler on Seedling: known pictures, known ratios."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from tiny_bench import SIMPLE, fresh, tiny_bench

from compare.instruments.context import Bench
from compare.instruments.results import RulerRecord
from compare.instruments.seed_baseline import _other_seeds, ruler
from generate.files import parse_picture
from generate.models.open import OpenModel
from generate.render.batch import RenderCancelled, Step
from ideation.errors import TwinseedError
from ideation.values import MAX_SEED


@pytest.fixture(scope="module")
def bench(seedling: OpenModel) -> Bench:
    return tiny_bench(seedling)


@pytest.fixture(scope="module")
def measured(bench: Bench) -> tuple[RulerRecord, dict[str, bytes]]:
    own = fresh(bench)
    return ruler(own, seeds=3), own.files


def test_only_the_seeds_that_the_pair_lacks_are_drawn(
    bench: Bench, measured: tuple[RulerRecord, dict[str, bytes]], seedling: OpenModel
) -> None:
    record, files = measured
    assert record.files == {"7": "ruler-7.png"}
    assert list(files) == ["ruler-7.png"]
    alone = tiny_bench(seedling, settings=replace(bench.settings, seed=7, images=1), clip=False)
    assert Image.open(io.BytesIO(files["ruler-7.png"])).tobytes() == alone.pictures["simple", 7].tobytes()
    told = parse_picture(files["ruler-7.png"])
    assert (told.prompt, told.seed, told.scheduler) == (SIMPLE, 7, "Euler")


def test_the_words_are_held_against_every_two_seeds(
    bench: Bench, measured: tuple[RulerRecord, dict[str, bytes]]
) -> None:
    record, files = measured
    simple = [bench.pictures["simple", 5], bench.pictures["simple", 6], Image.open(io.BytesIO(files["ruler-7.png"]))]
    apart = [bench.distance(simple[a], simple[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert record.other_seed.ssim == pytest.approx(sum(one.ssim for one in apart) / 3, abs=1e-6)
    words = [bench.distance(bench.pictures["simple", seed], bench.pictures["expanded", seed]) for seed in (5, 6)]
    assert record.words.mean_absolute_difference == pytest.approx(
        sum(one.mean_absolute_difference for one in words) / 2, abs=1e-6
    )
    assert record.measure == "clip"
    assert record.words.clip is not None
    assert record.other_seed.clip is not None
    assert record.times == pytest.approx(record.words.clip / record.other_seed.clip, abs=1e-4)


def test_a_pair_of_enough_seeds_measures_itself_and_pixels_stand_in_for_a_clip(bench: Bench) -> None:
    blind = replace(fresh(bench), clip=None)
    record = ruler(blind, seeds=2)
    assert record.files == blind.files == {}
    assert record.measure == "mean_absolute_difference"
    between = bench.distance(bench.pictures["simple", 5], bench.pictures["simple", 6]).mean_absolute_difference
    assert record.other_seed.mean_absolute_difference == between
    assert record.times == pytest.approx(record.words.mean_absolute_difference / between, abs=1e-4)


def test_words_that_change_nothing_measure_nothing(seedling: OpenModel) -> None:
    record = ruler(tiny_bench(seedling, SIMPLE, SIMPLE), seeds=2)
    assert (record.times, record.words.mean_absolute_difference, record.words.ssim) == (0, 0, 1)


def test_the_same_bench_gives_the_same_bytes(bench: Bench, measured: tuple[RulerRecord, dict[str, bytes]]) -> None:
    again = fresh(bench)
    assert (ruler(again, seeds=3), again.files) == measured


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


@pytest.mark.parametrize("seeds", [1, 0, -3, 101])
def test_a_number_of_seeds_that_measures_nothing_is_an_error(bench: Bench, seeds: int) -> None:
    with pytest.raises(TwinseedError, match=f"of {seeds} seeds") as caught:
        ruler(bench, seeds)
    assert "2 to 100" in caught.value.hint


def test_a_model_that_gives_one_picture_for_all_seeds_is_no_ruler(bench: Bench) -> None:
    grey = Image.new("RGB", (16, 16), "grey")
    one = replace(bench, pictures={(arm, seed): grey for seed in (5, 6) for arm in ("simple", "expanded")})
    with pytest.raises(TwinseedError, match="the same picture from 2 seeds"):
        ruler(one, seeds=2)


def test_it_can_be_stopped(bench: Bench) -> None:
    heard: list[Step] = []

    def stop(step: Step) -> None:
        heard.append(step)
        raise RenderCancelled("stopped", hint="")

    stopped = replace(fresh(bench), on_step=stop)
    with pytest.raises(RenderCancelled):
        ruler(stopped, seeds=6)
    assert [(step.pair, step.pairs) for step in heard] == [(1, 2)]
    assert stopped.files == {}
