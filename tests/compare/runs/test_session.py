"""The session: from a request to a finished run, or to what was finished of it, and on from there."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from loopback import WIRES, LoopbackServer

import compare.runs.writer
from compare.homework.verification.consistency import inconsistencies
from compare.instruments import Examination
from compare.request import PairRequest
from compare.runs import Gallery, GalleryError
from compare.runs.record import Record, read_record
from compare.runs.run import Run
from compare.session import OnProgress, Progress, Session, SessionStopped
from generate.files import pixels_sha256
from generate.render.batch import RenderCancelled
from generate.settings import RenderSettings, SettingsError
from ideation import AdapterMention, TwinseedError, typed_concept

SETTINGS = RenderSettings(seed=3, num_inference_steps=2, width=64, height=64)
NOW = datetime(2026, 11, 26, tzinfo=UTC)
REQUEST = PairRequest(typed_concept("a dog riding a bicycle"), SETTINGS, expander="offline")

pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(Gallery(tmp_path / "runs"), environ={})


def of_seeds(images: int, **changes: Any) -> PairRequest:
    return replace(REQUEST, settings=replace(SETTINGS, images=images), **changes)


def stop_in(pair: int) -> OnProgress:
    """Stops rendering in the pair of that number."""

    def stop(progress: Progress) -> None:
        if progress.stage == "render" and progress.step and progress.step.pair == pair:
            raise RenderCancelled("stopped", hint="-")

    return stop


def stopped(session: Session, request: PairRequest, on_progress: OnProgress) -> SessionStopped:
    with pytest.raises(SessionStopped) as caught:
        session.run(request, on_progress=on_progress)
    return caught.value


def pixels(record: Record) -> list[str]:
    return [picture.pixels_sha256 for picture in record.renders]


# ---- what is done


def test_a_batch_that_was_cut_off_between_its_pairs_is_drawn_again_as_a_whole(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = of_seeds(3)
    request = replace(request, settings=replace(request.settings, pairs_per_batch=2))
    whole = session.run(replace(request, examination=Examination(instruments=("attention",)))).record
    assert whole.findings is not None
    assert "attention" in whole.findings.results, "which it is only of the very same pictures"
    other = Session(Gallery(tmp_path / "other"), environ={})
    add, added = compare.runs.writer.RunWriter.add, list[int]()

    def cut_off(self: Any, record: Record, files: dict[str, bytes]) -> None:
        add(self, record, files)
        added.append(len(record.seeds))
        if len(added) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(compare.runs.writer.RunWriter, "add", cut_off)
    assert stopped(other, request, lambda _: None).run.record.seeds == [3]
    record = other.run(request).record
    assert added[:4] == [1, 2, 3, 3]
    assert pixels(record) == pixels(whole)
    assert record.certificate.batches == whole.certificate.batches == {3: (3, 4), 4: (3, 4), 5: (5,)}
    for seed in record.seeds:
        again = other.verify(record, seed)
        assert [pixels_sha256(one.image) for one in again.pictures] == [one.pixels_sha256 for one in record.pair(seed)]
    # What was drawn with one company is not said to have been drawn with another.
    found = {finding.words for finding in inconsistencies(other.gallery.open(other.gallery.runs()[0].name), NOW)}
    assert not any("batch" in words for words in found)


def test_progress_goes_from_opening_to_writing(session: Session) -> None:
    heard: list[Progress] = []
    run = session.run(of_seeds(2), on_progress=heard.append)
    assert [progress.stage for progress in heard] == ["open", "expand", *["render"] * 4, "look", "write"]
    assert [progress.detail for progress in heard[:2]] == ["seedling", "offline"]
    assert [(p.step.pair, p.step.number) for p in heard if p.step] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    record = session.gallery.open(run.name).record
    assert record == run.record
    assert record.seeds == [3, 4]
    assert record.certificate.holds
    assert record.complete
    assert record.request == of_seeds(2)


def test_each_pair_is_on_the_disk_before_the_next_is_begun(session: Session) -> None:
    there: list[list[int]] = []

    def look(progress: Progress) -> None:
        if progress.step and progress.step.number == 1:
            found = [read_record(path).seeds for path in session.gallery.root.glob("2*/record.json")]
            there.append(found[0] if found else [])

    session.run(of_seeds(3), on_progress=look)
    assert there == [[], [3], [3, 4]]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"styles": ("no such style",)}, SettingsError),
        ({"negative": "\x07"}, TwinseedError),
        ({"expander": "gemini"}, TwinseedError),
        ({"expander": "no such expander"}, TwinseedError),
        ({"template": "no such template"}, TwinseedError),
        ({"draft": "no such run"}, GalleryError),
    ],
)
def test_what_is_cheap_to_find_out_is_found_out_first(
    change: dict[str, Any], error: type[Exception], session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("compare.session.kept_open.open_model", lambda **_: pytest.fail("the model was opened"))
    with pytest.raises(error):
        session.run(replace(REQUEST, **change))
    (tmp_path / "file").touch()
    with pytest.raises(GalleryError):
        Session(Gallery(tmp_path / "file"), environ={}).run(REQUEST)


def test_a_model_is_opened_as_the_request_asks_and_stays_open(
    session: Session, monkeypatch: pytest.MonkeyPatch, seedling: Any
) -> None:
    opened: list[dict[str, Any]] = []

    def open_model(**how: Any) -> Any:
        opened.append(how)
        return seedling

    monkeypatch.setattr("compare.session.kept_open.open_model", open_model)
    settings = replace(SETTINGS, device="cpu", fast=True, compiled=True)
    asked = {"name": "seedling", "device": "cpu", "dtype": "auto", "vae": None, "fast": True, "compiled": True}
    asked |= {"memory": None}
    session.run(replace(REQUEST, settings=settings, allow_pickle=True))
    session.run(replace(REQUEST, settings=replace(settings, seed=4), allow_pickle=True))
    session.run(replace(REQUEST, settings=settings))
    assert opened == [asked | {"allow_pickle": True}, asked | {"allow_pickle": False}]


def test_a_given_simple_prompt_is_expanded(session: Session) -> None:
    prompts = session.run(replace(REQUEST, simple="an owl, watercolor style")).record.prompts
    assert prompts.simple == "an owl, watercolor style"
    assert "owl" in prompts.expanded
    assert prompts.expander == "offline"


# ---- what is stored


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_an_expander_is_asked_once_for_all_images_and_its_key_is_stored_nowhere(wire: Any, tmp_path: Path) -> None:
    said = '{"language": "en", "simple": "a dog riding a bicycle", "expanded": "a dog riding a bicycle at sunset"}'
    with LoopbackServer([wire.says(said)]) as server:
        environ = (
            {"GEMINI_API_KEY": "AQ.some-key-0123456789", "GEMINI_API_ENDPOINT": server.url}
            if wire.name == "gemini"
            else {"OPENAI_API_KEY": "sk-some-key-0123456789", "OPENAI_BASE_URL": f"{server.url}/v1"}
        )
        session = Session(Gallery(tmp_path), environ=environ)
        request = of_seeds(3, expander="auto", llm_model="m", cache=False)
        first = stopped(session, request, stop_in(3))
        run = session.run(request)
    record = run.record
    assert first.run.folder == run.folder
    assert len(server.requests) == 1, "and not again by whoever goes on"
    assert record.prompts.expanded == "a dog riding a bicycle at sunset"
    assert (record.prompts.expander, record.prompts.llm_model) == (wire.name, "m")
    stored = [path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    stored += [repr(record), repr(record.request), json.dumps(record.request.to_json()), record.to_json()]
    stored += [repr(record.request.examination), repr(run)]
    assert len(stored) > 10
    assert not any(secret in text for text in stored for secret in environ.values())


def test_nobodys_keys_are_in_a_request_or_a_record(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = {
        "GEMINI_API_KEY": "AQ.secret-gemini-0123456789",
        "GOOGLE_API_KEY": "AQ.secret-google-0123456789",
        "OPENAI_API_KEY": "sk-secret-openai-0123456789",
        "OPENAI_BASE_URL": "http://secret-user:secret-password@127.0.0.1:9/v1",
        "TWINSEED_SECRET": "secret-of-somebody",
    }
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    loud = Session(Gallery(tmp_path / "loud"), environ=keys)
    wanted = Examination(instruments=("ruler",), options={"ruler": {"seeds": 2}})
    told = loud.examine(loud.run(REQUEST).name, wanted).record
    silent = session.examine(session.run(REQUEST).name, wanted).record
    for record in (told, silent):
        stored = (repr(record), record.to_json(), repr(record.request), repr(wanted), " ".join(record.repeat_command()))
        assert not any("secret" in text for text in stored)
    assert told.request == silent.request
    assert set(json.loads(told.to_json())) == set(json.loads(silent.to_json()))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: not enough memory: you tried ..."),
        RuntimeError("unable to mmap 9867486 bytes from file <model.safetensors>: Cannot allocate memory (12)"),
    ],
)
def test_memory_that_runs_out_is_told_in_our_words(session: Session, error: Exception) -> None:
    def at(stage: str, pair: int) -> OnProgress:
        def run_out(progress: Progress) -> None:
            if progress.stage == stage and (progress.step is None or progress.step.pair == pair):
                raise error

        return run_out

    with pytest.raises(TwinseedError, match="there is not enough memory") as caught:
        session.run(of_seeds(2), on_progress=at("open", 0))
    assert caught.value.hint.startswith("close other programs")
    stop = stopped(session, of_seeds(2), at("look", 0))
    assert isinstance(stop.reason, TwinseedError)
    assert stop.reason.message == "there is not enough memory for this"
    assert stop.run.record.seeds == [3, 4]


# ---- what is kept, and how it goes on


def test_a_stopped_run_keeps_its_finished_pairs_and_goes_on_with_the_rest(session: Session, tmp_path: Path) -> None:
    stop = stopped(session, of_seeds(4), stop_in(3))
    assert isinstance(stop.reason, RenderCancelled)
    kept = Gallery(session.gallery.root).open(stop.run.name)
    assert kept.record.seeds == [3, 4]
    assert kept.record.settings.images == 2
    assert kept.record.request.settings.images == 4
    assert not kept.record.complete
    assert list(kept.faults()) == []
    assert kept.report.is_file()
    before = kept.files()

    heard: list[Progress] = []
    run = session.run(of_seeds(4), on_progress=heard.append)
    assert run.folder == kept.folder
    assert [(p.step.pair, p.step.pairs) for p in heard if p.step and p.step.number == 1] == [(3, 4), (4, 4)]
    assert "expand" not in {progress.stage for progress in heard}
    assert run.record.seeds == [3, 4, 5, 6]
    assert list(run.faults()) == []
    assert before.items() <= run.files().items()
    assert run.record.created == kept.record.created
    whole = Session(Gallery(tmp_path / "others"), environ={}).run(of_seeds(4))
    assert pixels(run.record) == pixels(whole.record)
    assert run.record.certificate == whole.record.certificate
    assert (run.record.scores, run.record.findings) == (whole.record.scores, whole.record.findings)
    assert session.run(of_seeds(4)).folder != run.folder, "what is finished is never gone on with"


def test_whoever_stops_again_before_a_further_pair_is_told_where_the_others_are(session: Session) -> None:
    first = stopped(session, of_seeds(4), stop_in(2))
    first.run.report.unlink()  # as a kill leaves it
    again = stopped(session, of_seeds(4), stop_in(2))
    assert again.run.folder == first.run.folder
    assert again.run.record.seeds == [3]
    assert isinstance(again.reason, RenderCancelled)
    assert again.run.report.is_file()


def test_what_was_found_is_not_looked_for_again(session: Session, tmp_path: Path) -> None:
    wanted = Examination(instruments=("ruler", "ladder"), options={"ruler": {"seeds": 2}})
    request = replace(REQUEST, simple="a dog", expanded="a dog, at night, in the snow", examination=wanted)

    def stop_in_the_ladder(progress: Progress) -> None:
        if progress.detail == "ladder" and progress.step:
            raise RenderCancelled("stopped", hint="-")

    first = stopped(session, request, stop_in_the_ladder)
    kept = first.run.files()
    assert "ruler" in {name.partition("-")[0] for name in kept}
    heard: list[Progress] = []
    run = session.run(request, on_progress=heard.append)
    assert run.folder == first.run.folder
    assert list(dict.fromkeys(p.detail for p in heard if p.stage == "look")) == ["scores", "ladder"]
    assert "render" not in {progress.stage for progress in heard}
    assert kept.items() <= run.files().items()
    assert run.record.complete
    whole = Session(Gallery(tmp_path / "others"), environ={}).run(request)
    assert run.record.findings == whole.record.findings


def unlink(run: Run) -> None:
    (run.folder / "simple-3.png").unlink()


def cut(run: Run) -> None:
    file = run.folder / "expanded-3.png"
    file.write_bytes(file.read_bytes()[:-20])


def of_another_model(run: Run) -> None:
    file = run.folder / "record.json"
    digest = run.record.certificate.model_digest
    file.write_text(file.read_text(encoding="utf-8").replace(digest, "0" * 64), encoding="utf-8")


@pytest.mark.parametrize("harm", [unlink, cut, of_another_model])
def test_what_cannot_be_gone_on_with_is_left_as_it_is(harm: Callable[[Run], None], session: Session) -> None:
    first = stopped(session, of_seeds(2), stop_in(2)).run
    harm(first)
    left = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    run = session.run(of_seeds(2))
    assert run.folder != first.folder
    assert run.record.seeds == [3, 4]
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == left


def full_from(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file of that name on, the disk is full."""
    write, full = compare.runs.writer.write_whole, False

    def write_until_full(path: Path, content: bytes) -> None:
        nonlocal full
        full = full or path.name == name
        if full:
            Path("/dev/full").write_bytes(content)
        write(path, content)

    monkeypatch.setattr(compare.runs.writer, "write_whole", write_until_full)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_disk_that_fills_up(session: Session) -> None:
    with pytest.MonkeyPatch.context() as patch:
        full_from("simple-3.png", patch)
        with pytest.raises(GalleryError, match="no room left"):
            session.run(of_seeds(3))
    with pytest.MonkeyPatch.context() as patch:
        full_from("expanded-4.png", patch)
        stop = stopped(session, of_seeds(3), lambda _: None)
    assert isinstance(stop.reason, GalleryError)
    assert str(stop.run.folder / "simple-4.png") in stop.reason.hint
    assert (stop.run.record.seeds, stop.run.report.exists()) == ([3], False)
    run = session.run(of_seeds(3))
    assert run.folder == stop.run.folder
    assert list(run.faults()) == []
    assert run.record.seeds == [3, 4, 5]
    assert run.report.is_file()
    assert not list(session.gallery.root.glob(".partial-*")), "pictures of the first try are here again"
    run.report.unlink()
    assert session.run(of_seeds(3)).folder == run.folder, "a report that is missing is written"
    assert run.report.is_file()


