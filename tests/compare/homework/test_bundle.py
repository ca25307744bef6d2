"""The bundle: whole, the same for the same work, nothing of the machine in it, and read strictly."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hostile_zips import hostile_zips, with_entries, with_json
from sample_run import CONCEPT, sample_certificate, sample_findings, sample_record, write_sample

from compare.homework import BundleError, FailedConcept, open_bundle, student_of, write_bundle
from compare.homework.bundle import SCHEMA_FILE, schema_json
from compare.instruments import Findings
from compare.request import PairRequest
from compare.runs import Gallery, RecordError, Run, text_without_folders, without_folders
from generate.settings import RenderSettings
from ideation import AdapterMention

CREATED = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    gallery = Gallery(tmp_path_factory.mktemp("runs"))
    words = "The bicycle lost its spokes.\n輪子變圓了。"
    return [write_sample(gallery, 7, observations=words), write_sample(gallery, 8, images=2)]


def written(path: Path, runs: list[Run], **changes: Any) -> Path:
    write_bundle(path, runs, **{"student": None, "language": "en", "created": CREATED} | changes)
    return path


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, runs: list[Run]) -> bytes:
    return written(tmp_path_factory.mktemp("good") / "good.zip", runs).read_bytes()


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def test_a_bundle_holds_the_runs_and_nothing_else(tmp_path: Path, runs: list[Run]) -> None:
    failed = FailedConcept(concept="a cat", reason="no answer", command="twinseed pair -- 'a cat'", line=4)
    path = written(tmp_path / "out.zip", runs, student=student_of(" 林美玲", "B11001234"), failed=[failed])
    first, second = (run.name for run in runs)
    own = ("expanded-{0}.png", "record.json", "report.html", "simple-{0}.png")
    assert [name for name, _ in contents(path)] == [
        *("bundle.json", "report.html"),
        *(f"runs/{first}/{name.format(7)}" for name in own),
        *(f"runs/{second}/{name}" for name in ("expanded-8.png", "expanded-9.png", "record.json", "report.html")),
        *(f"runs/{second}/{name}" for name in ("simple-8.png", "simple-9.png")),
    ]
    with open_bundle(path) as bundle:
        assert bundle.content.student is not None
        assert (bundle.content.student.name, bundle.content.student.number) == ("林美玲", "B11001234")
        assert bundle.content.failed == (failed,)
        for (entry, run), made in zip(bundle.runs(), runs, strict=True):
            assert isinstance(run, Run)
            assert (entry.run, run.record, run.files()) == (made.name, made.record, made.files())
        assert "林美玲" in bundle.report
        folder = bundle.folder
    assert not folder.exists()


def test_the_same_work_gives_the_same_bytes(tmp_path: Path, runs: list[Run], good: bytes) -> None:
    copies = []
    for run in reversed(runs):
        copies.append(Run.open(shutil.copytree(run.folder, tmp_path / "elsewhere" / run.name)))
        for file in copies[-1].folder.iterdir():
            os.utime(file, (1, 1))
    assert written(tmp_path / "again.zip", copies[::-1]).read_bytes() == good


def test_nothing_of_the_machine_is_in_it(tmp_path: Path) -> None:
    home = Path.home() / "models"
    settings = RenderSettings(
        model=str(home / "mine.safetensors"),
        vae="~/vaes/soft.safetensors",
        adapters=(AdapterMention("/srv/loras/ink.safetensors", 0.7, 0.7), AdapterMention("sub/wash", 1.0, 1.0)),
        seed=7,
        width=32,
        height=32,
        device="cpu",
        dtype="float32",
    )
    request = PairRequest(CONCEPT, settings, template=str(tmp_path / "mine.j2"), llm_model=r"C:\Users\me\qwen.gguf")
    note = f"Of the model in {home}/mine.safetensors, 3 tensors were left unread."
    clip = {"name": f"{home}/clip", "digest": "cd" * 32, "limit": 77}
    findings = Findings.model_validate({"clip": clip, "notes": (note,)})
    digests = {"/srv/loras/ink.safetensors": "a1" * 32, "/opt/loras/ink.safetensors": "b2" * 32, "sub/wash": "c3" * 32}
    run = write_sample(
        Gallery(tmp_path / "runs"),
        settings=settings,
        request=request,
        certificate=sample_certificate(adapters=digests, makes=dict.fromkeys(digests, "LoRA")),
        findings=findings,
    )
    failed = FailedConcept(
        concept="a cat", reason=f"no model at {home}/x.ckpt", command=f"twinseed pair --model {home}/x"
    )
    path = written(tmp_path / "out.zip", [run], failed=[failed])
    secrets = [str(Path.home()), str(tmp_path), "/srv", "/opt", "~/", "Users"]
    if len(socket.gethostname()) > 3:
        secrets.append(socket.gethostname())
    for name, content in contents(path):
        assert [one for one in secrets if one.encode() in content] == [], name
    with open_bundle(path) as bundle:
        assert bundle.content.shortened == (
            *("mine.safetensors", "soft.safetensors", "ink.safetensors", "mine.j2", "qwen.gguf", "clip"),
        )
        assert bundle.content.failed[0].command == "twinseed pair --model x"
        ((_, opened),) = bundle.runs()
        assert isinstance(opened, Run)
        assert list(opened.damage()) == []  # the pictures said names alone from the start
        record = opened.record
    assert record.settings.model == record.request.settings.model == "mine.safetensors"
    assert [one.name for one in record.settings.adapters] == ["ink.safetensors", "sub/wash"]
    assert list(record.certificate.adapters) == ["ink.safetensors", "ink.safetensors (2)", "sub/wash"]
    assert record.findings is not None
    assert record.findings.clip is not None
    assert record.findings.clip.name == "clip"
    assert record.findings.notes == ("Of the model in mine.safetensors, 3 tensors were left unread.",)


def test_a_record_without_paths_is_passed_on_as_it_is() -> None:
    findings, files = sample_findings()
    record, _ = sample_record(findings=findings, files=files, observations="see /home/me/dog.png")
    assert without_folders(record) == (record, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("of /home/me/a b/mine.ckpt", "of a b/mine.ckpt"),
        ("'/srv/x/y', r/g/b and 1/2", "'y', r/g/b and 1/2"),
        (r"of C:\Users\me\mine.ckpt: no", "of mine.ckpt: no"),
        (r"\\server\share\mine.ckpt", "mine.ckpt"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("模型「/home/me/水彩.ckpt」讀不到", "模型「水彩.ckpt」讀不到"),
        ("of ~/models/mine.ckpt; of /x", "of mine.ckpt; of /x"),
        ("http://127.0.0.1:11434 answered 500", "a local server answered 500"),
        ("http://localhost:8000/v1 and gpu-3.lab.local", "a local server/v1 and a local server"),
        ("192.168.1.20:8080, version 10.0.1; at 10:30", "a local server, version 10.0.1; at 10:30"),
        ("https://api.openai.com/v1 and local.example.org", "https://api.openai.com/v1 and local.example.org"),
    ],
)
def test_paths_in_notes_lose_their_folders(text: str, expected: str) -> None:
    assert text_without_folders(text) == expected


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("x" * 81, "1 to 80 characters"),
        ("a\nb", "nobody can see"),
        ("a\u202eb", "nobody can see"),
        ("a\u200bb", "nobody can see"),
        ("\ud800", "nobody can see"),
    ],
)
def test_a_name_that_cannot_be_shown_is_refused(name: str, fault: str) -> None:
    for named, numbered in ((name, None), (None, name), ("Lin Mei", name)):
        with pytest.raises(BundleError, match=fault):
            student_of(named, numbered)


def test_nobody_has_to_say_who_they_are(tmp_path: Path, runs: list[Run]) -> None:
    assert student_of(None, " ") is student_of("", None) is None
    assert student_of("O’Brien-García <b>", "7").name == "O’Brien-García <b>"  # type: ignore[union-attr]
    for name in (
        "नागराज क्\u200dष",
        "\ue000小明",
        "\U0003347f",
    ):  # joined, of a font of its own, newer than Unicode here
        assert student_of(name, None).name == name  # type: ignore[union-attr]
    path = written(tmp_path / "out.zip", runs[:1])
    assert json.loads(dict(contents(path))["bundle.json"])["student"] is None


def test_every_hostile_zip_is_refused_by_name(tmp_path: Path, good: bytes) -> None:
    taken, others, before = [], [], set(tmp_path.parent.iterdir())
    path = tmp_path / "hand-in.zip"
    kinds = list(hostile_zips(good))
    for hostile in kinds:
        path.write_bytes(hostile.content)
        try:
            with open_bundle(path):
                taken.append(hostile.name)
        except BundleError as error:
            if hostile.refusal not in error.message or "hand-in.zip" not in error.message:
                others.append(f"{hostile.name}: {error.message}")
    assert (taken, others) == ([], [])
    assert len(kinds) > 90
    assert len({one.name for one in kinds}) == len(kinds)
    assert set(tmp_path.parent.iterdir()) == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    for name in ("missing.zip", "pipe.zip", ""):
        with pytest.raises(BundleError, match="cannot read"), open_bundle(tmp_path / name):
            pass


def test_what_other_programs_pack_the_same_way_is_read(tmp_path: Path, good: bytes) -> None:
    streamed = io.BytesIO()
    streamed.seekable = lambda: False  # type: ignore[method-assign]
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(streamed, "w") as target:
        for info in source.infolist():  # sizes behind each entry, times, another order of names
            again = zipfile.ZipInfo(info.filename, (2026, 1, 2, 3, 4, 6))
            again.extra, again.compress_type = b"UT\5\0\3\0\0\0\0", zipfile.ZIP_DEFLATED
            target.writestr(again, source.read(info))
    for content in (with_entries(good, []), streamed.getvalue()):
        path = tmp_path / "again.zip"
        path.write_bytes(content)
        with open_bundle(path) as bundle:
            assert all(isinstance(run, Run) and not list(run.damage()) for _, run in bundle.runs())


def test_a_run_that_cannot_be_read_hides_no_other(tmp_path: Path, good: bytes, runs: list[Run]) -> None:
    first, second = (run.name for run in runs)
    path = tmp_path / "broken.zip"
    for content, missing in (
        (with_entries(good, [(f"runs/{first}/record.json", b"{", {})], without=(f"runs/{first}/record.json",)), "JSON"),
        (with_json(good, lambda bundle: bundle["runs"].insert(0, bundle["runs"][0] | {"run": "gone"})), "no record"),
    ):
        path.write_bytes(content)
        with open_bundle(path) as bundle:
            opened = [run for _, run in bundle.runs()]
        assert isinstance(opened[0], RecordError)
        assert missing in opened[0].message
        assert isinstance(opened[-1], Run)
        assert opened[-1].name == second


def test_a_missing_picture_is_left_to_whoever_verifies(tmp_path: Path, good: bytes, runs: list[Run]) -> None:
    path = tmp_path / "less.zip"
    path.write_bytes(with_entries(good, [], without=(f"runs/{runs[0].name}/simple-7.png",)))
    with open_bundle(path) as bundle:
        _, run = next(bundle.runs())
        assert isinstance(run, Run)
        assert len(list(run.damage())) == 1


def test_a_bundle_is_written_whole_or_not_at_all(
    tmp_path: Path, runs: list[Run], good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.zip"
    path.write_bytes(good)
    broken = Run.open(shutil.copytree(runs[0].folder, tmp_path / "runs" / "broken"))
    (broken.folder / "simple-7.png").unlink()
    with pytest.raises(RecordError, match="is missing"):
        written(path, [broken])
    with pytest.raises(BundleError, match="under this name"):
        written(path, [runs[0], runs[0]])
    with pytest.raises(BundleError, match="under this name"):
        written(path, [Run.open(shutil.copytree(runs[0].folder, tmp_path / "runs" / "con"))])
    with pytest.raises(BundleError, match="no pair to hand in"):
        written(path, [])
    monkeypatch.setattr("compare.homework.archive.MAX_TOTAL", 20_000)
    with pytest.raises(BundleError, match="cannot be handed in"):
        written(path, runs)
    monkeypatch.undo()
    with pytest.raises(BundleError, match="cannot write"):
        written(tmp_path / "nowhere" / "out.zip", runs[:1])
    assert path.read_bytes() == good
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.zip", "runs"]


def test_the_schema_is_that_of_the_bundle(good: bytes) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_json()
    bundle = json.loads(zipfile.ZipFile(io.BytesIO(good)).read("bundle.json"))
    validator = jsonschema.Draft202012Validator(json.loads(schema_json()))
    validator.validate(bundle)
    for change in ({"version": 2}, {"more": 1}, {"runs": []}, {"runs": [{"run": "../x", "record_sha256": "0" * 64}]}):
        assert not validator.is_valid(bundle | change)
