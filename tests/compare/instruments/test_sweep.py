"""The sweep on Seedling: its cells are the pictures of pairs, and its judgement is a table."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny_context import EXPANDED, SETTINGS, SIMPLE, fresh, tiny_context

from compare.instruments.context import Context
from compare.instruments.distance import mean_distance
from compare.instruments.examination import Examination
from compare.instruments.sweep import (
    DEFAULT_SCHEDULERS,
    DEFAULT_STEPS,
    SweepCellRecord,
    SweepOptions,
    SweepRecord,
    SweepRowRecord,
    clearly_changed,
    judge,
    row_texts,
    sweep,
)
from compare.report.sentences import sentences
from generate.files import parse_picture
from generate.models import OpenModel
from generate.render.batch import RenderCancelled, Step
from generate.schedulers.table import SCHEDULERS
from generate.settings import SettingsError
from templates import LANGUAGES

Made = tuple[SweepRecord, dict[str, bytes]]


def wanted(schedulers: list[str], steps: list[int]) -> SweepOptions:
    options: SweepOptions = Examination(options={"sweep": {"schedulers": schedulers, "steps": steps}}).options_of(
        "sweep"
    )
    return options


@pytest.fixture(scope="module")
def context(seedling: OpenModel) -> Context:
    return tiny_context(seedling)


@pytest.fixture(scope="module")
def made(context: Context) -> Made:
    own = fresh(context)
    return sweep(own, wanted(["dpmpp_2m_karras", "Euler a", "DPM++ 2M Karras"], [3, 1, 2, 1])), own.files


def test_every_scheduler_is_drawn_with_every_step_count_once_and_in_order(made: Made) -> None:
    record, files = made
    assert [row.scheduler for row in record.rows] == ["DPM++ 2M Karras", "Euler a"]
    assert [row.settles for row in record.rows] == [True, False]
    for row in record.rows:
        assert [cell.num_inference_steps for cell in row.cells] == [1, 2, 3]
        assert [cell.unet_evaluations for cell in row.cells] == [1, 2, 3]
    names = [name for row in record.rows for cell in row.cells for name in (cell.simple_file, cell.expanded_file)]
    assert names[:2] == ["sweep-dpmpp-2m-karras-1-simple.png", "sweep-dpmpp-2m-karras-1-expanded.png"]
    assert names == list(files)


def test_a_cell_is_the_pair_with_those_settings_and_its_files_say_so(context: Context, made: Made) -> None:
    record, files = made
    settings = replace(context.settings, images=1, scheduler="Euler a", num_inference_steps=2)
    pair = tiny_context(context.model, settings=settings, clip=False)
    cell = record.rows[1].cells[1]
    for arm, file, prompt in (("simple", cell.simple_file, SIMPLE), ("expanded", cell.expanded_file, EXPANDED)):
        assert Image.open(io.BytesIO(files[file])).tobytes() == pair.pictures[arm, 5].tobytes()
        told = parse_picture(files[file])
        assert (told.prompt, told.scheduler, told.num_inference_steps, told.seed) == (prompt, "Euler a", 2, 5)


def test_moves_are_between_neighbouring_step_counts(context: Context, made: Made) -> None:
    record, files = made
    cells = record.rows[0].cells
    assert cells[0].moved is None
    images = [[Image.open(io.BytesIO(files[name])) for name in (c.simple_file, c.expanded_file)] for c in cells]
    expected = mean_distance([context.distance(images[1][arm], images[2][arm]) for arm in (0, 1)])
    assert cells[2].moved == expected
    assert expected.mean_absolute_difference > 0


@pytest.mark.parametrize(
    ("counts", "changed", "judged"),
    [
        ((5, 10, 20, 30, 50), (0.5, 0.2, 0.0, 0.001), (True, 20)),
        ((5, 10, 20, 30, 50), (0.5, 0.2, 0.02, 0.0), (True, 30)),
        ((5, 10, 20), (0.0, 0.0), (True, 5)),
        ((5, 10, 20, 30, 50), (0.0, 0.2, 0.0, 0.0), (True, 20)),
        ((5, 10, 20, 30, 50), (0.5, 0.2, 0.001, 0.02), (False, None)),
        ((5, 10), (0.0,), (None, None)),
        ((20,), (), (None, None)),
        ((5, 20, 21), (0.5, 0.0), (None, None)),
        ((20, 30, 45), (0.5, 0.01), (True, 30)),
    ],
)
def test_the_judgement(
    counts: tuple[int, ...], changed: tuple[float, ...], judged: tuple[bool | None, int | None]
) -> None:
    assert judge(counts, changed) == judged


@pytest.mark.parametrize(
    ("settles", "changed", "floor", "said", "as_expected"),
    [
        # A row of equal pictures is one, whatever its scheduler is expected to do.
        (False, (0.001, 0.0, 0.002), 0.0, ["From 5 to 40 steps these pictures hardly changed (at most 0.2 %)"], False),
        (True, (0.001, 0.0, 0.002), 0.0, ["From 5 to 40", "5 steps are enough here"], True),
        # And a row that jumps is none.
        (True, (0.4, 0.001, 0.4), 0.0, ["from 20 to 40 steps, a picture became another one (40.0 %)"], False),
        (False, (0.05, 0.45, 0.06), 0.0, ["places at the end, from 20", "From 10 to 20 steps a picture became"], True),
        (False, (0.3, 0.004, 0.003), 0.0, ["From 10 to 40 steps these", "From 5 to 10 steps a picture became"], False),
        (True, (0.06, 0.004, 0.003), 0.0, ["From 10 to 40 steps these", "changed most from 5 to 10"], True),
        # What changes no more than drawing it again does has stood still.
        (True, (0.06, 0.02, 0.02), 0.02, ["From 10 to 40 steps these pictures hardly changed (at most 2.0 %)"], True),
    ],
)
def test_what_the_pictures_did_is_said_first_and_what_was_expected_second(
    settles: bool, changed: tuple[float, ...], floor: float, said: list[str], as_expected: bool
) -> None:
    counts = (5, 10, 20, 40)
    settled, recommended = judge(counts, changed, floor)
    cells = tuple(
        SweepCellRecord(
            num_inference_steps=steps,
            unet_evaluations=steps,
            seconds=1,
            simple_file="a.png",
            expanded_file="b.png",
            changed=share,
        )
        for steps, share in zip(counts, (None, *changed), strict=True)
    )
    row = SweepRowRecord(
        scheduler="Euler", settles=settles, settled=settled, recommended_steps=recommended, cells=cells
    )
    for language in LANGUAGES:
        told = sentences(language)
        measured, expected = row_texts(row, floor, told["instruments"]["sweep"], told["report"])
        assert (told["instruments"]["sweep"]["not_here"] in expected) != as_expected
        if language == "en":
            assert all(one in measured for one in said), measured
            assert ("come closer and closer" in expected, "new noise" in expected) == (settles, not settles)


def test_a_row_of_another_version_is_left_to_the_eye() -> None:
    told = sentences("en")
    row = SweepRowRecord(scheduler="Euler", settles=True, settled=None, recommended_steps=None, cells=())
    measured, expected = row_texts(row, 0.0, told["instruments"]["sweep"], told["report"])
    assert measured == "Euler: there is nothing to compare; look at its pictures."
    assert "not show it" not in expected


def test_a_pixel_changes_clearly_when_the_eye_would_call_it_another_colour() -> None:
    before = np.full((10, 10, 3), 100, dtype=np.uint8)
    after = before.copy()
    after[0, :5] = (180, 100, 100)
    after[1:] = 115  # a little lighter everywhere, as a sky that is drawn in more steps
    assert clearly_changed(Image.fromarray(before), Image.fromarray(after)) == 0.05


@pytest.mark.long
def test_on_seedling_the_settler_settles_and_the_wanderer_does_not(seedling: OpenModel) -> None:
    settings = replace(SETTINGS, images=1, width=256, height=256)  # of the size that it has learnt
    found = sweep(tiny_context(seedling, settings=settings), wanted(["DPM++ 2M Karras", "Euler a"], [10, 16, 24]))
    settler, wanderer = found.rows
    assert (settler.settled, wanderer.settled) == (True, False)
    assert settler.recommended_steps == 16
    assert wanderer.recommended_steps is None
    assert found.noise_floor == 0.0, "the same again, on the CPU"


def test_the_defaults_are_the_courses() -> None:
    assert set(DEFAULT_SCHEDULERS) <= set(SCHEDULERS)
    assert {name for name in DEFAULT_SCHEDULERS if not SCHEDULERS[name].converges} == {"Euler a", "DPM++ SDE Karras"}
    assert judge(DEFAULT_STEPS, (0.0,) * (len(DEFAULT_STEPS) - 1)) == (True, DEFAULT_STEPS[0])


def test_the_same_pair_gives_the_same_bytes(context: Context, made: Made) -> None:
    again = fresh(context)
    sweep(again, wanted(["DPM++ 2M Karras", "Euler a"], [1, 2, 3]))
    assert again.files == made[1]


@pytest.mark.parametrize(
    ("schedulers", "steps", "error"),
    [
        (["DPM++ 2M Karras", "Eulr"], [1], "unknown scheduler 'Eulr'"),
        (["Euler"], [1, 0], "sweep.steps.1: Input should be greater than or equal to 1"),
        (["Euler"], [1, 1001], "sweep.steps.1: Input should be less than or equal to 1000"),
        (["Euler", "LCM"], [1, 60], "LCM cannot take 60 steps"),
        ([], [1], "sweep.schedulers: Tuple should have at least 1 item"),
        (["Euler"], [], "sweep.steps: Tuple should have at least 1 item"),
    ],
)
def test_what_cannot_be_swept_is_said_before_anything_is_drawn(
    context: Context, schedulers: list[str], steps: list[int], error: str
) -> None:
    heard: list[Step] = []
    with pytest.raises(SettingsError, match=error.replace("+", r"\+")) as caught:
        sweep(replace(fresh(context), on_step=heard.append), wanted(schedulers, steps))
    assert caught.value.hint
    assert heard == []


def test_progress_counts_all_cells_and_can_stop_them(context: Context) -> None:
    heard: list[float] = []

    def on_step(step: Step) -> None:
        heard.append(step.number / step.steps)
        if step.number > 500:
            raise RenderCancelled("stopped", hint="")

    with pytest.raises(RenderCancelled):
        sweep(replace(fresh(context), on_step=on_step), wanted(["Euler", "UniPC"], [1, 2]))
    assert heard == [0.143, 0.286, 0.429, 0.571], "of seven steps, one for the noise floor: an even measure of the time"
