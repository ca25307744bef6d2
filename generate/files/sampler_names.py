"""Sampler names: what other programs call our schedulers."""

from __future__ import annotations

from generate.schedulers.table import SCHEDULERS

#: What AUTOMATIC1111's "Automatic" stands for; for all other samplers it is the plain schedule.
_AUTOMATIC = {
    "dpm++ 2m": "Karras",
    "dpm++ sde": "Karras",
    "dpm++ 2s a": "Karras",
    "dpm2": "Karras",
    "dpm2 a": "Karras",
    "dpm++ 2m sde": "Exponential",
    "dpm++ 3m sde": "Exponential",
    "dpm++ 2m sde heun": "Exponential",
}
_PLAIN = {"", "normal", "uniform", "simple"}
#: k-diffusion's names, which ComfyUI, Fooocus and NovelAI use, and AUTOMATIC1111's for the same.
K_DIFFUSION = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "lms": "LMS",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
    "ddim": "DDIM",
    "uni_pc": "UniPC",
    "deis": "DEIS",
    "lcm": "LCM",
    "tcd": "TCD",
}


def sampler_and_schedule(scheduler: str) -> tuple[str, str]:
    """AUTOMATIC1111's sampler and schedule type for a scheduler of ours: ("DPM++ 2M", "Karras")."""
    for schedule in ("Karras", "Exponential", "SGM Uniform"):
        if scheduler.endswith(f" {schedule}"):
            return scheduler.removesuffix(f" {schedule}"), schedule
    return "PLMS" if scheduler == "PNDM" else scheduler, "Uniform"


def words_for(sampler: str | None, schedule: str | None) -> str | None:
    """Both in the other program's own words, or None where it names neither."""
    return " ".join(filter(None, (sampler, schedule))) or None


def scheduler_named(sampler: str, schedule: str | None = None) -> str | None:
    """Our scheduler for a sampler and schedule type of AUTOMATIC1111's, or None where we have none that is the same.

    Before its version 1.9, and so without `schedule`, the sampler's name said it all.
    """
    folded, schedule = sampler.casefold(), schedule or ""
    if schedule.casefold() == "automatic":
        schedule = _AUTOMATIC.get(folded, "")
    plain = schedule.casefold() in _PLAIN or (folded, schedule.casefold()) == ("ddim", "ddim_uniform")
    wanted = folded if plain else f"{folded} {schedule.casefold()}"
    names = {name.casefold(): name for name in SCHEDULERS}
    return names.get(wanted) or (names.get("pndm") if wanted == "plms" else None)
