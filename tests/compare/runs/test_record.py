"""The record: what is in it, what it refuses, the schema beside it, and records of version 1."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sample_run import OLD_RUN, OLD_RUNS, PROMPTS, drawing, sample_certificate, sample_record
from test_request import OPTIONS, concepts

from compare.instruments import INSTRUMENTS
from compare.instruments.distance import score
from compare.request import PairOptions, PairRequest, request_from_json
from compare.runs.record import SCHEMA_FILE, Record, RecordError, parse_record, read_record, schema_json
from compare.runs.run import Run
from compare.view import render_report
from generate.files import encode_png, mark_in
from generate.files.mark import settings_of_seed
from generate.picture import ARMS
from ideation import typed_concept
from ideation.files import Seed, StrictModel
from templates import LANGUAGES


def sample_json() -> dict[str, Any]:
    record, _ = sample_record(images=2)
    content: dict[str, Any] = json.loads(record.to_json())
    return content


def test_the_schema_in_the_package_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_json(), "run: make docs"


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
        (("version",), 1),
        (("request", "settings", "seed"), 7),
        (("request", "key"), "sk-0123456789"),
    ],
)
def test_the_schema_refuses_what_the_model_refuses(path: tuple[Any, ...], value: Any) -> None:
    content = changed(sample_json(), path, value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    with pytest.raises(RecordError):
        parse_record(json.dumps(content).encode())


def test_it_holds_everything_and_comes_back_equal() -> None:
    record, files = sample_record(seed=2**62, images=2)
    wish = replace(record.request, preset="quick", styles=("ink wash",))
    record = record.model_copy(update={"request": wish})
    content = json.loads(record.to_json())

    names = ["version", "concept", "request", "prompts", "settings", "renders", "certificate", "scores", "created"]
    assert list(content) == names
    assert content["concept"]["topic"] == {"en": "dog", "zh": "狗", "measure": "隻"}
    assert content["concept"]["seed"] == str(2**60), "seeds are strings: browsers lose digits past 2**53"
    assert content["settings"]["seed"] == content["request"]["settings"]["seed"] == str(2**62)
    assert list(content["scores"]) == [str(2**62), str(2**62 + 1)]
    assert (content["request"]["preset"], content["request"]["styles"]) == ("quick", ["ink wash"])
    assert request_from_json(content["request"]) == wish
    assert content["created"] == "2026-11-23T14:25:30Z"
    assert content["prompts"]["kept"] == list(PROMPTS.kept)
    assert content["certificate"]["evaluations"] == 20
    assert content["certificate"]["scheduler"]["config"] == {
        "beta_end": 0.012,
        "lambda_min_clipped": "-inf",
        "betas": [1, 2],
        "thresholding": False,
    }
    first = content["renders"][0]
    assert first["file"] == f"simple-{2**62}.png"
    assert first["sha256"] == hashlib.sha256(files[first["file"]]).hexdigest()
    assert first["pixels_sha256"] == hashlib.sha256(drawing("simple", 2**62, (32, 32)).tobytes()).hexdigest()
    assert parse_record(record.to_json().encode()) == record


@settings(max_examples=60)
@given(concepts, st.fixed_dictionaries(OPTIONS))
def test_whatever_was_asked_for_comes_back_from_the_record_and_from_the_picture(
    concept: dict[str, str], options: dict[str, Any]
) -> None:
    request, _ = PairRequest.from_options(PairOptions(**concept, **options))
    made = replace(request.settings, width=32, height=32, device="cpu", dtype="bfloat16", images=1)
    worded = {arm: getattr(request, arm) or request.concept.text for arm in ARMS}
    prompts = replace(PROMPTS, **worded, negative=request.negative or "")
    record, files = sample_record(request=request, concept=request.concept, settings=made, prompts=prompts)
    again = parse_record(record.to_json().encode())
    assert again == record
    assert again.request.digest == request.digest
    mark = mark_in(files[f"expanded-{made.seed}.png"])
    assert mark is not None
    assert mark.settings == settings_of_seed(made, made.seed)
    assert mark.prompts is not None
    assert {arm: getattr(mark.prompts, arm) for arm in ARMS} == worded


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
        (("version",), 3, "version is 3"),
        (("version",), True, "version is True"),
        (("version",), "2", "version is '2'"),
        (("surprise",), 1, "surprise: Extra inputs are not permitted"),
        (("prompts", "mood"), "merry", "prompts.mood: Unexpected"),
        (("settings", "seed"), 7, "settings.seed: a seed is written as a string of up to 19 digits"),
        (("settings", "seed"), "seven", "settings.seed"),
        (("settings", "seed"), "9223372036854775808", "settings.seed"),
        (("settings", "digest"), "abc", "settings.digest"),
        (("settings", "width"), 0, "width is 0 pixels"),
        (("settings", "width"), None, "the settings leave something open"),
        (("settings", "device"), "auto", "the settings leave something open"),
        (("settings", "images"), 3, "the settings are for seeds [7, 8, 9], the pictures for [7, 8]"),
        (("request", "styles"), "ink wash", "request.styles"),
        (("request", "examination", "instruments"), ["crystal ball"], "there is no instrument 'crystal ball'"),
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
        (("scores",), lambda scores: {"7": scores["7"]}, "the scores are for seeds [7], the pictures for [7, 8]"),
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
        (b"[" + b"[]," * 200_000, "has more than 200,000 brackets"),
        (b" " * 16_000_001, "it has more than 16,000,000 bytes"),
        (b'{"version": NaN}', "is not JSON"),
        (b"[1]", "its version is None"),
        (b"{}", "its version is None"),
        (b'{"version": 1}', "is not a valid record"),
        (b'{"version": 2}', "concept: Field required"),
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
    record, _ = sample_record(images=2)
    with pytest.raises(RecordError, match="exactly one simple and one expanded"):
        sample_record(images=2, renders=record.renders[:3])


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
    record, _ = sample_record(certificate=sample_certificate(latents, same_seed=same_seed, differs=differs))
    assert (record.certificate.holds, record.certificate.offences) == (holds, offences)


def test_the_record_keeps_the_scores_of_its_pictures() -> None:
    record, _ = sample_record(images=2)
    assert list(record.scores) == record.seeds == [7, 8]
    expected = score(drawing("simple", 8, (32, 32)), drawing("expanded", 8, (32, 32)))
    assert record.scores[8].mean_absolute_difference == expected.mean_absolute_difference
    assert record.scores[8].ssim == expected.ssim
    assert [render.file for render in record.pair(8)] == ["simple-8.png", "expanded-8.png"]


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


def stand_ins(record: Record) -> dict[str, bytes]:
    """A picture for every file that the record names, whatever it showed."""
    return dict.fromkeys(record.files, encode_png(drawing("simple", 7, (128, 128)), {}))


@pytest.mark.parametrize("folder", OLD_RUNS, ids=lambda folder: folder.name[16:])
def test_a_record_of_version_1_is_read_as_one_of_version_2(folder: Path) -> None:
    old = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    record = read_record(folder / "record.json")
    assert (old["version"], record.version) == (1, 2)
    assert parse_record(record.to_json().encode()) == record
    new = json.loads(record.to_json())
    same = {name: value for name, value in old["settings"].items() if name not in ("digest", "preset", "styles")}
    later = {
        "compiled": "torch.compile" in old["certificate"]["libraries"],
        "max_sequence_length": None,
        "memory": None,
        "pairs_per_batch": None,
        "attention_backend": None,
    }
    assert new["settings"] == same | later
    assert replace(record.settings, compiled=False).digest == old["settings"]["digest"], "it counted nothing then"
    old["certificate"]["evaluations"] = old["certificate"].pop("unet_evaluations")
    for part in ("concept", "prompts", "renders", "certificate", "scores", "created", "draft", "findings"):
        assert within(old.get(part), new.get(part)), part

    request = record.request
    assert (request.preset, list(request.styles)) == (old["settings"]["preset"], old["settings"]["styles"])
    assert (request.concept, request.settings, request.draft) == (
        record.concept,
        record.settings,
        record.draft and record.draft.run,
    )
    given = record.prompts.expander == "given"
    assert request.expander == ("auto" if given else record.prompts.expander)
    assert (request.simple, request.expanded) == (
        (record.prompts.simple, record.prompts.expanded) if given else (None, None)
    )
    named = [name for name in INSTRUMENTS if (old.get("findings") or {}).get(name) is not None]
    assert list(request.examination.instruments) == named
    assert record.complete
    jsonschema.validate(new, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")), cls=jsonschema.Draft202012Validator)


def within(old: Any, new: Any) -> bool:
    """Whether all that was there is there still, whatever came to it."""
    if isinstance(old, dict):
        return all(name in new and within(value, new[name]) for name, value in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(map(within, old, new))
    return bool(old == new)


def test_the_reports_of_runs_of_version_1() -> None:
    """In either language; it takes a second to draw the charts of one."""
    for folder, language in zip(OLD_RUNS, itertools.cycle(LANGUAGES)):
        record = read_record(folder / "record.json")
        page = render_report(record, stand_ins(record), language)
        assert record.concept.text.partition(" <")[0] in page
        assert f'<html lang="{language}"' in page


def test_a_run_of_version_1_holds(tmp_path: Path) -> None:
    run = Run.open(OLD_RUN)
    assert list(run.faults()) == []
    assert run.image("expanded").size == (128, 128)
    copy = shutil.copytree(OLD_RUN, tmp_path / "copy")
    shutil.copy(copy / "simple-7.png", copy / "expanded-7.png")
    first, *others = map(str, Run.open(copy).damage())
    assert "expanded-7.png is not the one that the record names" in first
    assert "expanded-7.png is of another side than the record says" in others


def leaves(content: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The way to every value, the containers themselves included."""
    if path:
        yield path
    if isinstance(content, dict | list):
        for key in content if isinstance(content, dict) else range(len(content)):
            yield from leaves(content[key], *path, key)


