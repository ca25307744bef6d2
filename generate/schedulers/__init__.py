"""Schedulers: the table of their names, and those that diffusers does not have. No torch before one is built.

>>> find_scheduler("dpmpp_2m_karras").name
'DPM++ 2M Karras'
>>> find_scheduler("Euler a").converges
False
>>> find_scheduler("Oiler")
Traceback (most recent call last):
    ...
generate.settings.SettingsError: unknown scheduler 'Oiler'
"""

from __future__ import annotations

from generate.schedulers.table import SCHEDULERS, SchedulerChoice, build_scheduler, check_steps, find_scheduler

__all__ = ["SCHEDULERS", "SchedulerChoice", "build_scheduler", "check_steps", "find_scheduler"]
