"""A job: from what was asked for to a finished run, or to what was finished of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loopback import WIRES, LoopbackServer

from compare.gallery import Gallery, GalleryError
from compare.job import Job, JobStopped, Progress, run_job
from generate.models import OpenModel
from generate.pair import RenderCancelled
from generate.settings import RenderSettings, SettingsError
from ideation.concept import typed_concept
from ideation.errors import TwinseedError

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
    assert [progress.stage for progress in heard] == ["open", "expand", *["render"] * 4, "write"]
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