def test_a_broken_record_of_version_1_is_a_record_error_and_nothing_else() -> None:
    content = (OLD_RUNS[1] / "record.json").read_bytes()
    hints = []
    for path in leaves(json.loads(content)):
        for value in (None, [], {}, "\u0007", -1, [[{"a": 1}]]):
            try:
                parse_record(json.dumps(changed(json.loads(content), path, value)).encode())
            except RecordError as error:
                hints.append(error.hint)
    assert len(hints) > 500
    assert all(hints)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("renders", 0, "file"), "../simple-7.png", "is not the plain name of a file"),
        (("settings", "seed"), "8", "the settings are for seeds [8], the pictures for [7]"),
        (("settings", "mood"), "merry", "settings.mood"),
        (("certificate", "latents_sha256", "7", "simple"), "00" * 32, "says 'same seed', but its latents differ"),
        (("prompts",), None, "is not a valid record"),
        (("surprise",), 1, "surprise: Extra inputs"),
        (("request",), {}, "it has what came with version 2: request"),
        (("settings", "compiled"), True, "it has what came with version 2: compiled"),
        (("settings",), lambda settings: {name: settings[name] for name in settings if name != "digest"}, "'digest'"),
    ],
)
def test_what_a_record_of_version_1_cannot_be(path: tuple[Any, ...], value: Any, complaint: str) -> None:
    content = json.loads((OLD_RUNS[0] / "record.json").read_bytes())
    with pytest.raises(RecordError) as caught:
        parse_record(json.dumps(changed(content, path, value)).encode())
    assert complaint in caught.value.message


class Seeds(StrictModel):
    seeds: list[Seed]


def test_ctrl_c_while_a_record_is_written_is_no_fault_of_the_program() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    many = Seeds.model_construct(seeds=[2**62] * 300_000)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005)  # as it comes from outside, in the midst of pydantic's own code
        with pytest.raises(KeyboardInterrupt):
            many.model_dump_json()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
