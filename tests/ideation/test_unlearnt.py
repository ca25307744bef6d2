"""What Seedling draws for words that it has never learnt, and what the offline expander keeps for it."""

from __future__ import annotations

import pytest

from ideation import (
    Clause,
    DraftRequest,
    OfflineExpander,
    built_in_words,
    notes_on_unlearnt,
    seedling_vocabulary,
    told,
    typed_concept,
)
from ideation.expansion import is_on_unlearnt, says_no_more_than_unlearnt

SEEDLING = seedling_vocabulary()


def notes(simple: str, expanded: str = "") -> tuple[Clause, ...]:
    return notes_on_unlearnt(simple, expanded, SEEDLING)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("two cats", {"subject": "cat"}),
        ("three foxes riding a bicycle", {"subject": "fox", "action": "riding a bicycle"}),
        ("a pair of oxen", {"subject": "cow"}),
        ("two magic horses", {"subject": "unicorn"}),
        ("geese", {"subject": "chicken"}),
        ("a smiling wolf", {"subject": "dog"}),
        ("a painting of a wolf", {"subject": "dog"}),
        ("a polar bear skiing downhill", {"subject": "bear", "action": "riding a skateboard"}),
        ("a cat playing her ukulele", {"subject": "cat", "action": "playing the guitar"}),
        ("feeding the pigeons", {}),
        ("a clown with a parrot", {}),
        ("a cat riding a horse", {"subject": "cat"}),
        ("riding a mechanical bull", {}),
        ("a rubber duck", {}),
        ("a cat eating a hot dog", {"subject": "cat", "action": "eating pizza"}),
    ],
)
def test_plurals_and_relatives_are_found_where_they_stand_for_the_subject(text: str, found: dict[str, str]) -> None:
    assert {kind: term.name for kind, term in SEEDLING.find(text).items()} == found


def test_every_phrase_is_for_one_thing() -> None:
    phrases = [
        phrase.casefold()
        for terms in SEEDLING.terms.values()
        for term in terms
        for phrase in (*term.phrases, *term.near)
    ]
    assert len(phrases) == len(set(phrases))
    for kind in ("subject", "action"):
        for term in SEEDLING.terms[kind]:
            assert term.near, f"nothing is near {term.name}"
            assert all(
                SEEDLING.find(f"a {said}").get(kind) == term for said in (*term.phrases, *term.near, *term.plurals)
            )
            assert not SEEDLING.unknown_words(f"a {term.name}")
            assert all(SEEDLING.unknown_words(f"a {said}") == [said] for said in term.near)
    assert SEEDLING.counts[2][0] == "two"
    assert SEEDLING.sides["right"][0] == "on the right"
    assert not SEEDLING.unknown_words("a couple of cats on the left, two dogs on the right side, one cow")


def near(word: str, drawn: str) -> str:
    return f'Seedling has never learnt "{word}": in its place it draws "{drawn}", the nearest that it knows.'


def box(word: str) -> str:
    return f'Seedling has never learnt "{word}": in its place it draws a box with a question mark.'


def box_with(word: str, action: str) -> str:
    return (
        f'Seedling has never learnt "{word}" as a subject, only from "{action}": as a rule it draws a box with a '
        f'question mark and "{word}" beside it.'
    )


def beside(word: str) -> str:
    return f'Seedling has never learnt "{word}": instead it draws a box with a question mark beside the subject.'


def how_many(words: str) -> str:
    return (
        f'Seedling has learnt to draw one, two or three of a subject, and not "{words}": how many it draws is chance.'
    )


def several(words: str) -> str:
    return (
        f"Seedling has learnt to draw one kind of subject in a picture, and here are several ({words}): which of them "
        "it draws is chance."
    )


def other(words: str) -> str:
    return f"Seedling has never learnt {words}, so the picture may show something else there."


