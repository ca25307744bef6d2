"""Schedulers: the names that people use, what each is in diffusers, what it costs, and whether it converges."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generate.settings import SettingsError
from ideation import nearest

_FLOW = "FlowMatchEulerDiscreteScheduler"
_FLOW_OF_DPM = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
_SCM = "SCMScheduler"
_KARRAS = {"use_karras_sigmas": True}
_SDE = {"algorithm_type": "sde-dpmsolver++"}
_THIRD = {**_SDE, "solver_order": 3, "solver_type": "heun", "lower_order_final": False}

_CONSISTENCY = "for Sana Sprint alone; it draws noise at every step but the first, from the generator of the seed"
_DDIM = "at eta 0, as here, it draws no noise and settles, although it is often grouped with those that wander"
_DDPM = "at eta 1 it draws as much noise as DDPM does"
_DISTILLED = "needs a model or LoRA that was distilled for it; with any other the picture stays soft"
_PATH = "the noise is one path of a Brownian motion, which more steps only trace more finely: it drifts, and ever less"
_PRK = "the first step takes two evaluations; PLMS is this without the Runge-Kutta start"
_SINGLE = "the table in diffusers' documentation gives DPMSolverSinglestep, which draws no noise and is another"
_TCD = "at eta 0, as here, it draws no noise; its makers advise 0.3, which is TCD eta 0.3"
_TRAILING = "the time steps are spaced so that the first is of pure noise, as SDXL-Lightning was distilled for"
_THIRD_NOTE = "diffusers' own third order has a sign wrong; this is the published one"
_TWO_S = "DPM++ 2S without the a draws no noise and is another"


@dataclass(frozen=True)
class SchedulerChoice:
    """`converges`: with more steps the picture tends to one limit; the others wander, since fresh noise goes in at
    every step. `evaluations` is the number of the denoiser's evaluations for N steps.

    `recommended_steps` is the range, both ends included, that is usually advised; None where nobody does. `note` is a
    line on what people are usually misled about, or "". `aliases` are other names that mean the same. `eta` is how much
    noise is drawn, from 0 to 1, of those that leave it open (DDIM, TCD).
    """

    name: str
    class_name: str
    evaluations: str
    converges: bool
    arguments: Mapping[str, Any] = field(default_factory=dict)
    recommended_steps: tuple[int, int] | None = None
    note: str = ""
    aliases: tuple[str, ...] = ()
    eta: float = 0.0


#: The advice on steps is the course's for DPM++ 2M Karras, UniPC, DPM++ SDE Karras and DDIM; for the others it is that
#: of who published them: DPM-Solver++ (arXiv 2211.01095), DEIS (2204.13902), PNDM (2202.09778), the LoRAs of LCM
#: (2311.05556), TCD (2402.19159).
SCHEDULERS: dict[str, SchedulerChoice] = {
    choice.name: choice
    for choice in (
        SchedulerChoice("DPM++ 2M Karras", "DPMSolverMultistepScheduler", "N", True, _KARRAS, (20, 30)),
        SchedulerChoice("DPM++ 2M", "DPMSolverMultistepScheduler", "N", True, {}, (15, 20)),
        SchedulerChoice("UniPC", "UniPCMultistepScheduler", "N", True, {}, (20, 30), aliases=("uni_pc",)),
        SchedulerChoice("Euler", "EulerDiscreteScheduler", "N", True),
        SchedulerChoice(
            "Euler SGM Uniform",
            "EulerDiscreteScheduler",
            "N",
            True,
            {"timestep_spacing": "trailing"},
            None,
            _TRAILING,
            ("Euler trailing",),
        ),
        SchedulerChoice("Heun", "HeunDiscreteScheduler", "2N-1", True),
        SchedulerChoice("LMS", "LMSDiscreteScheduler", "N", True),
        SchedulerChoice("LMS Karras", "LMSDiscreteScheduler", "N", True, _KARRAS),
        SchedulerChoice("DPM2", "KDPM2DiscreteScheduler", "2N-1", True, aliases=("dpm_2",)),
        SchedulerChoice("DPM2 Karras", "KDPM2DiscreteScheduler", "2N-1", True, _KARRAS),
        SchedulerChoice("DEIS", "DEISMultistepScheduler", "N", True, {}, (10, 20)),
        SchedulerChoice("PNDM", "PNDMScheduler", "N+1", True, {"skip_prk_steps": True}, (50, 50), _PRK, ("PLMS",)),
        SchedulerChoice("DDIM", "DDIMScheduler", "N", True, {}, (10, 15), _DDIM),
        SchedulerChoice("DDIM eta 1", "DDIMScheduler", "N", False, {}, None, _DDPM, eta=1.0),
        SchedulerChoice("Euler a", "EulerAncestralDiscreteScheduler", "N", False, aliases=("Euler ancestral",)),
        SchedulerChoice(
            "DPM2 a", "KDPM2AncestralDiscreteScheduler", "2N-1", False, aliases=("DPM2 ancestral", "dpm_2_ancestral")
        ),
        SchedulerChoice(
            "DPM2 a Karras",
            "KDPM2AncestralDiscreteScheduler",
            "2N-1",
            False,
            _KARRAS,
            aliases=("DPM2 ancestral Karras",),
        ),
        SchedulerChoice(
            "DPM++ 2S a", "DPMPP2SAncestralScheduler", "2N-1", False, {}, None, _TWO_S, ("DPM++ 2S ancestral",)
        ),
        SchedulerChoice(
            "DPM++ 2S a Karras",
            "DPMPP2SAncestralScheduler",
            "2N-1",
            False,
            _KARRAS,
            None,
            _TWO_S,
            ("DPM++ 2S ancestral Karras",),
        ),
        SchedulerChoice("DPM++ SDE", "DPMSolverSDEScheduler", "2N-1", False, {}, None, f"{_SINGLE}; {_PATH}"),
        SchedulerChoice(
            "DPM++ SDE Karras", "DPMSolverSDEScheduler", "2N-1", False, _KARRAS, (8, 12), f"{_SINGLE}; {_PATH}"
        ),
        SchedulerChoice("DPM++ 2M SDE", "DPMSolverMultistepScheduler", "N", False, _SDE),
        SchedulerChoice("DPM++ 2M SDE Karras", "DPMSolverMultistepScheduler", "N", False, {**_KARRAS, **_SDE}),
        SchedulerChoice("DPM++ 3M SDE", "DPMPP3MSDEScheduler", "N", False, _THIRD, None, _THIRD_NOTE),
        SchedulerChoice(
            "DPM++ 3M SDE Karras", "DPMPP3MSDEScheduler", "N", False, {**_KARRAS, **_THIRD}, None, _THIRD_NOTE
        ),
        SchedulerChoice("LCM", "LCMScheduler", "N", False, {}, (4, 8), _DISTILLED),
        SchedulerChoice("TCD", "TCDScheduler", "N", True, {}, (4, 4), f"{_DISTILLED}; {_TCD}"),
        SchedulerChoice("TCD eta 0.3", "TCDScheduler", "N", False, {}, (4, 4), _DISTILLED, eta=0.3),
    )
}

#: The schedulers of models that were trained by flow matching (Lipman et al. 2022). Which of them draws a model, its
#: family says. What draws noise on the way is left out but for SCM, since diffusers' others do not listen to the
#: generator.
FLOW_SCHEDULERS: dict[str, SchedulerChoice] = {
    choice.name: choice
    for choice in (
        SchedulerChoice("Euler", _FLOW, "N", True),
        SchedulerChoice("Euler Karras", _FLOW, "N", True, _KARRAS),
        SchedulerChoice("Euler exponential", _FLOW, "N", True, {"use_exponential_sigmas": True}),
        SchedulerChoice("Euler beta", _FLOW, "N", True, {"use_beta_sigmas": True}),
        SchedulerChoice("UniPC", "UniPCMultistepScheduler", "N", True, _FLOW_OF_DPM),
        SchedulerChoice("DPM++ 2M", "DPMSolverMultistepScheduler", "N", True, _FLOW_OF_DPM),
        SchedulerChoice("DEIS", "DEISMultistepScheduler", "N", True, _FLOW_OF_DPM),
        SchedulerChoice("SCM", _SCM, "N", False, {}, (1, 4), _CONSISTENCY),
    )
}

#: What the model's own scheduler was set to as a solver: unlike how the model was trained, that is not for another one.
_OF_THE_SOLVER = frozenset(
    {
        "use_karras_sigmas",
        "use_exponential_sigmas",
        "use_beta_sigmas",
        "use_lu_lambdas",
        "algorithm_type",
        "eta",
        "solver_type",
        "solver_order",
        "solver_p",
        "predict_x0",
        "disable_corrector",
        "lower_order_final",
        "euler_at_final",
        "final_sigmas_type",
        "interpolation_type",
        "sigma_min",
        "sigma_max",
        "noise_sampler_seed",
        "stochastic_sampling",
    }
)


def _by_every_name() -> dict[str, SchedulerChoice]:
    """The choices by name, alias, either with underscores ("dpmpp_2m_karras"), and diffusers class, all in lower case.

    A class is the plainest of the choices that it makes.
    """
    names: dict[str, SchedulerChoice] = {}
    for choice in sorted(SCHEDULERS.values(), key=lambda one: (len(one.arguments), one.eta)):
        for name in (choice.name, *choice.aliases):
            names[name.casefold()] = choice
            names[name.casefold().replace("++", "pp").replace(" ", "_")] = choice
        names.setdefault(choice.class_name.casefold(), choice)
    for choice in FLOW_SCHEDULERS.values():
        for name in (choice.name.casefold(), choice.name.casefold().replace(" ", "_"), choice.class_name.casefold()):
            names.setdefault(name, choice)
    return names


_NAMES = _by_every_name()


def find_scheduler(name: str) -> SchedulerChoice:
    """The choice with that name, alias or diffusers class, in any case.

    Raises `SettingsError` with the nearest name.
    """
    choice = _NAMES.get(name.strip().casefold())
    if choice is None:
        raise SettingsError(
            "unknown scheduler {name!r}",
            hint="{nearest}",
            name=name,
            nearest=nearest(name, list(SCHEDULERS | FLOW_SCHEDULERS)),
        )
    return choice


def check_steps(name: str, num_inference_steps: int, config: Mapping[str, Any]) -> None:
    """Raises `SettingsError` where a distilled scheduler is asked for more steps than its model was distilled with.

    `config` is the model's own scheduler configuration. Every other scheduler takes any number of steps.
    """
    choice = find_scheduler(name)
    if choice.class_name not in ("LCMScheduler", "TCDScheduler"):
        return
    most = config.get("original_inference_steps") or 50
    if num_inference_steps > most:
        raise SettingsError(
            "{name} cannot take {num_inference_steps} steps: it picks them from {most}",
            hint="give 1 to {most} steps, or take another scheduler",
            name=choice.name,
            num_inference_steps=num_inference_steps,
            most=most,
        )


def is_flow(config: Mapping[str, Any]) -> bool:
    """Whether a model with that scheduler configuration was trained by flow matching."""
    return str(config.get("_class_name")).startswith(("FlowMatch", _SCM)) or bool(config.get("use_flow_sigmas"))


def require_kind(name: str, *, flow: bool) -> None:
    """Raises `SettingsError` where the scheduler is not for models that were, or were not, trained by flow matching."""
    if flow and name not in FLOW_SCHEDULERS:
        raise SettingsError(
            "{name} cannot render this model, which was trained by flow matching",
            hint="take one of these: {names}",
            name=name,
            names=", ".join(FLOW_SCHEDULERS),
        )
    if not flow and name not in SCHEDULERS:
        raise SettingsError(
            "{name} is for models that were trained by flow matching, and this one was not",
            hint="take another: `twinseed list schedulers` shows them",
            name=name,
        )


def build_scheduler(name: str, config: Mapping[str, Any], seeds: Sequence[int]) -> Any:
    """A fresh diffusers scheduler for one batch of pictures, from the model's own scheduler `config`.

    `seeds` has one entry per picture: DPM++ SDE does not listen to the generator and must be given them. How the model
    was trained goes over to it, how its own scheduler solves does not. Raises `SettingsError` for a model that was
    trained in a way which this scheduler cannot follow.
    """
    choice = find_scheduler(name)
    flow = is_flow(config)
    require_kind(choice.name, flow=flow)
    choice = FLOW_SCHEDULERS[choice.name] if flow else choice
    scheduler_class = _class(choice.class_name)
    arguments = dict(choice.arguments)
    if choice.class_name == "DPMSolverSDEScheduler":
        arguments["noise_sampler_seed"] = list(seeds)
    # What the model's file did not say is the default of its class, and no word on how the model was trained.
    unsaid = {*config.get("_use_default_values", ()), *_OF_THE_SOLVER}
    trained = {key: value for key, value in config.items() if key not in unsaid}
    accepted = inspect.signature(scheduler_class.__init__).parameters
    if trained.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in accepted:
        raise SettingsError(
            "{name} cannot render this model: it was trained down to a signal of zero",
            hint="take DPM++ 2M Karras, Euler, Euler a or DDIM",
            name=choice.name,
        )
    if "clip_sample" in accepted:
        arguments["clip_sample"] = trained.get(
            "clip_sample", False
        )  # latents go beyond 1, though DDIM clips by default
    inherited = {key: value for key, value in trained.items() if key in accepted}
    if flow:  # the same number by two names, in the classes of flow matching alone and in those for noise as well
        other = {"shift": "flow_shift", "flow_shift": "shift"}
        inherited |= {own: trained[name] for name, own in other.items() if name in trained and own in accepted}
    scheduler = scheduler_class.from_config(inherited, **arguments)
    if choice.class_name in ("DDIMScheduler", "TCDScheduler"):
        _bind_eta(scheduler, choice.eta)
    return scheduler


def _bind_eta(scheduler: Any, eta: float) -> None:
    """Makes every step of the scheduler one with this eta, and its configuration say so.

    diffusers takes it at every step and keeps it nowhere; its pipelines ask the signature whether to hand over theirs.
    """
    step = scheduler.step

    def with_eta(model_output: Any, timestep: Any, sample: Any, generator: Any = None, return_dict: bool = True) -> Any:
        return step(model_output, timestep, sample, eta=eta, generator=generator, return_dict=return_dict)

    scheduler.step = with_eta
    scheduler.register_to_config(eta=eta)


def _class(name: str) -> Any:
    import diffusers

    from generate.schedulers.dpmpp_2s_ancestral import DPMPP2SAncestralScheduler
    from generate.schedulers.dpmpp_3m_sde import DPMPP3MSDEScheduler

    return {
        "DDIMScheduler": diffusers.DDIMScheduler,
        "DEISMultistepScheduler": diffusers.DEISMultistepScheduler,
        "DPMPP2SAncestralScheduler": DPMPP2SAncestralScheduler,
        "DPMPP3MSDEScheduler": DPMPP3MSDEScheduler,
        "DPMSolverMultistepScheduler": diffusers.DPMSolverMultistepScheduler,
        "DPMSolverSDEScheduler": diffusers.DPMSolverSDEScheduler,
        "EulerAncestralDiscreteScheduler": diffusers.EulerAncestralDiscreteScheduler,
        "EulerDiscreteScheduler": diffusers.EulerDiscreteScheduler,
        _FLOW: diffusers.FlowMatchEulerDiscreteScheduler,
        "HeunDiscreteScheduler": diffusers.HeunDiscreteScheduler,
        "KDPM2AncestralDiscreteScheduler": diffusers.KDPM2AncestralDiscreteScheduler,
        "KDPM2DiscreteScheduler": diffusers.KDPM2DiscreteScheduler,
        "LCMScheduler": diffusers.LCMScheduler,
        "LMSDiscreteScheduler": diffusers.LMSDiscreteScheduler,
        "PNDMScheduler": diffusers.PNDMScheduler,
        _SCM: diffusers.SCMScheduler,
        "TCDScheduler": diffusers.TCDScheduler,
        "UniPCMultistepScheduler": diffusers.UniPCMultistepScheduler,
    }[name]
