"""The schedulers that diffusers lacks: the published algorithms, in the manners of diffusers."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from test_pair import SEED
from test_schedulers import SD_CONFIG

from generate.models import OpenModel
from generate.schedulers.dpmpp_2s_ancestral import DPMPP2SAncestralScheduler
from generate.schedulers.table import build_scheduler

LOW, HIGH, SPREAD = -1.0, 0.7, 0.4


def denoised(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """E[pixel | x] where x = pixel + sigma noise, and pixels are an even mixture of two normal distributions."""
    variance = SPREAD**2 + sigma**2
    high = torch.sigmoid(((x - LOW) ** 2 - (x - HIGH) ** 2) / (2 * variance))
    return (SPREAD**2 * x + sigma**2 * (LOW + (HIGH - LOW) * high)) / variance


def noise_level(timestep: float) -> float:
    """sigma of a timestep of Stable Diffusion's training, whole or not (linear in log sigma between whole ones)."""
    betas = np.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000) ** 2
    kept = np.cumprod(1 - betas)
    return math.exp(np.interp(timestep, np.arange(1000), np.log((1 - kept) / kept) / 2))


def unet(scaled: torch.Tensor, sigma: float, prediction_type: str) -> torch.Tensor:
    """What a perfect U-Net answers to a sample that was scaled to variance 1."""
    x = scaled * math.hypot(sigma, 1)
    picture = denoised(x, sigma)
    noise = (x - picture) / sigma
    return {
        "epsilon": noise,
        "sample": picture,
        "v_prediction": (noise - sigma * picture) / math.hypot(sigma, 1),
    }[prediction_type]


def drive(scheduler: Any, steps: int, sigma_of: Callable[[float], float], seed: int = 3) -> torch.Tensor:
    """Eight pixels from noise to picture in float64, as a pipeline drives a scheduler."""
    generator = torch.Generator().manual_seed(seed)
    scheduler.set_timesteps(steps)
    x = torch.randn((1, 2, 2, 2), generator=generator, dtype=torch.float64) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        output = unet(
            scheduler.scale_model_input(x, timestep), sigma_of(float(timestep)), scheduler.config.prediction_type
        )
        x = scheduler.step(output, timestep, x, generator=generator).prev_sample
        assert x.dtype == torch.float64
    return x


def levels(steps: int, karras: bool) -> list[float]:
    """N noise levels and 0: evenly spaced timesteps, or the spacing of Karras et al. 2022 (equation 5, rho = 7)."""
    most, least = noise_level(999), noise_level(0)
    if karras:
        ends = most ** (1 / 7), least ** (1 / 7)
        return [(ends[0] + i / (steps - 1) * (ends[1] - ends[0])) ** 7 for i in range(steps)] + [0.0]
    # For the levels diffusers interpolates sigma itself between whole timesteps, and not its logarithm.
    whole = [noise_level(t) for t in range(1000)]
    return [float(np.interp(t, np.arange(1000), whole)) for t in np.linspace(999, 0, steps)] + [0.0]


