"""Wildcard collections, as people bring them from other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from conftest import Twinseed

from ideation import (
    PatternError,
    PatternPlan,
    Wildcards,
    WordListError,
    built_in_wildcards,
    built_in_words,
    read_wildcards,
)


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


#: Files, and what is said to whoever asks for the list `a`. Nobody else hears of it.
FAULTY: list[tuple[dict[str, str | bytes], str, str]] = [
    ({"a.yaml": "- y", "a.txt": "x"}, "two lists are called 'a': in ", "rename"),
    ({"x.yaml": "a: [1]\ny: [2]", "y.json": '{"a": ["3"]}'}, "two lists are called 'a': in ", "rename"),
    ({"a.yaml": "- [x, y]"}, "a.yaml, line 1, column 3: a list stands inside a list", "in quotes"),
    ({"a.yaml": "- - x\n  - y"}, "a.yaml, line 1, column 3: a list stands inside a list", "second dash"),
    ({"a.yaml": "- ok\n- {x: 1, y: 2}"}, "a.yaml, line 2, column 3: this is not an entry", "{text: 2}"),
    ({"a.yaml": "- x: heavy"}, "column 3: 'x' and what follows its colon are read as a name", 'quotes, as in - "'),
    ({"a.yaml": "a:\n  - style: anime\n"}, "line 2, column 5: 'style' and what follows its colon", 'quotes, as in - "'),
    ({"a.yaml": "- at 12: 30:15"}, "column 3: 'at 12' and what follows its colon", 'quotes, as in - "'),
    ({"a.yaml": "- cat:"}, "column 3: 'cat' and what follows its colon", 'quotes, as in - "'),
    ({"a.json": '[{"cat": null}]'}, "column 2: 'cat' and what follows its colon", "quotes"),
    ({"a.yaml": "- !loud cat"}, "column 3: this is not YAML: the tag '!loud' is not read", "quotes"),
    ({"a.yaml": "- !!python/module:os"}, "column 3: this is not YAML: the tag 'tag:yaml.org", "quotes"),
    ({"a.yaml": "a: !evil [y]"}, "column 4: this is not YAML: the tag '!evil' is not read", "quotes"),
    ({"a.yaml": "- !!binary ZG9n"}, "binary' is not read", "quotes"),
    ({"a.yaml": f"? {'k' * 300}\n: x"}, "line 2, column 3: the name of a list has 300 characters", "a short name"),
    ({"a.yaml": "- x\n- [y"}, "a.yaml, line 2, column 5: this is not YAML", "quotes"),
    (
        {"a.yaml": "- @someone"},
        "a.yaml, line 1, column 3: this is not YAML: found character '@'",
        "begins with any of @",
    ),
    ({"a.yaml": "- {red|blue} cat"}, "a.yaml, line 1, column 14: this is not YAML", "{ ["),
    ({"a.yaml": "- x\n---\n- y"}, "line 2, column 1: this is not YAML: expected a single document", "- dog"),
    ({"a.yaml": "just text"}, "holds neither lists nor names of lists", "- dog"),
    ({"a.yaml": "a: []"}, "has an empty list", "one entry on each line"),
    ({"a.yaml": "a:"}, "has an empty list", "one entry on each line"),
    ({"a.yaml": "# only a comment"}, "has an empty list", "one entry on each line"),
    ({"a.yaml": "x: &x {y: *x}"}, "the names are nested too deep", "20 levels"),
    ({"a.yaml": "x: &x\n  <<: *x"}, "the names are nested too deep", "20 levels"),
    ({"a.yaml": "<<: [x]"}, "a.yaml, line 1, column 6: << takes over the names of a mapping", "<<: *animals"),
    ({"a.json": '["x",'}, "a.json, line 1: this is not JSON", '["dog", "cat"]'),
    ({"a.json": "[" * 100_000}, "a.json: this is not JSON", '["dog", "cat"]'),
    ({"a.json": "9" * 5_000}, "a.json: this is not JSON", '["dog", "cat"]'),
    ({"a.yaml": "[" * 20_000}, "a.yaml, line 1, column 51: this is not YAML: brackets are nested too deeply", "- dog"),
    ({"a.json": '["x", 2, null]'}, "a.json, line 1, column 10: there is nothing here", 'write ""'),
    ({"a.yaml": "- x\n-\n"}, "a.yaml, line 2, column 2: there is nothing here", 'write ""'),
    ({"a.yaml": b"- b\xe4r"}, "a.yaml cannot be read: line 1 is not UTF-8 text", "save it as UTF-8"),
    ({"a.txt": b"dog\nb\xe4r"}, "a.txt cannot be read: line 2 is not UTF-8 text", "save it as UTF-8"),
    ({"a.txt": "狗".encode("big5")}, "a.txt cannot be read: line 1 is not UTF-8 text", "save it as UTF-8"),
    ({"a.txt": "dog\ncat".encode("utf-16-le")}, "a.txt, line 1: there is a NUL character", "save the file as UTF-8"),
    ({"a.txt": "dog\n\x1b[31mcat"}, "a.txt, line 2, column 1: the entry contains control", "as plain text"),
    ({"a.txt": "dog\n" + "x" * 20_001}, "a.txt, line 2, column 1: the entry has 20,001 characters", "split it"),
    ({"a.txt": ""}, "has an empty list", "one entry on each line"),
    ({"a.txt": "# nothing"}, "has an empty list", "one entry on each line"),
    ({"a.txt": "dog\n0::cat"}, "a.txt, line 2, column 4: the weight 0 is not from", "take out"),
    ({"a.txt": "-1::cat"}, "a.txt, line 1, column 5: the weight -1 is not from", "0.5::cat"),
    ({"a.txt": "1,5::cat"}, "a.txt, line 1, column 6: the weight '1,5' is not a number", "0.5::cat"),
]


@pytest.mark.parametrize(("files", "message", "hint"), FAULTY, ids=lambda value: str(value)[:30])
def test_a_faulty_list_is_in_nobodys_way_but_of_those_who_ask_for_it(
    tmp_path: Path, files: Mapping[str, str | bytes], message: str, hint: str
) -> None:
    wildcards = read_wildcards(collection(tmp_path, {"b.txt": "fine\n", **files}))
    assert list(PatternPlan("__b__", wildcards).enumerate()) == ["fine"]
    with pytest.raises(WordListError) as caught:
        PatternPlan("__a__", wildcards)
    assert message in caught.value.message
    assert hint in caught.value.hint
    if "y" not in wildcards.names:
        plan = PatternPlan("__*__", wildcards)
        assert list(plan.enumerate()) == ["fine"]
        assert [message in note for note in plan.notes] == [True], "a glob goes without it, and says so"


def test_a_list_that_is_nowhere_may_be_in_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    wildcards = read_wildcards(collection(tmp_path, {"b.txt": "fine", "more.yaml": "cats:\n- @someone"}))
    with pytest.raises(PatternError, match="there is no list called 'cats'") as caught:
        PatternPlan("__cats__", wildcards)
    assert "there are b; or it is in a file that cannot be read: " in caught.value.hint
    assert "more.yaml, line 2, column 3: this is not YAML" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "entries"),
    [
        ("a.txt", "cat\r\n貓\r\n".encode("utf-16"), ["cat", "貓"]),
        ("a.json", '["貓"]'.encode("utf-16"), ["貓"]),
        (
            "a.yaml",
            "- no\n- 2024-01-01\n- 1.50\n- true\n- 12:30\n- 'null'\n- \"\"\n",
            "no 2024-01-01 1.50 true 12:30 null ".split(" "),
        ),
        ("a.yaml", "a:\n  - {A|B|C}\n  - {2::a, b|c}\n", ["{A|B|C}", "{2::a, b|c}"]),
        ("a.yaml", "x: &x\n  cats: [pug]\n  a: [y]\nz: &z {a: [z]}\n<<: [*x, *z]\n", ["y"]),
        ("a.yaml", "x: &x [cat, &dog dog, *dog]\na: *x\n", ["cat", "dog"]),
    ],
)
def test_what_a_list_may_be_written_in(tmp_path: Path, name: str, content: str | bytes, entries: list[str]) -> None:
    assert texts(read_wildcards(collection(tmp_path, {name: content})), "a") == entries


def test_links_are_followed_and_lead_round_no_circle(tmp_path: Path) -> None:
    collection(tmp_path / "elsewhere", {"cat.txt": "tabby"})
    folder = collection(tmp_path / "words", {"animals/dog.txt": "pug"})
    for link, target in {
        "more": tmp_path / "elsewhere",
        "animals/up": folder,
        "round": folder / "round",
        "gone.txt": folder / "nowhere",
        "endless.txt": Path("/dev/zero"),
    }.items():
        (folder / link).symlink_to(target)
    wildcards = read_wildcards(folder)
    assert wildcards.names == ["animals/dog", "endless", "gone", "more/cat"]
    assert texts(wildcards, "more/cat") == ["tabby"]
    for name, reason in (("gone", "No such file"), ("endless", "it is not a regular file")):
        with pytest.raises(WordListError, match=f"cannot be read: {reason}"):
            wildcards.entries(name)


def test_a_name_is_the_same_however_it_is_typed(tmp_path: Path) -> None:
    wildcards = read_wildcards(collection(tmp_path, {"cafe\u0301.txt": "latte"}))
    assert list(PatternPlan("__caf\u00e9__ __cafe\u0301__", wildcards).enumerate()) == ["latte latte"]


def test_a_folder_without_lists(tmp_path: Path) -> None:
    with pytest.raises(WordListError, match="has no lists"):
        read_wildcards(collection(tmp_path, {"a.md": "x"}))


def test_the_lists_of_a_folder_are_listed_with_what_is_wrong(tmp_path: Path, twinseed: Twinseed) -> None:
    folder = collection(tmp_path, {"b.txt": "fine\nbest", "c.txt": "0::x", "d.json": "["})
    done = twinseed("list", "words", "--words", str(folder), "--json")
    assert json.loads(done.out) == [{"name": "b", "entries": 2, "first": "fine", "file": str(folder / "b.txt")}]
    assert "d.json, line 1: this is not JSON" in done.err
    assert "c.txt, line 1, column 4: the weight 0" in done.err
    assert twinseed("list", "styles", "--words", str(folder)).code == 1
    done = twinseed("ideas", "--pattern", "__*__", "--words", str(folder), "--all")
    assert done.out.splitlines() == ["fine", "best"]
    assert done.err.count("note: __*__ goes without a list: ") == 2
    collection(folder, {"topics.txt": "owl", "Styles.txt": "ink"})
    done = twinseed("ideas", "-n", "1", "--words", str(folder))
    assert "note: Styles.txt, b.txt, c.txt, d.json: not read" in done.err, (
        "without a pattern it is three lists that count"
    )


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
