"""The table of schedulers: every row is what it says, and a pair is the same with each as two pictures made alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from test_pair import PROMPTS, SEED, SETTINGS, STEPS, pixels, same_pixels

from generate.models import OpenModel, open_model
from generate.render.pair import render_pair
from generate.schedulers.dpmpp_2s_ancestral import DPMPP2SAncestralScheduler
from generate.schedulers.dpmpp_3m_sde import DPMPP3MSDEScheduler
from generate.schedulers.table import SCHEDULERS, SchedulerChoice, build_scheduler, check_steps, find_scheduler
from generate.seedling import SEEDLING_FOLDER
from generate.settings import SettingsError

EVALUATIONS = {"N": lambda n: n, "N+1": lambda n: n + 1, "2N-1": lambda n: 2 * n - 1}
OURS = {one.__name__: one for one in (DPMPP2SAncestralScheduler, DPMPP3MSDEScheduler)}
COURSE_AND_AUTOMATIC1111 = """Euler, Euler a, Heun, LMS, LMS Karras, DPM2, DPM2 a, DPM2 Karras, DPM2 a Karras,
    DPM++ 2S a, DPM++ 2S a Karras, DPM++ 2M, DPM++ 2M Karras, DPM++ SDE, DPM++ SDE Karras, DPM++ 2M SDE,
    DPM++ 2M SDE Karras, DPM++ 3M SDE, DPM++ 3M SDE Karras, DDIM, PNDM, PLMS, UniPC, DEIS, LCM, TCD"""

SD_CONFIG = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_model_keeps_its_training_and_the_scheduler_its_kind(name: str, seedling: OpenModel) -> None:
    choice = SCHEDULERS[name]
    scheduler = build_scheduler(name, seedling.scheduler_config, [5, 5])
    assert type(scheduler).__name__ == choice.class_name
    for trained in ("beta_start", "beta_end", "beta_schedule", "num_train_timesteps", "prediction_type"):
        assert scheduler.config[trained] == seedling.scheduler_config[trained]
    assert scheduler.config.prediction_type == "v_prediction"
    assert bool(scheduler.config.get("use_karras_sigmas")) == ("Karras" in name)
    assert ("sde" in str(scheduler.config.get("algorithm_type"))) == ("M SDE" in name)
    assert choice.converges == all(word not in f"{name} " for word in ("SDE ", " a ", "LCM", " eta "))
    assert (choice.eta > 0) == (" eta " in name)
    if choice.class_name in ("DDIMScheduler", "TCDScheduler"):
        assert scheduler.config.eta == choice.eta
    assert choice.evaluations in EVALUATIONS
    if choice.recommended_steps is not None:
        low, high = choice.recommended_steps
        assert 1 <= low <= high
        check_steps(name, high, seedling.scheduler_config)


def alone(model: OpenModel, choice: SchedulerChoice, prompt: str) -> Image.Image:
    """One picture as diffusers' documentation makes it, with nothing of render_pair."""
    config = {
        name: value
        for name, value in model.scheduler_config.items()
        if name not in ("use_karras_sigmas", "algorithm_type", "solver_type")
    }
    own_seed = {"noise_sampler_seed": SEED} if choice.class_name == "DPMSolverSDEScheduler" else {}
    scheduler_class = OURS.get(choice.class_name) or getattr(diffusers, choice.class_name)
    model.pipeline.scheduler = scheduler_class.from_config(config, **choice.arguments, **own_seed)
    return model.pipeline(
        prompt,
        negative_prompt=PROMPTS.negative,
        width=64,
        height=64,
        num_inference_steps=STEPS,
        guidance_scale=SETTINGS.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(SEED),
        eta=choice.eta,
    ).images[0]


@pytest.fixture(scope="module")
def trained_alike(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> OpenModel:
    """The tiny model, as if it had been trained as Seedling was: schedulers are to go by that, and not by its size."""
    folder = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("trained") / "alike")
    shutil.copytree(SEEDLING_FOLDER / "scheduler", folder / "scheduler", dirs_exist_ok=True)
    model = open_model(str(folder), device="cpu")
    assert model.scheduler_config["prediction_type"] == "v_prediction"
    return model


