"""Sampler names: what other programs call our schedulers."""

from __future__ import annotations

import re

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
_PLAIN = {"", "normal", "uniform", "simple", "default", "discrete", "native"}
#: Spellings that are no schedules, by what they come to when they are folded.
_SAME = {
    "plms": "pndm",
    "dpmpp2": "dpmpp2m",  # InvokeAI 2, and its ancestral kind
    "dpmpp2a": "dpmpp2sa",
}
_SCHEDULES = ("karras", "exponential", "sgmuniform")


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
    """Our scheduler for a sampler and schedule type of another program, or None where we have none that is the same.

    Read are AUTOMATIC1111's names, which before its version 1.9 said the schedule too, k-diffusion's, which ComfyUI,
    Fooocus and NovelAI use, and InvokeAI's.

    >>> scheduler_named("DPM++ 2M Karras"), scheduler_named("k_euler_ancestral"), scheduler_named("dpmpp_2m", "karras")
    ('DPM++ 2M Karras', 'Euler a', 'DPM++ 2M Karras')
    """
    schedule = schedule or ""
    if schedule.casefold() in ("automatic", "auto"):
        schedule = _AUTOMATIC.get(sampler.strip().casefold(), "")
    name, how = _folded(sampler), _folded(schedule)
    if how in _PLAIN or (name, how) == ("ddim", "ddimuniform"):
        how = ""
    for end in _SCHEDULES:
        if name.endswith(end) and how in ("", end):
            name, how = name.removesuffix(end), end
    names = {_folded(one): one for one in SCHEDULERS}
    for spelling in dict.fromkeys((name, name.removeprefix("k"), name.removesuffix("gpu"))):
        if found := names.get(_SAME.get(spelling, spelling) + how):
            return found
    return None


def _folded(name: str) -> str:
    """A name as it is compared: "DPM++ 2S a", "dpmpp_2s_ancestral" and "DPMPP_2S_ANCESTRAL" are one."""
    return re.sub(r"[\W_]+", "", name.casefold().replace("+", "p").replace("ancestral", "a"))
