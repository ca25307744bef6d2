"""Wildcard collections, as people bring them from other tools."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from ideation import PatternPlan, Wildcards, WordListError, built_in_wildcards, built_in_words, read_wildcards


def collection(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def texts(wildcards: Wildcards, name: str) -> list[str]:
    return [entry.text for entry in wildcards.entries(name)]


def test_a_collection_has_files_in_folders_and_names_in_files(tmp_path: Path) -> None:
    files = {
        "place.txt": "\ufeff# where\r\nthe moon\r\n\r\n  a beach  \r\n",
        "animals/cat.txt": "tabby\ntomcat",
        "animals/all.yaml": "dogs:\n  - poodle\n  - pug\nbirds:\n  big: [emu]\n  small: wren\n",
        "animals/fish.json": '\ufeff["carp",\t"\\ud83d\\udc20 eel"]',
        "colour.yml": "- red\n- no\n- 7\n",
        "UPPER.TXT": "x",
        ".hidden/secret.txt": "nothing",
        "readme.md": "nothing",
    }
    wildcards = read_wildcards(collection(tmp_path, files))
    assert {name: texts(wildcards, name) for name in wildcards.names} == {
        "UPPER": ["x"],
        "animals/birds/big": ["emu"],
        "animals/birds/small": ["wren"],
        "animals/cat": ["tabby", "tomcat"],
        "animals/dogs": ["poodle", "pug"],
        "animals/fish": ["carp", "\U0001f420 eel"],
        "colour": ["red", "no", "7"],
        "place": ["the moon", "a beach"],
    }
    assert wildcards.matching("animals/*") == [
        "animals/birds/big",
        "animals/birds/small",
        "animals/cat",
        "animals/dogs",
        "animals/fish",
    ]
    assert wildcards.matching("*/birds/[bs]*") == ["animals/birds/big", "animals/birds/small"]
    assert wildcards.matching("animals") == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", "2::dog\n0.5 :: cat\nowl\n"),
        ("x.yaml", "- dog: 2\n- 0.5::cat\n- owl\n"),
        ("x.yaml", "- {text: dog, weight: 2}\n- {content: cat, weight: 0.5}\n- {text: owl}\n"),
        ("x.json", '[{"dog": 2}, {"text": "cat", "weight": 0.5}, "owl"]'),
    ],
)
def test_entries_may_have_weights(tmp_path: Path, name: str, content: str) -> None:
    wildcards = read_wildcards(collection(tmp_path, {name: content}))
    assert [(entry.text, entry.weight) for entry in wildcards.entries("x")] == [
        ("dog", Fraction(2)),
        ("cat", Fraction(1, 2)),
        ("owl", Fraction(1)),
    ]


def test_an_entry_that_is_there_twice_is_twice_as_heavy(tmp_path: Path) -> None:
    wildcards = read_wildcards(collection(tmp_path, {"x.txt": "dog\ncat\n2::dog\n"}))
    assert [(entry.text, entry.weight) for entry in wildcards.entries("x")] == [
        ("dog", Fraction(3)),
        ("cat", Fraction(1)),
    ]


def test_entries_know_where_they_stand(tmp_path: Path) -> None:
    files = {"t.txt": "\n  2::dog\n", "y.yaml": "a:\n  - cat\n  - 'owl'\n", "j.json": '[\n\t"dog",\n\t{"cat": 2}]'}
    wildcards = read_wildcards(collection(tmp_path, files))
    assert [(e.place.line, e.place.column) for e in wildcards.entries("t")] == [(2, 6)]
    assert [(e.place.line, e.place.column) for e in wildcards.entries("a")] == [(2, 5), (3, 6)]
    assert [(e.place.line, e.place.column) for e in wildcards.entries("j")] == [(2, 3), (3, 2)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.md": "x"}, "has no lists"),
        ({"a.txt": "x", "a.yaml": "- y"}, "two lists are called 'a': in "),
        ({"a.yaml": "x: [1]\ny: [2]", "b.json": '{"x": ["3"]}'}, "two lists are called 'x': in "),
        ({"a.yaml": "- [x, y]"}, "a.yaml, line 1, column 3: this is not an entry"),
        ({"a.yaml": "- ok\n- {x: 1, y: 2}"}, "a.yaml, line 2, column 3: this is not an entry"),
        ({"a.yaml": "- x: heavy"}, "the weight 'heavy' is not a number"),
        ({"a.yaml": "- x\n- [y"}, "a.yaml, line 2, column 5: this is not YAML"),
        ({"a.yaml": "- !!python/module:os"}, "a.yaml, line 1, column 3: this is not YAML: the tag 'tag:yaml.org"),
        ({"a.yaml": "x: !evil [y]"}, "the tag '!evil' is not read"),
        ({"a.yaml": "- !!binary ZG9n"}, "binary' is not read"),
        ({"a.yaml": f"? {'k' * 300}\n: x"}, "a.yaml, line 1, column 3: the name of a list has 300 characters"),
        ({"a.yaml": "just text"}, "holds neither lists nor names of lists"),
        ({"a.yaml": "x: []"}, "has an empty list"),
        ({"a.yaml": "x: &x {y: *x}"}, "the names are nested too deep"),
        ({"a.json": '["x",'}, "a.json, line 1: this is not JSON"),
        ({"a.json": "[" * 100_000}, "a.json: this is not JSON"),
        ({"a.json": '["x", 2, null, ["y"]]'}, "a.json, line 1, column 16: this is not an entry"),
        ({"a.yaml": b"- b\xe4r"}, "a.yaml, line 1: this is not UTF-8 text"),
    ],
)
def test_a_collection_that_cannot_be_used_says_where(
    tmp_path: Path, files: Mapping[str, str | bytes], message: str
) -> None:
    with pytest.raises(WordListError) as caught:
        read_wildcards(collection(tmp_path, files))
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# nothing", "has an empty list"),
        ("dog\n0::cat", "a.txt, line 2, column 4: the weight 0 is not from"),
        (b"dog\nb\xe4r", "a.txt, line 2: this is not UTF-8 text"),
    ],
)
def test_a_text_file_is_read_when_it_is_needed(tmp_path: Path, content: str | bytes, message: str) -> None:
    wildcards = read_wildcards(collection(tmp_path, {"a.txt": content, "b.txt": "fine"}))
    assert texts(wildcards, "b") == ["fine"]
    with pytest.raises(WordListError) as caught:
        wildcards.entries("a")
    assert message in caught.value.message


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(WordListError, match="there is no folder"):
        read_wildcards(tmp_path / "nowhere")


def test_the_built_in_words_are_wildcards_too() -> None:
    words = built_in_words()
    plan = PatternPlan("__topics__ __actions__, __styles__", built_in_wildcards(words))
    assert plan.count == words.size
    first = f"{words.topics[0].en} {words.actions[0].en}, {words.styles[0].en}"
    assert list(plan.enumerate(0, 1)) == [first]
    chinese = PatternPlan("__topics__", built_in_wildcards(words, chinese=True))
    assert set(chinese.enumerate()) == {word.zh for word in words.topics}