@pytest.mark.filterwarnings("ignore::UserWarning:torchsde")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_pair_is_two_solo_renders(name: str, trained_alike: OpenModel) -> None:
    settings = replace(SETTINGS, scheduler=name)
    pair = render_pair(PROMPTS, settings, trained_alike)
    certificate = pair.certificate

    assert [(render.arm, render.seed) for render in pair.pictures] == [("simple", SEED), ("expanded", SEED)]
    for render, prompt in zip(pair.pictures, (PROMPTS.simple, PROMPTS.expanded), strict=True):
        difference = np.abs(pixels(render.image) - pixels(alone(trained_alike, SCHEDULERS[name], prompt)))
        assert difference.max() <= 1, f"{render.arm} is not what its prompt gives alone"
    assert not np.array_equal(*(pixels(render.image) for render in pair.pictures)), "the words do something"

    assert same_pixels(pair, render_pair(PROMPTS, settings, trained_alike)), "the same again, bit for bit"
    assert certificate.same_seed
    assert certificate.differs == ("prompt",)
    assert certificate.latents_sha256[SEED]["simple"] == certificate.latents_sha256[SEED]["expanded"]
    assert certificate.evaluations == EVALUATIONS[SCHEDULERS[name].evaluations](STEPS)
    assert certificate.scheduler.class_name == SCHEDULERS[name].class_name
    if SCHEDULERS[name].eta:
        assert certificate.scheduler.config["eta"] == SCHEDULERS[name].eta


@pytest.mark.parametrize("name", [name.strip() for name in COURSE_AND_AUTOMATIC1111.split(",")])
def test_every_name_of_the_course_and_of_automatic1111_is_known(name: str) -> None:
    assert find_scheduler(name).name == {"PLMS": "PNDM"}.get(name, name)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (" dpm++ 2m KARRAS ", "DPM++ 2M Karras"),
        ("plms", "PNDM"),
        ("Euler ancestral", "Euler a"),
        ("euler_ancestral", "Euler a"),
        ("euler_a", "Euler a"),
        ("dpm_2", "DPM2"),
        ("dpm_2_ancestral", "DPM2 a"),
        ("dpm2_a_karras", "DPM2 a Karras"),
        ("dpmpp_2m", "DPM++ 2M"),
        ("dpmpp_2m_karras", "DPM++ 2M Karras"),
        ("dpmpp_2m_sde_karras", "DPM++ 2M SDE Karras"),
        ("dpmpp_2s_ancestral", "DPM++ 2S a"),
        ("dpmpp_2s_a_karras", "DPM++ 2S a Karras"),
        ("dpmpp_3m_sde", "DPM++ 3M SDE"),
        ("dpmpp_sde", "DPM++ SDE"),
        ("uni_pc", "UniPC"),
        ("UniPCMultistepScheduler", "UniPC"),
        ("DPMSolverMultistepScheduler", "DPM++ 2M"),
        ("DPMSolverSDEScheduler", "DPM++ SDE"),
        ("KDPM2AncestralDiscreteScheduler", "DPM2 a"),
        ("eulerdiscretescheduler", "Euler"),
        ("euler trailing", "Euler SGM Uniform"),
        ("euler_sgm_uniform", "Euler SGM Uniform"),
        ("DDIMScheduler", "DDIM"),
        ("TCDScheduler", "TCD"),
        ("PNDMScheduler", "PNDM"),
    ],
)
def test_other_names_for_the_same(name: str, found: str) -> None:
    assert find_scheduler(name) is SCHEDULERS[found]


def test_no_two_schedulers_share_a_name() -> None:
    names = [name.casefold() for choice in SCHEDULERS.values() for name in (choice.name, *choice.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("DPM++ 2M Karas", "did you mean 'DPM++ 2M Karras'?"),
        ("euler  a", "did you mean 'Euler a'?"),
        ("DPMSolverSinglestepScheduler", ""),  # not DPM++ SDE, whatever diffusers' documentation says
        ("DPM++ 2S", "did you mean 'DPM++ 2S a'?"),
        ("", "known names:"),
    ],
)
def test_unknown_names_suggest_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="unknown scheduler") as caught:
        find_scheduler(name)
    assert hint in caught.value.hint


