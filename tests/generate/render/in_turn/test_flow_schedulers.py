"""Schedulers of flow matching, which drive transformers alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny_in_turn import SHORT, Opened, pixels, prompts_of, settings_of

from generate import RenderSettings
from generate.models import OpenModel
from generate.models.suitability import check_family
from generate.render import Frame, render_pair, render_series
from generate.schedulers.table import build_scheduler
from generate.settings import SettingsError

pytest_plugins = ["tiny_in_turn"]


def test_flow_schedulers_are_for_flow_alone(seedling: OpenModel) -> None:
    for changes in ({"memory": "8GB"}, {"max_sequence_length": 77}):
        with pytest.raises(SettingsError):
            check_family(RenderSettings(**changes), seedling.family)
    with pytest.raises(SettingsError, match="Euler Karras is for models that were trained by flow matching"):
        build_scheduler("euler_karras", seedling.scheduler_config, [1])


def test_schedulers_of_flow_take_over_how_far_it_is_shifted() -> None:
    of_dpm = {"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": True, "flow_shift": 3.0}
    assert build_scheduler("Euler", of_dpm, [1]).config.shift == 3.0
    of_euler = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 6.0}
    assert build_scheduler("DPM++ 2M", of_euler, [1]).config.flow_shift == 6.0


def test_all_its_schedulers_draw_the_same_pair_differently(opened: Opened) -> None:
    model = opened("sana")
    assert model.family.in_turn is not None
    drawn = set()
    for scheduler in model.family.in_turn.schedulers:
        pair = render_pair(prompts_of(model), settings_of(model, scheduler=scheduler, num_inference_steps=4), model)
        assert pair.certificate.holds, scheduler
        drawn.add(pair.pictures[0].image.tobytes())
    assert len(drawn) == len(model.family.in_turn.schedulers)


@pytest.mark.parametrize("name", ["flux", "qwen-image", "sd3", "chroma", "lumina2", "kandinsky5"])
def test_other_solvers_go_where_euler_goes(name: str, opened: Opened) -> None:
    model = opened(name)
    assert model.family.in_turn is not None
    guidance = model.family.usual["guidance_scale"] if model.family.in_turn.guided_above is None else 1.0

    def drawn(scheduler: str, seed: int = 5) -> Any:
        settings = settings_of(model, scheduler=scheduler, num_inference_steps=3, guidance_scale=guidance)
        (frame,) = render_series([Frame(SHORT, seed)], prompts_of(model), settings, model)
        return pixels(frame.image)

    euler = drawn("Euler")
    apart = np.abs(drawn("Euler", 6) - euler).mean()
    for solver in {"UniPC", "DPM++ 2M", "DEIS"} & {*model.family.in_turn.schedulers}:
        assert 0 < np.abs(drawn(solver) - euler).mean() < apart, f"{solver}: nearer than another seed is"
