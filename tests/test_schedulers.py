"""The table of schedulers: every row is what it says."""

from __future__ import annotations

import pytest

from generate.models import OpenModel
from generate.schedulers import SCHEDULERS, build_scheduler, find_scheduler
from generate.settings import SettingsError

EVALUATIONS = {"N": lambda n: n, "N+1": lambda n: n + 1, "2N-1": lambda n: 2 * n - 1}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_model_keeps_its_training_and_the_scheduler_its_kind(name: str, seedling: OpenModel) -> None:
    choice = SCHEDULERS[name]
    scheduler = build_scheduler(name, seedling.scheduler_config, [5, 5])
    assert type(scheduler).__name__ == choice.class_name
    for trained in ("beta_start", "beta_end", "beta_schedule", "num_train_timesteps", "prediction_type"):
        assert scheduler.config[trained] == seedling.scheduler_config[trained]
    assert bool(scheduler.config.get("use_karras_sigmas")) == ("Karras" in name)
    assert ("sde" in str(scheduler.config.get("algorithm_type"))) == (name == "DPM++ 2M SDE Karras")
    assert choice.settles == all(word not in f"{name} " for word in ("SDE ", " a "))
    assert choice.evaluations in EVALUATIONS


def test_what_one_scheduler_was_set_to_does_not_reach_another(seedling: OpenModel) -> None:
    sde = dict(build_scheduler("DPM++ 2M SDE Karras", seedling.scheduler_config, [1, 1]).config)
    odd = {**sde, "use_karras_sigmas": False, "use_exponential_sigmas": True, "noise_sampler_seed": [3, 3]}
    assert dict(build_scheduler("DPM++ 2M Karras", odd, [1, 1]).config)["algorithm_type"] == "dpmsolver++"
    assert build_scheduler("DPM++ SDE Karras", odd, [7, 8]).config.noise_sampler_seed == [7, 8]
    for name in SCHEDULERS:
        assert not build_scheduler(name, odd, [1, 1]).config.get("use_exponential_sigmas")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("DPM++ 2M Karas", "did you mean 'DPM++ 2M Karras'?"),
        ("euler  a", "did you mean 'Euler a'?"),
        ("", "known names:"),
    ],
)
def test_unknown_names_suggest_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="unknown scheduler") as caught:
        find_scheduler(name)
    assert hint in caught.value.hint


def test_names_are_found_in_any_case() -> None:
    assert find_scheduler(" dpm++ 2m KARRAS ") is SCHEDULERS["DPM++ 2M Karras"]
