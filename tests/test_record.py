"""The record: what is in it, what it refuses, and the schema beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image
from sample_run import PROMPTS, Proof, drawing, png_files, sample_record, sample_run

from compare.instruments.distance import score
from compare.runs.record import SCHEMA_FILE, Record, RecordError, parse_record, read_record, schema_json
from compare.runs.run import record_of
from ideation.concept import typed_concept


def sample_json() -> dict[str, Any]:
    record, _ = sample_record(images=2)
    content: dict[str, Any] = json.loads(record.to_json())
    return content


def test_the_schema_in_the_package_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_json(), "run: python -m compare.runs.record"


def test_a_record_satisfies_the_schema() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(sample_json(), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("renders", 0, "file"), "../../etc/passwd"),
        (("settings", "seed"), 7),
        (("surprise",), 1),
        (("scores", "seven"), {"mean_absolute_difference": 0.1, "ssim": 0.5}),
        (("version",), 2),
    ],
)
def test_the_schema_refuses_what_the_model_refuses(path: tuple[Any, ...], value: Any) -> None:
    content = changed(sample_json(), path, value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    with pytest.raises(RecordError):
        parse_record(json.dumps(content).encode())


def test_it_holds_everything_and_comes_back_equal() -> None:
    run = sample_run(seed=2**62, images=2, preset="quick", styles=("ink wash",))
    files = png_files(run)
    record = record_of(run, files)
    content = json.loads(record.to_json())

    assert list(content) == ["version", "concept", "prompts", "settings", "renders", "certificate", "scores", "created"]
    assert content["concept"]["topic"] == {"en": "dog", "zh": "狗"}
    assert content["concept"]["seed"] == str(2**60), "seeds are strings: browsers lose digits past 2**53"
    assert content["settings"]["seed"] == str(2**62)
    assert content["settings"]["digest"] == run.settings.digest
    assert (content["settings"]["preset"], content["settings"]["styles"]) == ("quick", ["ink wash"])
    assert content["created"] == "2026-11-23T14:25:30Z"
    assert content["prompts"]["kept"] == list(PROMPTS.kept)
    assert content["certificate"]["scheduler"]["config"] == {
        "beta_end": 0.012,
        "lambda_min_clipped": "-inf",
        "betas": [1, 2],
        "thresholding": False,
    }
    first = content["renders"][0]
    assert first["file"] == f"simple-{2**62}.png"
    assert first["sha256"] == hashlib.sha256(files[first["file"]]).hexdigest()
    assert first["pixels_sha256"] == hashlib.sha256(run.renders[0].image.tobytes()).hexdigest()
    assert parse_record(record.to_json().encode()) == record


def test_typed_concepts_have_no_parts() -> None:
    record, _ = sample_record(concept=typed_concept("一隻騎腳踏車的狗"))
    assert (record.concept.text, record.concept.language) == ("一隻騎腳踏車的狗", "zh-TW")
    assert (record.concept.topic, record.concept.index, record.concept.seed) == (None, None, None)
    assert "一隻騎腳踏車的狗" in record.to_json(), "Chinese stays readable in the file"


def changed(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """`content` with `value` at `path`; a callable value gets what was there."""
    if not path:
        return value(content) if callable(value) else value
    content[path[0]] = changed(content[path[0]] if len(path) > 1 or callable(value) else None, path[1:], value)
    return content


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("version",), 2, "version is 2"),
        (("version",), True, "version is True"),
        (("version",), "1", "version is '1'"),
        (("surprise",), 1, "surprise: Extra inputs are not permitted"),
        (("prompts", "mood"), "merry", "prompts.mood: Extra"),
        (("settings", "seed"), 7, "settings.seed: Input should be a valid string"),
        (("settings", "digest"), "abc", "settings.digest"),
        (("settings", "width"), 0, "settings.width"),
        (("renders", 0, "arm"), "middle", "renders.0.arm"),
        (("renders", 0, "file"), "../simple-7.png", "renders.0.file: '../simple-7.png' is not the plain name"),
        (("renders", 0, "file"), "/etc/passwd", "is not the plain name of a file"),
        (("renders", 0, "file"), "C:simple.png", "is not the plain name of a file"),
        (("renders", 0, "file"), "a\\b.png", "is not the plain name of a file"),
        (("renders", 0, "file"), "..", "is not the plain name of a file"),
        (("renders", 0, "file"), "", "is not the plain name of a file"),
        (("renders", 0, "file"), "expanded-7.png", "two pictures share one file"),
        (("renders",), lambda renders: renders[:3], "exactly one simple and one expanded"),
        (("renders",), lambda renders: [*renders, renders[0]], "exactly one simple and one expanded"),
        (("scores",), lambda scores: {"7": scores["7"]}, "the scores are for seeds ['7'], the pictures for ['7', '8']"),
        (("certificate", "latents_sha256", "7", "simple"), "00" * 32, "says 'same seed', but its latents differ"),
        (("scores", "7", "mean_absolute_difference"), 1.5, "scores.7.mean_absolute_difference"),
        (("created",), "2026-11-23T14:25:30", "created"),
    ],
)
def test_what_a_record_cannot_be(path: tuple[Any, ...], value: Any, complaint: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(json.dumps(changed(sample_json(), path, value)).encode())
    assert complaint in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not JSON"),
        (b"\x89PNG\r\n", "is not JSON"),
        (b'{"version": 1', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"version": NaN}', "is not JSON"),
        (b"[1]", "its version is None"),
        (b"{}", "its version is None"),
        (b'{"version": 1}', "concept: Field required"),
    ],
)
def test_what_is_no_record_at_all(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        read_record(path)
    assert complaint in caught.value.message
    assert str(path) in caught.value.message


def test_reading_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no record at .*nowhere"):
        read_record(tmp_path / "nowhere" / "record.json")
    with pytest.raises(RecordError, match="cannot read"):
        read_record(tmp_path)


def test_a_run_without_one_arm_cannot_be_recorded() -> None:
    run = sample_run(images=2)
    with pytest.raises(RecordError, match="exactly one simple and one expanded"):
        record_of(replace(run, renders=run.renders[:3]), png_files(run))


@pytest.mark.parametrize(
    ("same_seed", "differs", "holds", "offences"),
    [
        (True, (), True, ()),
        (True, ("prompt",), True, ()),
        (True, ("prompt", "guidance_scale"), False, ("guidance_scale",)),
        (False, ("prompt",), False, ()),
    ],
)
def test_when_the_certificate_holds(
    same_seed: bool, differs: tuple[str, ...], holds: bool, offences: tuple[str, ...]
) -> None:
    latents = {7: {"simple": "3f" * 32, "expanded": ("3f" if same_seed else "00") * 32}}
    record, _ = sample_record(certificate=Proof(latents, same_seed=same_seed, differs=differs))
    assert (record.certificate.holds, record.certificate.offences) == (holds, offences)


def test_the_record_keeps_the_scores_of_its_pictures() -> None:
    record, _ = sample_record(images=2)
    assert list(record.scores) == record.seeds == ["7", "8"]
    expected = score(drawing("simple", 8, (32, 32)), drawing("expanded", 8, (32, 32)))
    assert record.scores["8"].mean_absolute_difference == expected.mean_absolute_difference
    assert record.scores["8"].ssim == expected.ssim
    assert [render.file for render in record.pair("8")] == ["simple-8.png", "expanded-8.png"]


@pytest.mark.parametrize(
    ("first", "second", "difference", "ssim"),
    [
        (Image.new("RGB", (16, 16), "white"), Image.new("RGB", (16, 16), "white"), 0, 1),
        (Image.new("RGB", (16, 16), "black"), Image.new("RGB", (16, 16), "white"), 1, 0.0001),
        (Image.new("RGB", (2, 2), (255, 0, 0)), Image.new("RGB", (2, 2), (0, 0, 0)), 1 / 3, None),
        (Image.linear_gradient("L"), Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM), 0.5, None),
    ],
)
def test_scores_of_known_pictures(
    first: Image.Image, second: Image.Image, difference: float, ssim: float | None
) -> None:
    found = score(first, second)
    assert found == score(second, first)
    assert found.mean_absolute_difference == pytest.approx(difference, abs=2e-3)
    if ssim is not None:
        assert found.ssim == pytest.approx(ssim, abs=1e-4)


def test_noise_lowers_ssim_and_sizes_must_agree() -> None:
    picture = drawing("simple", 1, (64, 64))
    noisy = Image.blend(picture, Image.effect_noise((64, 64), 120).convert("RGB"), 0.3)
    assert 0.1 < score(picture, noisy).ssim < 0.9
    with pytest.raises(ValueError, match=r"\(64, 64\) and \(32, 32\)"):
        score(picture, picture.resize((32, 32)))


def test_json_has_no_infinite_numbers() -> None:
    record, _ = sample_record()
    json.loads(record.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert isinstance(Record.model_validate_json(record.to_json()), Record)