@pytest.mark.parametrize(
    ("simple", "said"),
    [
        ("two cats on the left, watercolor style", []),
        ("a wolf", [near("wolf", "dog")]),
        ("three wolves on the right", [near("wolves", "dogs")]),
        ("(a polar bear:1.2) in the snow", [near("polar bear", "bear")]),
        ("a wolf skiing", [near("wolf", "dog"), near("skiing", "riding a skateboard")]),
        ("a gnu riding a bicycle", [box("gnu")]),
        ("a grandmother's kitchen table at night", [box("grandmother's kitchen table")]),
        ("a bowl of noodles", [box("bowl of noodles")]),
        ("a soup dumpling", [box("soup dumpling")]),
        ("a boat at night", [box_with("boat", "sailing a boat")]),
        ("two pizzas", [box_with("pizzas", "eating pizza")]),
        ("a trumpet riding a bicycle", [box_with("trumpet", "blowing a trumpet")]),
        ("an ice cream", [box_with("ice cream", "eating ice cream")]),
        ("a street lamp", [box("street lamp")]),
        ("a dog filing tax returns", [beside("filing tax returns")]),
        ("a dog steering a hot-air balloon", [beside("steering a hot-air balloon")]),
        ("a sloth filing tax returns", [near("sloth", "koala"), beside("filing tax returns")]),
        ("an honest politician doing yoga, ink wash", [box("honest politician"), beside("doing yoga")]),
        ("five cats", [how_many("five cats")]),
        ("12 geese", [near("geese", "chickens"), how_many("12 geese")]),
        ("a crowd of red robots in a city", [how_many("a crowd of red robots")]),
        ("a dog and a cat", [several('"dog", "cat"')]),
        ("a wolf and a dog", [near("wolf", "dog"), several('"wolf", "dog"')]),
        ("a cat and a teapot", [several('"cat", "teapot"'), other('"teapot"')]),
        ("a robot dog", []),
        # A subject is one thing with the word before it, and so is a name of several words.
        ("an owl professor", [other('"professor"')]),
        ("the Monkey King at night", [other('"King"')]),
        ("a dragon boat at night", [other('"boat"')]),
        ("an owl and a professor", [several('"owl", "professor"'), other('"professor"')]),
        ("Li Bai and Du Fu", [several('"Li Bai", "Du Fu"'), other('"Li Bai", "Du Fu"')]),
        # What is said of a subject behind it is no other subject.
        ("a penguin unable to fly", [other('"unable", "fly"')]),
        ("a cat asleep at noon", [other('"asleep"')]),
        # What was told of a word is not told again of the same word.
        ("a gnu swimming in a swimming pool", [box("gnu"), beside("swimming"), other('"pool"')]),
        # Where it is not clear what a word is for, nothing is promised.
        ("a happy dog", [other('"happy"')]),
        ("a tree", [other('"tree"')]),
        ("a star riding a bicycle", [other('"star"')]),
        ("a sleeping cat", [other('"sleeping"')]),
        ("a dog eating cold pizza", [other('"eating cold pizza"')]),
        ("a dog standing on a beach", [other('"standing"')]),
        ("a dog sitting", [other('"sitting"')]),
        ("a cat smiling at noon", [other('"smiling"')]),
        ("a dog looking at you", [other('"looking", "you"')]),
        ("a cat riding on a bicycle", [other('"riding", "bicycle"')]),
        ("a single dog", [other('"single"')]),
        ("a dog named Max riding a bicycle", [other('"named", "Max"')]),
        ("a clown with a parrot", [box("clown"), other('"parrot"')]),
        ("a penguin with a polar bear", [other('"polar bear"')]),
        ("a penguin hugging a teddy bear", [beside("hugging a teddy bear")]),
        ("一隻狗", [other('"一隻狗"')]),
    ],
)
def test_what_is_drawn_for_a_word_that_was_never_learnt(simple: str, said: list[str]) -> None:
    assert notes(simple) == tuple(said)
    assert all(is_on_unlearnt(note) for note in said)
    assert [note for note in said if says_no_more_than_unlearnt(note)] == [n for n in said if "something else" in n]


def test_what_is_added_and_was_never_learnt_is_told_too() -> None:
    assert notes("a penguin", "a penguin with a polar bear") == (other('"polar bear"'),)
    assert SEEDLING.undrawn("a penguin", "a penguin with a polar bear") == ("polar bear",)
    assert notes("a wolf", "a wolf on a sofa at night") == (near("wolf", "dog"), other('"sofa"'))
    assert notes_on_unlearnt("a gnu", "a gnu on a sofa", None) == ()
    [long] = notes("a dog", ", ".join(f"gnu{'abcdefghijklmnopqrst'[n]}" for n in range(20)))
    assert "and 8 more words" in long