def published_2s_ancestral(sigmas: list[float], eta: float = 1.0, seed: int = 3) -> torch.Tensor:
    """DPM-Solver++(2S), algorithm 1 of arXiv 2211.01095 in k-diffusion's variables: t = -log sigma, alpha = 1."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((1, 2, 2, 2), generator=generator, dtype=torch.float64) * sigmas[0]
    r = 0.5
    for sigma, after in pairwise(sigmas):
        if after == 0:
            x = x + (x - denoised(x, sigma)) / sigma * (0 - sigma)
            continue
        up = min(after, eta * math.sqrt(after**2 * (sigma**2 - after**2) / sigma**2))
        down = math.sqrt(after**2 - up**2)
        t, t_down = -math.log(sigma), -math.log(down)
        h = t_down - t
        s = t + r * h
        u = math.exp(-s) / math.exp(-t) * x - math.expm1(-r * h) * denoised(x, sigma)
        d = (1 - 1 / (2 * r)) * denoised(x, sigma) + 1 / (2 * r) * denoised(u, math.exp(-s))
        x = math.exp(-t_down) / math.exp(-t) * x - math.expm1(-h) * d
        if eta:
            x = x + up * torch.randn((1, 2, 2, 2), generator=generator, dtype=torch.float64)
    return x


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("karras", [False, True])
@pytest.mark.parametrize("steps", [2, 9, 30])
def test_2s_ancestral_is_the_published_algorithm(prediction_type: str, karras: bool, steps: int) -> None:
    scheduler = DPMPP2SAncestralScheduler(**SD_CONFIG, prediction_type=prediction_type, use_karras_sigmas=karras)
    ours, published = drive(scheduler, steps, noise_level), published_2s_ancestral(levels(steps, karras))
    assert len(scheduler.timesteps) == 2 * steps - 1
    assert (ours - published).abs().max() < 1e-5
    other_noise = published_2s_ancestral(levels(steps, karras), seed=4)
    assert (ours - other_noise).abs().max() > 0.1


def test_without_noise_2s_is_of_second_order() -> None:
    """Twice the steps, a quarter of the error: no first-order method does that, and no wrong coefficient."""
    exact = published_2s_ancestral(levels(2000, karras=True), eta=0)
    scheduler = DPMPP2SAncestralScheduler(**SD_CONFIG, use_karras_sigmas=True, eta=0)
    errors = [float((drive(scheduler, steps, noise_level) - exact).abs().max()) for steps in (20, 40, 80)]
    assert all(3.2 < coarse / fine < 5 for coarse, fine in pairwise(errors)), errors


def published_3m_sde(sigmas: list[float], seed: int = 3) -> torch.Tensor:
    """k-diffusion's third-order multistep solver of the stochastic equation at eta = 1, with independent noise."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((1, 2, 2, 2), generator=generator, dtype=torch.float64) * math.hypot(sigmas[0], 1)
    pictures: list[torch.Tensor] = []
    widths: list[float] = []
    for sigma, after in pairwise(sigmas):
        pictures.append(denoised(x, sigma))
        noise = torch.randn((1, 2, 2, 2), generator=generator, dtype=torch.float32).double()
        if after == 0:
            return pictures[-1]
        h = math.log(sigma / after)
        grown = 2 * h
        x = math.exp(-grown) * x - math.expm1(-grown) * pictures[-1]
        phi_2 = math.expm1(-grown) / grown + 1
        phi_3 = phi_2 / grown - 0.5
        if len(pictures) == 2:
            x = x + phi_2 * (pictures[-1] - pictures[-2]) * h / widths[-1]
        elif len(pictures) > 2:
            ratio_1, ratio_2 = widths[-1] / h, widths[-2] / h
            slope_1 = (pictures[-1] - pictures[-2]) / ratio_1
            slope_2 = (pictures[-2] - pictures[-3]) / ratio_2
            bend = (slope_1 - slope_2) / (ratio_1 + ratio_2)
            x = x + phi_2 * (slope_1 + (slope_1 - slope_2) * ratio_1 / (ratio_1 + ratio_2)) - phi_3 * bend
        x = x + noise * after * math.sqrt(-math.expm1(-2 * h))
        widths.append(h)
    raise AssertionError("the last level must be 0")


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", ["DPM++ 3M SDE", "DPM++ 3M SDE Karras"])
@pytest.mark.parametrize("steps", [3, 9, 30])
def test_3m_sde_is_the_published_algorithm(name: str, prediction_type: str, steps: int) -> None:
    scheduler = build_scheduler(name, SD_CONFIG | {"prediction_type": prediction_type}, [1])
    scheduler.set_timesteps(steps)
    # diffusers rounds its timesteps; the perfect U-Net is told the level that the solver believes in.
    told = dict(zip(scheduler.timesteps.tolist(), scheduler.sigmas.tolist(), strict=False))
    first = scheduler.sigmas[0].item()
    # Here a sample is scaled to variance 1 from the beginning, and its noise is sigma / sqrt(sigma^2 + 1).
    generator = torch.Generator().manual_seed(3)
    x = torch.randn((1, 2, 2, 2), generator=generator, dtype=torch.float64)
    for timestep in scheduler.timesteps:
        output = unet(x, told[float(timestep)], prediction_type)
        x = scheduler.step(output, timestep, x, generator=generator).prev_sample
    published = published_3m_sde(scheduler.sigmas.double().tolist())
    assert first == pytest.approx(noise_level(999), rel=1e-5)
    assert (x - published).abs().max() < 1e-4
    assert (x - published_3m_sde(scheduler.sigmas.double().tolist(), seed=4)).abs().max() > 0.1


@pytest.mark.parametrize("name", ["DPM++ 2S a", "DPM++ 2S a Karras", "DPM++ 3M SDE", "DPM++ 3M SDE Karras"])
def test_ours_are_saved_and_read_like_any_scheduler(name: str, seedling: OpenModel, tmp_path: Path) -> None:
    built = build_scheduler(name, seedling.scheduler_config, [1])
    built.save_pretrained(tmp_path)
    read = type(built).from_pretrained(tmp_path)
    assert {k: v for k, v in read.config.items() if k[0] != "_"} == {
        k: v for k, v in built.config.items() if k[0] != "_"
    }
    assert torch.equal(drive(read, 5, noise_level), drive(built, 5, noise_level))
    back = diffusers.EulerDiscreteScheduler.from_config(read.config)
    assert back.config.prediction_type == "v_prediction"


