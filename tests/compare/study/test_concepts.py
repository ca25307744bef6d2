"""Files of concepts in the forms in which people have them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from compare.study import ConceptFileError, read_concepts
from compare.study.concepts import AskedObject, StudyConcept, drawn_concepts, given_concepts
from ideation import built_in_words, typed_concept

PARTI = (
    "Prompt\tCategory\tChallenge\tNote\n"
    "a shiba inu\tAnimals\tBasic\t\n"
    'a sign that says "Very Deep Learning"\tIndoor Scenes\tWriting & Symbols\t\n'
    '"""Welcome Friends"" on a mat"\tArtifacts\tWriting & Symbols\ta note\n'
)
GENEVAL = "\n".join(
    json.dumps({"tag": tag, "include": [{"class": "bench", "count": 1}], "prompt": prompt})
    for tag, prompt in (("single_object", "a photo of a bench"), ("counting", "a photo of three benches"))
)


@pytest.mark.parametrize(
    ("name", "content", "concepts"),
    [
        ("lines.txt", "\ufeffa dog\n\n  a cat on a mat \n", [("a dog", None), ("a cat on a mat", None)]),
        (
            "PartiPrompts.tsv",
            PARTI,
            [
                ("a shiba inu", "Animals"),
                ('a sign that says "Very Deep Learning"', "Indoor Scenes"),
                ('"Welcome Friends" on a mat', "Artifacts"),
            ],
        ),
        (
            "evaluation_metadata.jsonl",
            GENEVAL,
            [("a photo of a bench", "single_object"), ("a photo of three benches", "counting")],
        ),
        ("list.json", '["a dog", {"text": "a cat"}]', [("a dog", None), ("a cat", None)]),
        ("table.csv", '類別,構想\n動物,"一隻狗, 一隻貓"\n', [("一隻狗, 一隻貓", "動物")]),
        ("table.csv", "prompt,category\r\na dog,\r\n", [("a dog", None)]),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and len(value) < 30 else "",
)
def test_forms_of_files(tmp_path: Path, name: str, content: str, concepts: list[tuple[str, str | None]]) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    source = read_concepts(tmp_path / name, None, 7)
    assert [(one.concept.text, one.category) for one in source.concepts] == concepts
    assert source.left_out == ()
    assert source.sha256 is not None


def test_what_geneval_wants_to_see_goes_along(tmp_path: Path) -> None:
    two, three = {"class": "bench", "count": 2, "color": "red"}, {"class": "bench", "count": 3}
    lines = [
        {"tag": "counting", "include": [two], "exclude": [three], "prompt": "two red benches"},
        {"tag": "two_object", "include": [{"class": "bench", "count": 1}, {"class": "cow", "count": 1}], "prompt": "b"},
    ]
    file = tmp_path / "evaluation_metadata.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    exact, some = (one.include for one in read_concepts(file, None, 7).concepts)
    assert exact == (AskedObject(name="bench", colour="red", count=2),)
    assert some == (AskedObject(name="bench"), AskedObject(name="cow"))  # one or more, as nothing is excluded
    plain = StudyConcept(concept=typed_concept("a dog"))
    assert "include" not in plain.model_dump(mode="json")  # the digests of older plans hold
    assert StudyConcept.model_validate_json(plain.model_dump_json()) == plain


def test_a_list_is_taken_whole_or_not_at_all() -> None:
    assert [one.concept.text for one in given_concepts(["a dog", "a cat"]).concepts] == ["a dog", "a cat"]
    for texts, complaint in ((["a dog", "a dog"], "stands there twice"), ([], "there is no concept")):
        with pytest.raises(ConceptFileError, match=complaint):
            given_concepts(texts)


def test_parquet_has_other_columns_too(tmp_path: Path) -> None:
    table = pa.table({"image_name": ["a.png", "b.png", "c.png"], "prompt": ["a dog", None, "a cat"], "seed": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "metadata.parquet")
    assert [one.concept.text for one in read_concepts(tmp_path / "metadata.parquet", None, 7).concepts] == [
        "a dog",
        "a cat",
    ]


#: As its makers describe `metadata.parquet`.
DIFFUSION_DB = pa.schema(
    [
        ("image_name", pa.string()),
        ("prompt", pa.string()),
        ("part_id", pa.uint16()),
        ("seed", pa.uint32()),
        ("step", pa.uint16()),
        ("cfg", pa.float32()),
        ("sampler", pa.uint8()),
        ("width", pa.uint16()),
        ("height", pa.uint16()),
        ("user_name", pa.string()),
        ("timestamp", pa.timestamp("us", "UTC")),
        ("image_nsfw", pa.float32()),
        ("prompt_nsfw", pa.float32()),
    ]
)


def test_diffusion_db_s_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        ("a small liquid sculpture, corvette, 4 k, ", 0.08, 0.004),
        ("a small liquid sculpture, corvette, 4 k, ", 0.31, 0.004),  # each row is a picture, and many share a prompt
        ("a lanky alien on a date", 2.0, 0.1),  # the picture was blurred
        ("a lanky alien on a date", 0.69, 0.1),
        ("something rude", 0.2, 0.93),
        (", , ", 0.1, 0.01),
        (None, None, None),
    ]
    content = {name: [None] * len(rows) for name in DIFFUSION_DB.names}
    content |= {"prompt": [row[0] for row in rows], "image_name": [f"{at}.png" for at in range(len(rows))]}
    content |= {"image_nsfw": [row[1] for row in rows], "prompt_nsfw": [row[2] for row in rows]}
    file = tmp_path / "metadata.parquet"
    parquet.write_table(pa.table(content, DIFFUSION_DB), file)
    source = read_concepts(file, None, 7)
    wanted = ["a small liquid sculpture, corvette, 4 k,", "a lanky alien on a date"]
    assert [one.concept.text for one in source.concepts] == wanted
    assert {one.category for one in source.concepts} == {None}
    assert source.left_out[:3] == (
        (2, "it stands there twice"),
        (3, "image_nsfw says that it is indecent"),
        (5, "prompt_nsfw says that it is indecent"),
    )
    assert len(source.left_out) == 4
    assert source.left_out_more == 0
    # Of millions of rows, the plan lists some that are left out, and counts the others.
    monkeypatch.setattr("compare.study.concepts.MOST_LISTED", 3)
    few = read_concepts(file, None, 7)
    assert (few.left_out, few.left_out_more) == (source.left_out[:3], 1)
    # The same with pictures in it, as the hub converts it.
    pictures = pa.array([{"bytes": b"", "path": None}] * len(rows))
    with_pictures = pa.table(content, DIFFUSION_DB).drop_columns(["image_name", "part_id"])
    parquet.write_table(with_pictures.append_column("image", pictures), tmp_path / "train-0.parquet")
    assert read_concepts(tmp_path / "train-0.parquet", None, 7).concepts == source.concepts


def test_what_is_no_concept_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("a dog\n---\na dog\na cat\x07\na bird\n", encoding="utf-8")
    source = read_concepts(tmp_path / "lines.txt", None, 7)
    assert [one.concept.text for one in source.concepts] == ["a dog", "a bird"]
    assert [number for number, _ in source.left_out] == [2, 3, 4]
    assert "twice" in source.left_out[1][1]


def test_some_of_many_are_drawn_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [f"a dog on hill {number}" for number in range(100)]
    (tmp_path / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    few, again, other = (read_concepts(tmp_path / "lines.txt", 10, seed) for seed in (7, 7, 8))
    texts = [one.concept.text for one in few.concepts]
    assert texts == sorted(texts, key=lines.index)
    assert texts != lines[:10]
    assert few == again != other
    assert few.name == "10 of the 100 concepts of lines.txt, drawn with seed 7"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("lines.txt", b"", "there is no concept in"),
        ("lines.txt", b"\xff\xfe\x00", "is not text in UTF-8"),
        ("table.csv", b"a,b\n1,2\n", "has no column of concepts; its columns are: a, b"),
        ("one.jsonl", b'{"prompt": "a dog"}\n{"prompt"', "is not JSON"),
        ("one.jsonl", b"7\n", "line 1 of"),
        ("one.jsonl", b'{"prompt": "a dog", "include": [7]}', "names what is to be seen in another way"),
        ("one.parquet", b"PAR1 and nothing", "is no Parquet file"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConceptFileError, match=complaint):
        read_concepts(tmp_path / name, None, 7)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConceptFileError, match="cannot be read"):
        read_concepts(Path("/nowhere/at-all.txt"), None, 7)


def test_drawn_concepts_are_those_of_the_draw() -> None:
    source = drawn_concepts(built_in_words(), 3, 7)
    assert [one.concept.index for one in source.concepts] == [0, 1, 2]
    assert source.name == "drawn with seed 7"
