"""Memory that runs short: what it does not hold is rendered in parts, both arms alike, to the same pictures."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_pair import PROMPTS, SETTINGS, pixels

from generate.models import OpenModel, open_model
from generate.render.batch import RenderError, Step
from generate.render.memory import MemoryPlan, applied
from generate.render.pair import render_pair

SMALL = replace(SETTINGS, num_inference_steps=3)


@contextmanager
def memory_for(module: Any, rows: int) -> Iterator[list[int]]:
    """The module runs out of memory when it is given more than `rows` rows at once; yields the rows that it took.

    It stands in for the class's own `forward`, below whatever is put over the module while it renders.
    """
    taken: list[int] = []
    inner = type(module).forward

    @functools.wraps(inner)
    def limited(self: Any, first: torch.Tensor, *rest: Any, **keywords: Any) -> Any:
        if len(first) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        taken.append(len(first))
        return inner(self, first, *rest, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(module), "forward", limited)
        yield taken


@pytest.mark.parametrize(
    ("rows", "given_up"), [(4, ()), (3, ("U-Net in batches of 2",)), (1, ("U-Net in batches of 1",))]
)
def test_a_unet_that_does_not_fit_takes_the_batch_in_parts(
    rows: int, given_up: tuple[str, ...], seedling: OpenModel
) -> None:
    whole = render_pair(PROMPTS, SMALL, seedling)
    with memory_for(seedling.pipeline.unet, rows) as taken:
        pair = render_pair(PROMPTS, replace(SMALL, images=2), seedling)
    assert set(taken) == {max(k for k in (1, 2, 4) if k <= rows)}
    certificate = pair.certificate
    assert certificate.given_up == ({SMALL.seed: given_up, SMALL.seed + 1: given_up} if given_up else {})
    assert (certificate.same_seed, certificate.differs) == (True, ("prompt",))
    for one, other in zip(whole.pictures, pair.pictures, strict=False):
        assert np.abs(pixels(one.image) - pixels(other.image)).max() <= 1


def test_the_model_is_as_before_afterwards(seedling: OpenModel) -> None:
    before = render_pair(PROMPTS, SMALL, seedling)
    with applied(MemoryPlan(denoiser_batch=1, vae_tiled=True, vae_float32=True), seedling):
        assert seedling.pipeline.vae.use_tiling
    assert not seedling.pipeline.vae.use_tiling
    assert not {"forward", "decode"} & {*seedling.pipeline.unet.__dict__, *seedling.pipeline.vae.__dict__}
    after = render_pair(PROMPTS, SMALL, seedling)
    assert [r.image.tobytes() for r in before.pictures] == [r.image.tobytes() for r in after.pictures]
    parts = (seedling.pipeline.unet, seedling.pipeline.vae, seedling.pipeline.text_encoder)
    weights = [tensor for part in parts for tensor in (*part.parameters(), *part.buffers())]
    assert not any(weight.is_inference() for weight in weights), "a LoRA can still be written into them"


def test_what_no_plan_can_fit_is_an_error(seedling: OpenModel) -> None:
    with memory_for(seedling.pipeline.unet, 0), pytest.raises(RenderError, match="not even one at a time") as caught:
        render_pair(PROMPTS, SMALL, seedling)
    assert "--size" in caught.value.hint


def test_a_decoder_that_does_not_fit_draws_one_picture_at_a_time(seedling: OpenModel) -> None:
    whole = render_pair(PROMPTS, SMALL, seedling)
    with memory_for(seedling.pipeline.vae.decoder, 1) as taken:
        pair = render_pair(PROMPTS, SMALL, seedling)
    assert set(taken) == {1}
    assert pair.certificate.given_up[SMALL.seed] == ("U-Net in batches of 1", "VAE in tiles")
    for one, other in zip(whole.pictures, pair.pictures, strict=True):
        assert np.abs(pixels(one.image) - pixels(other.image)).max() <= 1


def test_a_decoder_that_overflows_decodes_both_in_float32(tiny_folder: Path) -> None:
    model = open_model(str(tiny_folder), device="cpu", dtype="bfloat16")
    vae, decode = model.pipeline.vae, model.pipeline.vae.decoder.forward

    def overflowing(latents: torch.Tensor, *rest: Any) -> torch.Tensor:
        pixels: torch.Tensor = decode(latents, *rest)
        return pixels if latents.dtype is torch.float32 else pixels * torch.inf * 0

    vae.decoder.forward = overflowing
    pair = render_pair(PROMPTS, replace(SMALL, width=32, height=32, dtype="bfloat16"), model)
    assert pair.certificate.given_up == {SMALL.seed: ("VAE in float32",)}
    assert all(np.asarray(render.image).any() for render in pair.pictures), "no picture is black"
    assert vae.dtype is torch.bfloat16

    vae.decoder.forward = lambda latents, *rest: decode(latents, *rest) * torch.inf * 0
    with pytest.raises(RenderError, match="in float32 too"):
        render_pair(PROMPTS, replace(SMALL, width=32, height=32, dtype="bfloat16"), model)


def test_the_order_of_the_ladder() -> None:
    def rungs(device: str) -> Iterator[tuple[str, ...]]:
        plan: MemoryPlan | None = MemoryPlan()
        while plan is not None:
            yield plan.given_up
            plan = plan.smaller(device)

    *on_cpu, last = rungs("cpu")
    assert on_cpu == [(), ("U-Net in batches of 2",), ("U-Net in batches of 1",)]
    assert last == ("U-Net in batches of 1", "VAE in tiles")
    assert list(rungs("cuda"))[-1][-1] == "parts of the model moved to the CPU in turn"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_noise_floor_is_far_below_what_words_do(dtype: str, seedling: OpenModel) -> None:
    model = open_model("seedling", device="cpu", dtype=dtype)
    pair = render_pair(PROMPTS, replace(SMALL, dtype=dtype), model, noise_floor=True)
    floor = pair.certificate.noise_floor[SMALL.seed]
    words = np.abs(pixels(pair.pictures[0].image) - pixels(pair.pictures[1].image)).mean() / 255
    assert floor.mean_absolute_difference < words / 10
    if dtype == "float32":
        assert floor.largest_difference <= 1
    assert render_pair(PROMPTS, SMALL, seedling).certificate.noise_floor == {}


def test_a_preview_comes_nearer_to_the_picture(seedling: OpenModel) -> None:
    previews: list[list[Any]] = []

    def look(step: Step) -> None:
        previews.append(step.preview())

    settings = replace(SETTINGS, num_inference_steps=8, width=128, height=128)
    pair = render_pair(PROMPTS, settings, seedling, on_step=look)
    assert [len(pictures) for pictures in previews] == [2] * 8
    final = [pixels(render.image) for render in pair.pictures]
    apart = [
        np.mean([np.abs(pixels(preview) - whole).mean() for preview, whole in zip(pictures, final, strict=True)])
        for pictures in previews
    ]
    assert apart[-1] < 8 < apart[0]
    assert apart[-1] == min(apart)


def test_a_preview_of_a_large_model_has_a_pixel_per_latent(
    seedling: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generate.render.preview._SMALL_DECODER", 0)
    previews: list[Any] = []

    def look(step: Step) -> None:
        previews[:] = step.preview()

    width, height = seedling.native_size
    settings = replace(SETTINGS, num_inference_steps=8, width=width, height=height)
    pair = render_pair(PROMPTS, settings, seedling, on_step=look)
    for preview, render in zip(previews, pair.pictures, strict=True):
        assert preview.size == (8, 8)
        small = pixels(render.image.resize((8, 8)))
        assert np.corrcoef(pixels(preview).ravel(), small.ravel())[0, 1] > 0.5
