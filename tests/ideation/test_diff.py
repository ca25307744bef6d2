"""The word diff: a table of cases, and what holds for any two prompts."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from ideation.english import Piece, diff, words_of


@pytest.mark.parametrize(
    ("simple", "expanded", "pieces"),
    [
        ("", "", []),
        ("a dog", "a dog", [("same", "a dog")]),
        ("", "a dog", [("added", "a dog")]),
        ("a dog", "", [("removed", "a dog")]),
        ("a dog", "a cat", [("same", "a "), ("removed", "dog"), ("added", "cat")]),
        ("a dog, watercolor", "A DOG (watercolor)", [("same", "A DOG (watercolor)")]),
        (
            "a dog riding a bicycle, ink wash",
            "a golden dog riding a bicycle on a beach, ink wash",
            [
                ("same", "a "),
                ("added", "golden "),
                ("same", "dog riding a bicycle "),
                ("added", "on a beach, "),
                ("same", "ink wash"),
            ],
        ),
        # The dog keeps its own article, although an earlier "a" would do as well.
        ("a dog", "a watercolor of a dog", [("added", "a watercolor of "), ("same", "a dog")]),
        ("一隻狗騎車", "一隻大狗騎車", [("same", "一隻"), ("added", "大"), ("same", "狗騎車")]),
        ("狗 dog", "狗dog", [("same", "狗dog")]),
        ("a dog", "a dog 🐕", [("same", "a dog "), ("added", "🐕")]),
        ("dog's day", "dog day", [("removed", "dog's "), ("added", "dog "), ("same", "day")]),
        ("stained-glass owl", "stained-glass owl", [("same", "stained-glass owl")]),
        ("!!", "??", [("same", "??")]),
        ("!! a", "a", [("removed", "!! "), ("same", "a")]),
    ],
)
def test_pieces(simple: str, expanded: str, pieces: list[tuple[str, str]]) -> None:
    assert [(piece.kind, piece.text) for piece in diff(simple, expanded)] == pieces


def test_same_words_keep_their_spelling_on_both_sides() -> None:
    assert diff("A dog!", "a Dog.") == [Piece("same", "A dog!", "a Dog.")]


ALPHABET = [
    "a",
    "A",
    "dog",
    "Dog",
    "cat's",
    "狗",
    "貓",
    " ",
    " ",
    ", ",
    "-",
    "(",
    ")",
    "1.3",
    "é",
    "🐕",
    "\n",
    "\u202e",
    "ß",
]


@pytest.mark.parametrize("seed", range(300))
def test_any_two_prompts(seed: int) -> None:
    chance = random.Random(seed)
    simple, expanded = ("".join(chance.choices(ALPHABET, k=chance.randrange(30))) for _ in range(2))
    pieces = diff(simple, expanded)

    assert "".join(piece.simple for piece in pieces) == simple
    assert "".join(piece.expanded for piece in pieces) == expanded
    for piece in pieces:
        match piece.kind:
            case "same":
                assert [w.key for w in words_of(piece.simple)] == [w.key for w in words_of(piece.expanded)]
            case "added":
                assert (piece.simple, bool(piece.expanded)) == ("", True)
            case "removed":
                assert (piece.expanded, bool(piece.simple)) == ("", True)
    assert all(first.kind != second.kind for first, second in itertools.pairwise(pieces))


@pytest.mark.parametrize("seed", range(50))
def test_words_that_were_put_in_are_found(seed: int) -> None:
    """Inserting words that are nowhere else marks exactly these words, so no smaller diff was missed."""
    chance = random.Random(seed)
    words = chance.choices(["a", "dog", "on", "the", "moon"], k=12)
    mixed = list(words)
    for number in range(6):
        mixed.insert(chance.randrange(len(mixed) + 1), f"new{number}")
    pieces = diff(" ".join(words), " ".join(mixed))
    assert sorted(word for p in pieces if p.kind == "added" for word in p.text.split()) == [f"new{n}" for n in range(6)]
    assert not [piece for piece in pieces if piece.kind == "removed"]


def test_monstrous_prompts_end_soon() -> None:
    started = time.perf_counter()
    for simple, expanded in [
        ("a " * 990, "a b " * 500),
        ("a " * 20_000, "b a " * 20_000),
        ("狗" * 5000, "貓狗" * 2500),
    ]:
        pieces = diff(simple, expanded)
        assert "".join(piece.expanded for piece in pieces) == expanded
    assert time.perf_counter() - started < 10