def test_2s_ancestral_draws_for_each_picture_from_its_own_generator() -> None:
    scheduler = DPMPP2SAncestralScheduler(**SD_CONFIG)

    def run(*seeds: int) -> torch.Tensor:
        scheduler.set_timesteps(4)
        x = torch.ones((len(seeds), 1, 2, 2)) * scheduler.init_noise_sigma
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for timestep in scheduler.timesteps:
            output = 0.5 * scheduler.scale_model_input(x, timestep)
            x, predicted = scheduler.step(output, timestep, x, generator=generators, return_dict=False)
        assert torch.equal(x, predicted), "the last step takes the predicted picture itself"
        return x

    both = run(5, 6)
    assert torch.equal(both[0], run(5)[0])
    assert torch.equal(both[1], run(6)[0])
    assert not torch.equal(*both)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_2s_ancestral_keeps_the_type_of_the_model(dtype: torch.dtype) -> None:
    scheduler = DPMPP2SAncestralScheduler(**SD_CONFIG, use_karras_sigmas=True)
    scheduler.set_timesteps(3)
    x = torch.full((1, 1, 2, 2), scheduler.init_noise_sigma, dtype=dtype)
    generator = torch.Generator().manual_seed(1)
    for timestep in scheduler.timesteps:
        scaled = scheduler.scale_model_input(x, timestep)
        assert scaled.dtype == dtype
        x = scheduler.step(0.5 * scaled, timestep, x, generator=generator).prev_sample
        assert x.dtype == dtype
        assert x.isfinite().all()


def test_2s_ancestral_adds_the_noise_of_a_timestep() -> None:
    scheduler = DPMPP2SAncestralScheduler(**SD_CONFIG, timestep_spacing="leading", steps_offset=1)
    assert len(scheduler) == 1000
    scheduler.set_timesteps(10)
    assert scheduler.timesteps[::2].tolist() == pytest.approx(list(range(901, 0, -100)), abs=1e-3)
    assert scheduler.init_noise_sigma == pytest.approx(math.hypot(noise_level(901), 1), rel=1e-5)
    pictures, noise = torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2)
    noisy = scheduler.add_noise(pictures, noise, scheduler.timesteps[[0, 4]])
    assert noisy[:, 0, 0, 0].tolist() == pytest.approx([noise_level(901), noise_level(701)], rel=1e-5)
    scheduler.set_begin_index(8)
    noisy = scheduler.add_noise(pictures, noise, scheduler.timesteps[[8, 8]])
    assert noisy[:, 0, 0, 0].tolist() == pytest.approx([noise_level(501)] * 2, rel=1e-5)


@pytest.mark.parametrize("eta", [1.0, 0.5])
def test_2s_ancestral_begins_anywhere_but_in_the_middle_of_a_step(eta: float) -> None:
    scheduler = DPMPP2SAncestralScheduler(**SD_CONFIG, eta=eta)
    scheduler.set_timesteps(4)
    x = torch.zeros(1, 1, 2, 2)
    assert (scheduler.begin_index, scheduler.step_index) == (None, None)
    scheduler.set_begin_index(1)
    with pytest.raises(ValueError, match="is the middle of a step"):
        scheduler.step(x, scheduler.timesteps[1], x)
    scheduler.set_timesteps(4)
    with pytest.raises(ValueError, match=r"12\.5 is none of the timesteps"):
        scheduler.step(x, 12.5, x)
    scheduler.step(x, scheduler.timesteps[2], x)
    assert scheduler.step_index == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prediction_type": "flow_prediction"}, "prediction_type is 'flow_prediction'"),
        ({"eta": 1.5}, r"eta is 1\.5; it must be from 0 to 1"),
        ({"use_karras_sigmas": True, "use_beta_sigmas": True}, "Only one of"),
    ],
)
def test_2s_ancestral_refuses_what_it_cannot_do(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DPMPP2SAncestralScheduler(**SD_CONFIG, **arguments)


def test_2s_ancestral_drives_img2img(seedling: OpenModel) -> None:
    """The pipeline that begins in the middle: half of 4 steps are 2, and 3 evaluations."""
    components = seedling.pipeline.components | {
        "scheduler": build_scheduler("DPM++ 2S a Karras", seedling.scheduler_config, [SEED])
    }
    pipeline = diffusers.StableDiffusionImg2ImgPipeline(**components, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    seen: list[int] = []
    start = Image.new("RGB", (64, 64), "teal")

    def draw(strength: float) -> np.ndarray[Any, Any]:
        seen.clear()
        return np.asarray(
            pipeline(
                "a red dog",
                image=start,
                strength=strength,
                num_inference_steps=4,
                output_type="np",
                generator=torch.Generator().manual_seed(SEED),
                callback_on_step_end=lambda _pipeline, step, _timestep, _tensors: seen.append(step) or {},
            ).images[0]
        )

    half = draw(0.5)
    assert len(seen) == 3
    assert np.array_equal(half, draw(0.5))
    plain = np.asarray(start) / 255
    assert np.abs(draw(0.25) - plain).mean() < np.abs(draw(1.0) - plain).mean(), "less noise, nearer to the start"