def test_what_one_scheduler_was_set_to_does_not_reach_another(seedling: OpenModel) -> None:
    sde = dict(build_scheduler("DPM++ 3M SDE Karras", seedling.scheduler_config, [1, 1]).config)
    odd = {**sde, "use_karras_sigmas": False, "use_exponential_sigmas": True, "noise_sampler_seed": [3, 3], "eta": 0.0}
    plain = build_scheduler("DPM++ 2M Karras", odd, [1, 1]).config
    assert (plain.algorithm_type, plain.solver_order, plain.solver_type) == ("dpmsolver++", 2, "midpoint")
    assert plain.lower_order_final
    assert build_scheduler("UniPC", odd, [1, 1]).config.solver_order == 2
    assert build_scheduler("DPM++ 2S a", odd, [1, 1]).config.eta == 1.0
    assert build_scheduler("DPM++ SDE Karras", odd, [7, 8]).config.noise_sampler_seed == [7, 8]
    for name in SCHEDULERS:
        assert not build_scheduler(name, odd, [1, 1]).config.get("use_exponential_sigmas")


@pytest.mark.parametrize("name", ["DDIM", "LCM", "TCD", "Heun"])
@pytest.mark.parametrize(
    ("said", "clips"), [({}, False), ({"clip_sample": False}, False), ({"clip_sample": True}, True)]
)
def test_latents_are_clipped_only_where_the_model_says_so(name: str, said: dict[str, bool], clips: bool) -> None:
    assert build_scheduler(name, SD_CONFIG | said, [1, 1]).config.clip_sample is clips
    unsaid = {"clip_sample": True, "_use_default_values": ["clip_sample"]}
    assert build_scheduler(name, SD_CONFIG | said | unsaid, [1, 1]).config.clip_sample is False


@pytest.mark.parametrize(
    ("name", "follows"),
    [
        ("DPM++ 2M Karras", True),
        ("Euler a", True),
        ("DPM++ 2S a", True),
        ("TCD", True),
        ("Heun", False),
        ("LMS", False),
        ("PNDM", False),
        ("DPM++ SDE Karras", False),
    ],
)
def test_a_model_trained_to_zero_signal(name: str, follows: bool) -> None:
    config = SD_CONFIG | {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}
    if follows:
        assert build_scheduler(name, config, [1, 1]).alphas_cumprod[-1] < 1e-6
    else:
        with pytest.raises(SettingsError, match=rf"{name.replace('+', '.')} cannot render this model"):
            build_scheduler(name, config, [1, 1])


@pytest.mark.parametrize("name", ["LCM", "tcd"])
@pytest.mark.parametrize(("config", "most"), [({}, 50), ({"original_inference_steps": 100}, 100)])
def test_distilled_schedulers_have_a_last_step(name: str, config: Mapping[str, Any], most: int) -> None:
    check_steps(name, most, config)
    build_scheduler(name, SD_CONFIG | config, [1, 1]).set_timesteps(most)
    with pytest.raises(SettingsError, match=f"cannot take {most + 1} steps: it picks them from {most}") as caught:
        check_steps(name, most + 1, config)
    assert caught.value.hint == f"give 1 to {most} steps, or take another scheduler"
    check_steps("Euler", 1000, config)


def test_trailing_time_steps_begin_with_pure_noise() -> None:
    leading = SD_CONFIG | {"timestep_spacing": "leading", "steps_offset": 1}
    for name, timesteps in (("Euler", [751, 501, 251, 1]), ("Euler SGM Uniform", [999, 749, 499, 249])):
        scheduler = build_scheduler(name, leading, [1, 1])
        scheduler.set_timesteps(4)
        assert scheduler.timesteps.tolist() == timesteps
