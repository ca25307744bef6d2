"""The draw: no repeats, even, the same everywhere, from any place on."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter

import pytest

from ideation import DrawError, Word, WordLists, built_in_words, draw, draw_many, pinned
from ideation.draw.randomizer import WINDOW

WORDS = built_in_words()


def small_lists(topics: int, actions: int, styles: int) -> WordLists:
    def numbered(name: str, count: int) -> tuple[Word, ...]:
        return tuple(Word(f"{name}{number}", f"{name}{number}") for number in range(count))

    return WordLists(numbered("topic", topics), numbered("action", actions), numbered("style", styles))


def shared_parts(words: WordLists, seed: int) -> int:
    drawn = list(draw_many(words, seed, 0, words.size))
    return sum(
        (one.topic == other.topic) + (one.action == other.action) + (one.style == other.style)
        for one, other in itertools.pairwise(drawn)
    )


@pytest.mark.parametrize(
    ("seed", "index", "text"),
    [
        (0, 0, "a cow ice skating, Pieter Bruegel style"),
        (1, 0, "a giraffe pushing a shopping cart, Taiwanese temple painting style"),
        (1, 99_999, "a giraffe shopping for hats, screen print style"),
        (7, 2_550_409, "a tortoise directing traffic, Paul Klee style"),
        (2**63 - 1, 1_234_567, "a wizard driving a tractor, Art Deco style"),
    ],
)
def test_a_seed_and_a_place_always_give_the_same_concept(seed: int, index: int, text: str) -> None:
    concept = draw(WORDS, seed=seed, index=index)
    assert (concept.text, concept.seed, concept.index, concept.language) == (text, seed, index, "en")


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 7, 5), (2, 1, 9), (5, 4, 3), (13, 11, 7), (64, 2, 2), (3, 65, 1)])
def test_the_whole_space_comes_once_each(sizes: tuple[int, int, int]) -> None:
    words = small_lists(*sizes)
    for seed in (0, 1, 12345):
        drawn = [concept.text for concept in draw_many(words, seed, 0, words.size)]
        assert len(set(drawn)) == words.size
    assert words.size < 10 or drawn != [concept.text for concept in draw_many(words, 0, 0, words.size)]


def test_a_hundred_thousand_without_repeat_and_even() -> None:
    drawn = list(draw_many(WORDS, 1, 0, 100_000))
    assert len({concept.text for concept in drawn}) == 100_000
    assert [concept.index for concept in drawn] == list(range(100_000))
    counts = Counter(concept.topic for concept in drawn)
    even = 100_000 / len(WORDS.topics)
    assert set(counts) == set(WORDS.topics)
    assert all(abs(count - even) <= 0.02 * even for count in counts.values())
    assert list(draw_many(WORDS, 1, 50_000, 50_000)) == drawn[50_000:]


@pytest.mark.parametrize("start", [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 1000])
def test_a_draw_goes_on_where_the_last_one_ended(start: int) -> None:
    whole = list(draw_many(WORDS, 3, 0, 1200))
    assert list(draw_many(WORDS, 3, start, 100)) == whole[start : start + 100]
    assert draw(WORDS, seed=3, index=start) == whole[start]


def test_neighbours_share_no_part() -> None:
    assert shared_parts(small_lists(12, 10, 9), seed=5) == 0
    drawn = list(draw_many(WORDS, 9, 0, 20_000))
    for one, other in itertools.pairwise(drawn):
        assert one.topic != other.topic
        assert one.action != other.action
        assert one.style != other.style


def test_neighbours_of_a_pinned_draw_differ_in_all_the_rest() -> None:
    drawn = list(draw_many(pinned(WORDS, topic="dog"), 2, 0, 2000))
    assert all(one.action != other.action for one, other in itertools.pairwise(drawn))
    assert all(one.style != other.style for one, other in itertools.pairwise(drawn))
    assert len({concept.text for concept in drawn}) == 2000


def test_a_topic_meets_every_action_before_one_comes_again() -> None:
    drawn = list(draw_many(pinned(WORDS, topic="dog"), 2, 0, len(WORDS.actions) * 2 // WINDOW * WINDOW))
    first = Counter(concept.action for concept in drawn[: len(WORDS.actions) // WINDOW * WINDOW])
    assert max(first.values()) == 1


def test_seeds_give_unrelated_orders() -> None:
    one, other = ({concept.text for concept in draw_many(WORDS, seed, 0, 1000)} for seed in (1, 2))
    assert len(one & other) < 10


def test_chinese_draws_are_the_same_concepts() -> None:
    english = draw(WORDS, seed=4, index=8)
    chinese = draw(WORDS, seed=4, index=8, language="zh-TW")
    assert (english.topic, english.action, english.style) == (chinese.topic, chinese.action, chinese.style)
    assert chinese.topic is not None
    assert chinese.text.startswith(f"一{chinese.topic.measure}{chinese.topic.zh}")
    assert chinese.text.endswith("風格")


@pytest.mark.parametrize(
    ("seed", "start", "count", "message"),
    [
        (-1, 0, 1, "the seed is -1"),
        (0, -5, 1, "start is -5"),
        (0, 0, 0, "0 concepts were asked for"),
        (0, 0, -3, "-3 concepts were asked for"),
        (0, 0, 61, "these word lists give 60"),
        (0, 60, 1, "concepts 60 to 60 were asked for, but these word lists give 60"),
        (0, 10**30, 1, "these word lists give 60"),
    ],
)
def test_a_draw_that_cannot_be_made_says_so_at_once(seed: int, start: int, count: int, message: str) -> None:
    with pytest.raises(DrawError) as caught:
        draw_many(small_lists(5, 4, 3), seed, start, count)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", ["ink wash", "INK WASH", " ink  wash ", "水墨畫"])
def test_a_part_is_pinned_by_either_name(name: str) -> None:
    assert [word.en for word in pinned(WORDS, style=name).styles] == ["ink wash"]


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("my cat", "my cat riding a bicycle, Joan Miro style"),
        ("velociraptor", "a velociraptor riding a bicycle, Joan Miro style"),
        ("old otter", "an old otter riding a bicycle, Joan Miro style"),
        ("two dogs", "two dogs riding a bicycle, Joan Miro style"),
        ("Mona Lisa", "Mona Lisa riding a bicycle, Joan Miro style"),
    ],
)
def test_an_own_word_is_taken_as_typed(topic: str, text: str) -> None:
    words = pinned(WORDS, topic=topic, action="riding a bicycle", style="joan miro")
    assert words.size == 1
    assert draw(words, seed=0, index=0).text == text


def test_weighted_entries_come_in_proportion() -> None:
    cat, dog = Word("cat", "貓"), Word("dog", "狗")
    words = WordLists((cat, cat, cat, dog), WORDS.actions, WORDS.styles)
    counts = Counter(concept.topic for concept in draw_many(words, 3, 0, 4000))
    assert counts == {cat: 3000, dog: 1000}


def test_what_is_left_out_never_comes() -> None:
    words = pinned(WORDS, topic="dog", exclude=["INK  wash", "在迪斯可舞廳跳舞", "riding a bicycle", "cat"])
    assert {word.en for word in WORDS.styles} - {word.en for word in words.styles} == {"ink wash"}
    assert "riding a bicycle" not in {word.en for word in words.actions}
    assert [word.en for word in words.topics] == ["dog"]


@pytest.mark.parametrize(
    ("topic", "exclude", "message", "hint"),
    [
        (None, ["octopuss"], "'octopuss' is to be left out, but no list has it", "did you mean 'octopus'?"),
        (None, ["zzzzzzzz"], "'zzzzzzzz' is to be left out, but no list has it", "twinseed list words"),
        (None, [""], "'' is to be left out, but no list has it", "twinseed list words"),
        ("dog", ["cat", "狗"], "nothing is left of the topics", "leave out less"),
    ],
)
def test_what_cannot_be_left_out(topic: str | None, exclude: list[str], message: str, hint: str) -> None:
    with pytest.raises(DrawError) as caught:
        pinned(WORDS, topic=topic, exclude=exclude)
    assert caught.value.message == message
    assert hint in caught.value.hint


@pytest.mark.parametrize("topic", ["", "   ", "x" * 201])
def test_an_empty_or_endless_pin_is_an_error(topic: str) -> None:
    with pytest.raises(DrawError, match="the topic is"):
        pinned(WORDS, topic=topic)


def test_ideas_and_offline_expansion_never_load_torch() -> None:
    script = """
import sys
import ideation
words = ideation.built_in_words()
concepts = list(ideation.draw_many(words, 1, 0, 100))
ideation.OfflineExpander().draft(ideation.DraftRequest(concepts[0], 1, 77))
heavy = {"torch", "transformers", "diffusers", "numpy", "google.generativeai", "openai"} & set(sys.modules)
assert not heavy, heavy
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 0, finished.stderr
