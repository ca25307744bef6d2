"""Schedulers: the names that people use, what each is in diffusers, what it costs, and whether it settles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generate.settings import SettingsError
from ideation.errors import nearest


@dataclass(frozen=True)
class SchedulerChoice:
    """`settles`: with more steps the picture tends to one limit; the others wander, since fresh noise goes in at every
    step. `evaluations` is the number of U-Net evaluations for N steps."""

    name: str
    class_name: str
    evaluations: str
    settles: bool
    arguments: Mapping[str, Any] = field(default_factory=dict)


SCHEDULERS: dict[str, SchedulerChoice] = {
    choice.name: choice
    for choice in (
        SchedulerChoice("DPM++ 2M Karras", "DPMSolverMultistepScheduler", "N", True, {"use_karras_sigmas": True}),
        SchedulerChoice("DPM++ 2M", "DPMSolverMultistepScheduler", "N", True),
        SchedulerChoice("UniPC", "UniPCMultistepScheduler", "N", True),
        SchedulerChoice("Euler", "EulerDiscreteScheduler", "N", True),
        SchedulerChoice("Heun", "HeunDiscreteScheduler", "2N-1", True),
        SchedulerChoice("LMS", "LMSDiscreteScheduler", "N", True),
        SchedulerChoice("DPM2", "KDPM2DiscreteScheduler", "2N-1", True),
        SchedulerChoice("DPM2 Karras", "KDPM2DiscreteScheduler", "2N-1", True, {"use_karras_sigmas": True}),
        SchedulerChoice("DEIS", "DEISMultistepScheduler", "N", True),
        SchedulerChoice("PNDM", "PNDMScheduler", "N+1", True, {"skip_prk_steps": True}),
        SchedulerChoice("DDIM", "DDIMScheduler", "N", True),
        SchedulerChoice("Euler a", "EulerAncestralDiscreteScheduler", "N", False),
        SchedulerChoice("DPM2 a", "KDPM2AncestralDiscreteScheduler", "2N-1", False),
        SchedulerChoice("DPM2 a Karras", "KDPM2AncestralDiscreteScheduler", "2N-1", False, {"use_karras_sigmas": True}),
        SchedulerChoice("DPM++ SDE Karras", "DPMSolverSDEScheduler", "2N-1", False, {"use_karras_sigmas": True}),
        SchedulerChoice("DPM++ 2M SDE Karras", "DPMSolverMultistepScheduler", "N", False,
                        {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"}),
    )
}  # fmt: skip


#: What the model's own scheduler was set to as a solver: unlike how the model was trained, that is not for another one.
_OF_THE_SOLVER = frozenset(
    {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "algorithm_type",
     "solver_type", "noise_sampler_seed"}
)  # fmt: skip


def find_scheduler(name: str) -> SchedulerChoice:
    """The choice with that name, in any case. Raises `SettingsError` with the nearest name."""
    for choice in SCHEDULERS.values():
        if choice.name.casefold() == name.strip().casefold():
            return choice
    raise SettingsError(f"unknown scheduler {name!r}", hint=nearest(name, list(SCHEDULERS)))


def build_scheduler(name: str, config: Mapping[str, Any], seeds: Sequence[int]) -> Any:
    """A fresh diffusers scheduler for one batch of pictures, from the model's own scheduler `config`.

    `seeds` has one entry per picture: DPM++ SDE does not listen to the generator and must be given them.
    """
    import diffusers

    choice = find_scheduler(name)
    classes = {
        "DPMSolverMultistepScheduler": diffusers.DPMSolverMultistepScheduler,
        "UniPCMultistepScheduler": diffusers.UniPCMultistepScheduler,
        "EulerDiscreteScheduler": diffusers.EulerDiscreteScheduler,
        "HeunDiscreteScheduler": diffusers.HeunDiscreteScheduler,
        "LMSDiscreteScheduler": diffusers.LMSDiscreteScheduler,
        "KDPM2DiscreteScheduler": diffusers.KDPM2DiscreteScheduler,
        "DEISMultistepScheduler": diffusers.DEISMultistepScheduler,
        "PNDMScheduler": diffusers.PNDMScheduler,
        "DDIMScheduler": diffusers.DDIMScheduler,
        "EulerAncestralDiscreteScheduler": diffusers.EulerAncestralDiscreteScheduler,
        "KDPM2AncestralDiscreteScheduler": diffusers.KDPM2AncestralDiscreteScheduler,
        "DPMSolverSDEScheduler": diffusers.DPMSolverSDEScheduler,
    }
    arguments = dict(choice.arguments)
    if choice.class_name == "DPMSolverSDEScheduler":
        arguments["noise_sampler_seed"] = list(seeds)
    inherited = {key: value for key, value in config.items() if key not in _OF_THE_SOLVER}
    return classes[choice.class_name].from_config(inherited, **arguments)