def test_a_clip_that_nobody_can_have_is_refused_before_anything_is_rendered(session: Session, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, said in (("nobody", "there is no CLIP 'nobody'"), (str(tmp_path / "empty"), "no config.json in it")):
        request = replace(REQUEST, examination=Examination(clip=name))
        for ask in (session.check, session.run):
            with pytest.raises(TwinseedError, match=said):
                ask(request)
    assert not session.gallery.runs()


def test_a_clip_that_is_not_there_loses_no_pictures(session: Session) -> None:
    request = replace(REQUEST, examination=Examination(clip="no/such-clip"))
    stop = stopped(session, request, lambda _: None)
    assert isinstance(stop.reason, TwinseedError)
    assert "no/such-clip" in str(stop.reason)
    assert list(session.gallery.open(stop.run.name).faults()) == []
    assert stop.run.report.is_file()


# ---- LoRAs


@pytest.fixture
def lora(extras: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a LoRA that changes one matrix of the U-Net and one of the text encoder."""
    monkeypatch.setenv("TWINSEED_MODELS", str(extras))
    return "loud"


def test_a_lora_in_either_prompt_is_for_both_pictures(session: Session, lora: str) -> None:
    def pair(simple: str, expanded: str, **settings: Any) -> Record:
        request = replace(REQUEST, simple=simple, expanded=expanded, settings=replace(SETTINGS, **settings))
        return session.run(request).record

    base = pair("a dog", "a red dog")
    mentioned = pair("a dog", "a red dog <lora:loud:0.7>")
    assert all(one != other for one, other in zip(pixels(base), pixels(mentioned), strict=True))
    assert mentioned.certificate.holds
    (adapter,) = mentioned.settings.adapters
    assert (adapter.name, adapter.text_encoder, adapter.unet) == ("loud", 0.7, 0.7)
    assert set(mentioned.certificate.adapters) == {"loud"}
    assert mentioned.prompts.tokens.expanded == base.prompts.tokens.expanded

    assert pixels(pair("a dog <lora:loud:0.7>", "a red dog")) == pixels(mentioned)
    assert pixels(pair("a dog", "a red dog", adapters=(AdapterMention("loud", 0.7, 0.7),))) == pixels(mentioned)
    assert pixels(pair("a dog", "a red dog <lora:loud:0>")) == pixels(base)
    assert pixels(pair("a dog", "a red dog <lora:loud:0:0.7>")) not in (pixels(base), pixels(mentioned))
    assert pixels(pair("a dog", "a red dog")) == pixels(base), "nothing of it stays in the model"

    with pytest.raises(SettingsError, match="the LoRA loud is asked for with two weights"):
        pair("a dog <lora:loud:0.7>", "a red dog <lora:loud:0.8>")
    with pytest.raises(TwinseedError, match="nothing-of-it"):
        pair("a dog <lora:nothing-of-it>", "a red dog")


def test_the_command_of_the_report_names_all_that_was_chosen(session: Session, lora: str) -> None:
    settings = replace(
        SETTINGS, clip_skip=1, long_prompts="chunk", fast=True, adapters=(AdapterMention(lora, 0.5, 0.8),)
    )
    request = replace(REQUEST, simple="a dog", expanded="a red dog BREAK a beach", settings=settings)
    words = " ".join(session.run(request).record.repeat_command())
    for option in ("--tokens chunk", "--clip-skip 1", "--lora loud:0.5:0.8", "--fast", "--seed 3"):
        assert option in words