def test_every_idea_of_the_lists_has_a_clear_note() -> None:
    words, learnt = built_in_words(), {term.name for terms in SEEDLING.terms.values() for term in terms}
    said = [notes(f"a {word.en}") for word in words.topics if word.en not in learnt]
    said += [notes(f"a dog {word.en}") for word in words.actions if word.en not in learnt]
    assert all(said)
    assert sum(any(says_no_more_than_unlearnt(note) for note in of_one) for of_one in said) <= 2


@pytest.mark.parametrize(
    ("note", "chinese"),
    [
        (near("polar bear", "bear"), "Seedling 沒有學過「polar bear」，會改畫它學過的詞裡最接近的「bear」。"),
        (box("gnu"), "Seedling 沒有學過「gnu」，會改畫一個打了問號的箱子。"),
        (beside("doing yoga"), "Seedling 沒有學過「doing yoga」，會改在主題旁邊畫一個打了問號的箱子。"),
        (how_many("five cats"), "Seedling 只學過把主題畫成一個、兩個或三個，沒有學過「five cats」，畫出幾個全憑偶然。"),
        (
            several('"dog", "cat"'),
            "Seedling 只學過在一張圖裡畫一種主題，這裡卻有好幾種（「dog」、「cat」），畫出哪一種全憑偶然。",
        ),
    ],
)
def test_a_record_tells_it_in_chinese(note: str, chinese: str) -> None:
    assert told(note, "zh-TW") == chinese


@pytest.mark.parametrize(
    ("typed", "simple"),
    [
        ("two cats", "two cats"),
        ("3 mice playing the guitar", "3 mice playing the guitar"),
        ("a pair of pandas", "a pair of pandas"),
        ("two wolves skiing on the left", "two wolves skiing on the left"),
        ("a cat on the right side of the picture", "a cat on the right side of the picture"),
        ("three foxes riding a bicycle, watercolor style", "three foxes riding a bicycle, watercolor style"),
        ("a squid playing the violin", "a squid playing the violin"),
        ("two dragons on the left at night", "two dragons on the left at night"),
        ("兩隻貓", "two cats"),
        ("兩隻貓在彈吉他", "two cats playing the guitar"),
        ("三隻狐狸騎腳踏車", "three foxes riding a bicycle"),
        ("三隻老鼠", "three mice"),
        ("兩頭乳牛", "two cows"),
        ("三條龍放風箏", "three dragons flying a kite"),
        ("兩個外星人開車", "two aliens driving a car"),
        ("一對熊貓", "a pair of pandas"),
        ("3隻兔子", "three rabbits"),
        ("左邊有一隻狗", "a dog to the left"),
        ("一隻貓在右邊", "a cat to the right"),
        ("畫面左邊的一隻貓在看書", "a cat to the left reading a book"),
        ("一隻貓在圖的右邊", "a cat to the right"),
        ("右方有三隻兔子", "three rabbits to the right"),
        ("兩隻狗在左側打鼓", "two dogs playing the drums to the left"),
        ("兩匹狼在滑雪", "two wolves skiing downhill"),
        ("一隻北極熊", "a polar bear"),
        ("一隻倉鼠在拉小提琴", "a hamster playing the violin"),
        ("兩隻鵝", "two geese"),
        ("五隻貓", "five cats"),
        ("一隻貓和一隻狗", "a cat and a dog"),
        ("兩頭大象在打鼓，水彩風格", "two elephants playing the drums, watercolor style"),
    ],
)
def test_counts_sides_and_relatives_are_kept_and_a_scene_is_added(typed: str, simple: str) -> None:
    draft = OfflineExpander().draft(DraftRequest(typed_concept(typed), 7, 77, SEEDLING))
    assert draft.simple == simple
    said = simple.partition(",")[0]
    assert draft.expanded.startswith(said)
    assert set(SEEDLING.find(draft.expanded)) > set(SEEDLING.find(simple)), "a place, a time or a weather"
    assert set(SEEDLING.unknown_words(draft.expanded)) == set(SEEDLING.unknown_words(simple))
