"""One tokenizer for all: how text is cut into words, and that everybody who cuts cuts there."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from ideation import seedling_vocabulary
from ideation.english import as_written, plain_words, segments, words_of
from ideation.prompt import phrases_of
from ideation.prompt.phrases import SET_PHRASES

REPOSITORY = Path(__file__).parents[2]
ALPHABET = [
    "a",
    "B",
    "é",
    "e\u0301",
    "ß",
    "1",
    "-",
    "'",
    "’",
    ".",
    "_",
    " ",
    ",",
    "\n",
    "狗",
    "あ",
    "🐕",
    "\u200d",
    "(",
    "\u202e",
]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("?! ...", []),
        ("a dog, riding", ["a", "dog", "riding"]),
        ("the dog's well-known ice-cream", ["the", "dog's", "well-known", "ice-cream"]),
        ("rock'n'roll o’clock 'quoted'", ["rock'n'roll", "o’clock", "quoted"]),
        ("v1.5 at 2.5 mm", ["v1.5", "at", "2.5", "mm"]),
        ("on a beach.A dog at night.", ["on", "a", "beach", "A", "dog", "at", "night"]),
        ("snow_leopard _dog_", ["snow_leopard", "dog"]),
        ("cafe\u0301 Łódź", ["cafe\u0301", "Łódź"]),
        ("一隻狗 dog狗", ["一", "隻", "狗", "dog", "狗"]),
        ("🐕🚲 👩\u200d🚀", ["🐕", "🚲", "👩\u200d🚀"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [word.text for word in words_of(text)] == words
    assert all(text[word.start : word.end] == word.text for word in words_of(text))


def test_any_text_is_cut_without_loss() -> None:
    random = Random(12)
    for _ in range(2_000):
        text = "".join(random.choices(ALPHABET, k=random.randrange(25)))
        words = words_of(text)
        assert "".join(stretch for _, stretch in segments(text)) == text
        assert [word for word, _ in segments(text) if word] == words
        assert "".join(word.text for word in as_written(words)) == "".join(word.text for word in words)
        for piece in (word for word in words if len(word.text) > 1):
            # A word stays what it is wherever it stands.
            assert [word.text for word in words_of(f"({piece.text}, ")] == [piece.text], repr(text)
        assert plain_words(text) == plain_words(" ".join(word.text for word in words))


def test_no_other_module_has_a_pattern_of_its_own_for_words() -> None:
    """A pattern that means "a run of letters" is a second tokenizer; those for syntax and names are another matter."""
    cuts = re.compile(r'(?:findall|finditer|split|compile)\(\s*rf?"(?:\\w|\[\^\\W[^\]]*\]|\[a-z0?[^\]]*\])\+')
    found = [
        f"{file.relative_to(REPOSITORY)}: {line.strip()}"
        for package in ("ideation", "compare", "commands")
        for file in sorted((REPOSITORY / package).rglob("*.py"))
        # The writer of runs makes names of folders; notes tell runs of another script, which are cut into no words.
        if file.name not in ("words.py", "writer.py", "notes.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if cuts.search(line)
    ]
    assert found == []


def test_what_seedling_was_taught_as_one_phrase_is_never_cut() -> None:
    taught = [phrase for terms in seedling_vocabulary().terms.values() for term in terms for phrase in term.phrases]
    cut = [phrase for phrase in taught if [text for text, _, _ in phrases_of(phrase)] != [phrase]]
    assert cut == []
    assert set(SET_PHRASES) <= set(taught)
