"""The ladder: plans as tables, and the pictures on Seedling."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from tiny_context import EXPANDED, SIMPLE, fresh, tiny_context

from compare.instruments.context import Context, NoOptions
from compare.instruments.ladder import MOST_ADDITIONS, LadderRecord, effects_of, ladder, plan_ladder
from generate.files import parse_picture
from generate.models import OpenModel
from generate.render.batch import RenderCancelled, Step

Made = tuple[LadderRecord, dict[str, bytes]]


@pytest.fixture(scope="module")
def context(seedling: OpenModel) -> Context:
    return tiny_context(seedling)


@pytest.fixture(scope="module")
def made(context: Context) -> Made:
    own = fresh(context)
    return ladder(own, NoOptions()), own.files


@pytest.mark.parametrize(
    ("simple", "expanded", "rungs"),
    [
        pytest.param(
            "a dog riding a bicycle, watercolor style",
            "a dog riding a bicycle on a beach at sunset, watercolor style, sharp focus",
            [
                ("a dog riding a bicycle on a beach, watercolor style", "on a beach"),
                ("a dog riding a bicycle on a beach at sunset, watercolor style", "at sunset"),
                ("a dog riding a bicycle on a beach at sunset, watercolor style, sharp focus", "sharp focus"),
            ],
            id="additions in the middle come where they stand",
        ),
        pytest.param(
            "a dog riding a bicycle",
            "A brown dog riding a bicycle.",
            [("A dog riding a bicycle.", ""), ("A brown dog riding a bicycle.", "brown")],
            id="a full stop is a rewording",
        ),
        pytest.param(
            "a cat",
            "An orange cat, night",
            [("An orange cat", "orange"), ("An orange cat, night", "night")],
            id="the article fits the word behind it, and upper case is none",
        ),
        pytest.param(
            "a dog rides a bike",
            "a dog riding a bicycle on a beach, golden hour",
            [
                ("a dog riding a bicycle", ""),
                ("a dog riding a bicycle on a beach", "on a beach"),
                ("a dog riding a bicycle on a beach, golden hour", "golden hour"),
            ],
            id="other words for the same come first, on a rung of their own",
        ),
        pytest.param(
            "a cat reading a book",
            "A fluffy cat curled up in an armchair, reading an old book, lamplight",
            [
                ("A cat, reading a book", ""),
                ("A fluffy cat, reading a book", "fluffy"),
                ("A fluffy cat curled up in an armchair, reading a book", "curled up in an armchair"),
                ("A fluffy cat curled up in an armchair, reading an old book", "old"),
                ("A fluffy cat curled up in an armchair, reading an old book, lamplight", "lamplight"),
            ],
            id="additions inside phrases",
        ),
        pytest.param(
            "a red fox",
            "mountain lake at dawn, mist",
            [
                ("mountain lake", ""),
                ("mountain lake at dawn", "at dawn"),
                ("mountain lake at dawn, mist", "mist"),
            ],
            id="nothing in common",
        ),
        pytest.param(
            "一隻狗",
            "a dog, oil painting",
            [("a dog", ""), ("a dog, oil painting", "oil painting")],
            id="another script",
        ),
        pytest.param(
            "一隻狗",
            "一隻狗，在海邊，夜晚",
            [("一隻狗，在海邊", "在海邊"), ("一隻狗，在海邊，夜晚", "夜晚")],
            id="that script throughout",
        ),
        pytest.param(
            "a dog",
            "(a dog:1.2), (soft light, warm glow:1.3), neon <lora:x:0.7>",
            [
                ("(a dog:1.2), <lora:x:0.7>", ""),
                ("(a dog:1.2), (soft light:1.3), <lora:x:0.7>", "soft light"),
                ("(a dog:1.2), (soft light, warm glow:1.3), <lora:x:0.7>", "warm glow"),
                ("(a dog:1.2), (soft light, warm glow:1.3), neon <lora:x:0.7>", "neon"),
            ],
            id="weights and adapters stay whole",
        ),
        pytest.param(
            "a cat. It sleeps",
            "A cat sleeps on a sofa. It is raining. Soft light.",
            [
                ("A cat sleeps.", ""),
                ("A cat sleeps on a sofa.", "on a sofa"),
                ("A cat sleeps on a sofa. It is raining.", "It is raining"),
                ("A cat sleeps on a sofa. It is raining. Soft light.", "Soft light"),
            ],
            id="sentences",
        ),
        pytest.param("a dog", "A dog", [("A dog", "")], id="only the case differs"),
        pytest.param("a dog", "a dog", [], id="equal"),
    ],
)
def test_the_rungs_above_the_simple_prompt(simple: str, expanded: str, rungs: list[tuple[str, str]]) -> None:
    plan = plan_ladder(simple, expanded)
    assert plan.rungs[0] == (simple, "")
    assert list(plan.rungs[1:]) == rungs
    assert plan.rungs[-1][0] == expanded
    assert [phrase for _, phrase in plan.without] == [phrase for _, phrase in rungs if phrase]


@pytest.mark.parametrize(
    ("expanded", "without"),
    [
        (
            "a dog on a beach at sunset, soft light",
            ["a dog at sunset, soft light", "a dog on a beach, soft light", "a dog on a beach at sunset"],
        ),
        ("neon, an orange dog", ["an orange dog", "neon, a dog"]),
        ("a dog,  neon ,soft light", ["a dog,soft light", "a dog, neon"]),
        ("a dog (neon:1.3), night", ["a dog, night", "a dog (neon:1.3)"]),
        ("a dog | neon; night", ["a dog | night", "a dog | neon"]),
    ],
)
def test_leaving_one_out_leaves_no_loose_ends(expanded: str, without: list[str]) -> None:
    assert [prompt for prompt, _ in plan_ladder("a dog", expanded).without] == without


def test_many_small_phrases_share_rungs_and_none_is_lost() -> None:
    details = [f"tiny{n}" for n in range(14)] + ["a rather long phrase about nothing much"]
    expanded = ", ".join(["a castle", *details])
    plan = plan_ladder("a castle", expanded)
    assert len(plan.rungs) == 1 + MOST_ADDITIONS
    assert len(plan.without) == MOST_ADDITIONS
    assert ", ".join(phrase for _, phrase in plan.rungs[1:]) == ", ".join(details)
    assert plan.rungs[-1] == (expanded, details[-1])


def test_the_first_and_the_last_picture_are_the_pairs(context: Context, made: Made) -> None:
    record, files = made
    pictures = [Image.open(io.BytesIO(files[rung.file])) for rung in record.rungs]
    assert pictures[0].tobytes() == context.pictures["simple", 5].tobytes()
    assert pictures[-1].tobytes() == context.pictures["expanded", 5].tobytes()
    assert (record.rungs[0].prompt, record.rungs[-1].prompt) == (SIMPLE, EXPANDED)
    assert [rung.phrase for rung in record.rungs] == ["", "in a forest", "at night", "oil painting"]
    for number, rung in enumerate(record.rungs):
        assert rung.file == f"ladder-{number}.png"
        assert parse_picture(files[rung.file]).prompt == rung.prompt
        assert rung.moved == context.distance(pictures[max(0, number - 1)], pictures[number])
        assert rung.from_simple == context.distance(pictures[0], pictures[number])


def test_each_phrase_is_left_out_once(context: Context, made: Made, seedling: OpenModel) -> None:
    record, files = made
    assert [one.phrase for one in record.without] == ["in a forest", "at night", "oil painting"]
    assert [one.file for one in record.without] == ["without-1.png", "without-2.png", "without-3.png"]
    first = record.without[0]
    assert first.prompt == "a dog riding a bicycle at night, oil painting"
    picture = Image.open(io.BytesIO(files[first.file]))
    settings = replace(context.settings, images=1)
    alone = tiny_context(seedling, SIMPLE, first.prompt, settings, clip=False).pictures["expanded", 5]
    assert picture.tobytes() == alone.tobytes()
    assert first.moved == context.distance(context.pictures["expanded", 5], picture)
    # The expanded prompt without its last phrase is the last rung but one, and is not drawn again.
    assert files["without-3.png"] == files["ladder-2.png"]


def test_what_moved_most_is_in_the_record(made: Made) -> None:
    ladder = made[0]
    effects = effects_of(ladder)
    assert [one.phrase for one in effects] == [rung.phrase for rung in ladder.rungs[1:]]
    came_in, left_out = ladder.rungs[1].moved.clip, ladder.without[0].moved.clip
    assert came_in is not None
    assert left_out is not None
    assert effects[0].moved == pytest.approx((max(0, came_in) + max(0, left_out)) / 2, abs=1e-6)
    assert ladder.most in effects
    assert ladder.most is not None
    assert ladder.most.moved == max(one.moved for one in effects)


def test_prompts_that_come_up_twice_are_drawn_once(context: Context) -> None:
    heard: list[Step] = []
    ladder(replace(fresh(context), on_step=heard.append), NoOptions())
    assert max(step.pairs for step in heard) == 2  # two rungs, and two prompts that are no rung


def test_equal_prompts_have_no_rungs_to_climb(seedling: OpenModel) -> None:
    record = ladder(tiny_context(seedling, SIMPLE, SIMPLE), NoOptions())
    assert record.without == ()
    assert [rung.from_simple.mean_absolute_difference for rung in record.rungs] == [0]


def test_the_same_pair_gives_the_same_bytes(context: Context, made: Made) -> None:
    again = fresh(context)
    assert (ladder(again, NoOptions()), again.files) == made


def test_it_can_be_stopped(context: Context) -> None:
    def stop(step: Step) -> None:
        raise RenderCancelled("stopped", hint="")

    with pytest.raises(RenderCancelled):
        ladder(replace(fresh(context), on_step=stop), NoOptions())
