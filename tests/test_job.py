"""A job: from what was asked for to a finished run, or to what was finished of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from loopback import WIRES, LoopbackServer
from safetensors.torch import save_file

from compare.report.html import repeat_words
from compare.runs.gallery import Gallery, GalleryError
from compare.runs.record import Record
from compare.session import Job, JobStopped, Progress, run_job
from generate.models import OpenModel
from generate.render.batch import RenderCancelled
from generate.settings import RenderSettings, SettingsError
from ideation import AdapterMention, TwinseedError, typed_concept

SETTINGS = RenderSettings(seed=3, num_inference_steps=2, width=64, height=64)
JOB = Job(typed_concept("a dog riding a bicycle"), SETTINGS, expander="offline")


def test_progress_goes_from_opening_to_writing(seedling: OpenModel, tmp_path: Path) -> None:
    heard: list[Progress] = []
    folder = run_job(
        replace(JOB, settings=replace(SETTINGS, images=2)),
        Gallery(tmp_path),
        on_progress=heard.append,
        open_model=lambda name, **_: seedling,
        environ={},
    )
    assert [progress.stage for progress in heard] == ["open", "expand", *["render"] * 4, "look", "write"]
    assert [progress.detail for progress in heard[:2]] == ["seedling", "offline"]
    assert [(p.step.pair, p.step.number) for p in heard if p.step] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    record = Gallery(tmp_path).open_record(folder.name)
    assert record.seeds == ["3", "4"]
    assert record.certificate.holds


def test_a_cancelled_job_keeps_its_finished_pairs(seedling: OpenModel, tmp_path: Path) -> None:
    def cancel(progress: Progress) -> None:
        if progress.step and progress.step.pair == 3:
            raise RenderCancelled("stopped", hint="-")

    with pytest.raises(JobStopped) as caught:
        run_job(
            replace(JOB, settings=replace(SETTINGS, images=9)),
            Gallery(tmp_path),
            on_progress=cancel,
            open_model=lambda name, **_: seedling,
            environ={},
        )
    assert isinstance(caught.value.reason, RenderCancelled)
    record = Gallery(tmp_path).open_record(caught.value.folder.name)
    assert record.seeds == ["3", "4"]
    assert record.settings.images == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"styles": ("no such style",)}, SettingsError),
        ({"negative": "\x07"}, TwinseedError),
        ({"expander": "gemini"}, TwinseedError),
        ({"expander": "no such expander"}, TwinseedError),
    ],
)
def test_what_is_cheap_to_find_out_is_found_out_first(
    change: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    def open_model(*_: object, **__: object) -> OpenModel:
        raise AssertionError("the model was opened")

    with pytest.raises(error):
        run_job(replace(JOB, **change), Gallery(tmp_path / "runs"), open_model=open_model, environ={})
    (tmp_path / "file").touch()
    with pytest.raises(GalleryError):
        run_job(JOB, Gallery(tmp_path / "file"), open_model=open_model, environ={})


def test_a_model_is_opened_as_the_job_asks(tmp_path: Path) -> None:
    class Opened(Exception):
        pass

    def open_model(name: str, **how: object) -> OpenModel:
        raise Opened(name, how)

    job = replace(JOB, settings=replace(SETTINGS, device="cpu", fast=True), compiled=True, allow_pickle=True)
    with pytest.raises(Opened) as caught:
        run_job(job, Gallery(tmp_path), open_model=open_model, environ={})
    asked = {"device": "cpu", "dtype": "auto", "vae": None, "fast": True, "allow_pickle": True, "compiled": True}
    assert caught.value.args == ("seedling", asked)


def test_a_given_simple_prompt_is_expanded(seedling: OpenModel, tmp_path: Path) -> None:
    folder = run_job(
        replace(JOB, simple="an owl, watercolor style"),
        Gallery(tmp_path),
        open_model=lambda name, **_: seedling,
        environ={},
    )
    prompts = Gallery(tmp_path).open_record(folder.name).prompts
    assert prompts.simple == "an owl, watercolor style"
    assert "owl" in prompts.expanded
    assert prompts.expander == "offline"


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_an_expander_is_asked_once_for_all_images(wire: Any, seedling: OpenModel, tmp_path: Path) -> None:
    said = '{"language": "en", "simple": "a dog riding a bicycle", "expanded": "a dog riding a bicycle at sunset"}'
    with LoopbackServer([wire.says(said)]) as server:
        environ = (
            {"GEMINI_API_KEY": "AQ.some-key-0123456789", "GEMINI_API_ENDPOINT": server.url}
            if wire.name == "gemini"
            else {"OPENAI_API_KEY": "sk-some-key-0123456789", "OPENAI_BASE_URL": f"{server.url}/v1"}
        )
        folder = run_job(
            replace(JOB, settings=replace(SETTINGS, images=2, num_inference_steps=1), expander="auto", llm_model="m"),
            Gallery(tmp_path),
            open_model=lambda name, **_: seedling,
            environ=environ,
        )
    record = Gallery(tmp_path).open_record(folder.name)
    assert len(server.requests) == 1
    assert record.prompts.expanded == "a dog riding a bicycle at sunset"
    assert (record.prompts.expander, record.prompts.llm_model) == (wire.name, "m")
    assert not any(key in file.read_text(errors="replace") for file in folder.iterdir() for key in environ.values())


@pytest.fixture
def lora(seedling: OpenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a LoRA in Kohya's format that changes one matrix of the U-Net and one of the text encoder. The model
    is everybody's, and as it was afterwards."""
    torch.manual_seed(0)
    tensors = {}
    for part, layer in (
        ("lora_unet", "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_v"),
        ("lora_te", "text_model_encoder_layers_0_mlp_fc1"),
    ):
        out, inward = (160, 192) if part == "lora_unet" else (768, 192)
        tensors[f"{part}_{layer}.lora_up.weight"] = torch.randn(out, 2)
        tensors[f"{part}_{layer}.lora_down.weight"] = torch.randn(2, inward)
        tensors[f"{part}_{layer}.alpha"] = torch.tensor(1.0)
    folder = tmp_path / "models" / "loras"
    folder.mkdir(parents=True)
    save_file(tensors, folder / "loud.safetensors")
    monkeypatch.setenv("TWINSEED_MODELS", str(folder.parent))
    yield "loud"
    seedling.load()


def test_a_lora_in_either_prompt_is_for_both_pictures(seedling: OpenModel, lora: str, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "runs")

    def pair(simple: str, expanded: str, **settings: Any) -> Record:
        job = replace(JOB, simple=simple, expanded=expanded, settings=replace(SETTINGS, **settings))
        return gallery.open_record(run_job(job, gallery, open_model=lambda name, **_: seedling, environ={}).name)

    def pixels(record: Record) -> list[str]:
        return [render.pixels_sha256 for render in record.renders]

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


def test_the_command_of_the_report_names_all_that_was_chosen(seedling: OpenModel, lora: str, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "runs")
    settings = replace(
        SETTINGS, clip_skip=1, long_prompts="chunk", fast=True, adapters=(AdapterMention(lora, 0.5, 0.8),)
    )
    job = replace(JOB, simple="a dog", expanded="a red dog BREAK a beach", settings=settings)
    record = gallery.open_record(run_job(job, gallery, open_model=lambda name, **_: seedling, environ={}).name)
    words = " ".join(repeat_words(record))
    for option in ("--tokens chunk", "--clip-skip 1", "--lora loud:0.5:0.8", "--fast", "--seed 3"):
        assert option in words
