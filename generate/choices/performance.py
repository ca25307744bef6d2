"""Performance levels: how much time a picture may take, on top of a preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from generate.choices.presets import Preset, in_preset
from generate.choices.store import (
    BUILT_IN,
    MAX_NAME_CHARACTERS,
    YAML_READERS,
    ChoiceFileError,
    ChoiceKind,
    Entry,
    clean_text,
    validated,
)
from generate.schedulers.table import find_scheduler
from generate.settings import MAX_STEPS, RenderSettings, SettingsError


@dataclass(frozen=True)
class Performance:
    """A level: so many steps, or so many times the steps; and another scheduler, if it names one."""

    name: str
    zh: str
    description: str
    steps_factor: float | None = None
    num_inference_steps: int | None = None
    scheduler: str | None = None
    source: str = BUILT_IN

    def overrides(self, steps: int) -> dict[str, Any]:
        """The fields of `RenderSettings` that it sets, for what would take `steps` steps without it."""
        if self.num_inference_steps is not None:
            steps = self.num_inference_steps
        elif self.steps_factor is not None:
            steps = max(1, round(steps * self.steps_factor))
        return {"num_inference_steps": steps} | ({"scheduler": self.scheduler} if self.scheduler is not None else {})


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    zh: str = ""
    description: str = ""
    steps_factor: Annotated[float, Field(gt=0, le=10)] | None = None
    num_inference_steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    scheduler: str | None = None


def all_performance() -> dict[str, Performance]:
    """The built-in levels and a person's own, by name."""
    return dict(_KIND.read().known)


def find_performance(name: str) -> Performance:
    """The level with that name, in any case; "extreme-speed" and "Extreme Speed" are the same.

    Raises `SettingsError` with the nearest name, or with what is wrong with it where a person's file has it.
    """
    return _KIND.read().find(name)


def performance_problems() -> tuple[ChoiceFileError, ...]:
    """What is wrong with a person's own files; nothing of it stands in the way of other levels."""
    return tuple(problem.error for problem in _KIND.read().problems)


def combined_settings(
    preset: Preset | None = None,
    performance: str | None = None,
    named: Mapping[str, Any] | None = None,
    *,
    usual_steps: int | None = None,
) -> dict[str, Any]:
    """The chosen fields of `RenderSettings`: the preset's, over them the level's, over both what was `named`.

    `performance` None takes the level that the preset asks for, if it asks for one. Raises `SettingsError` for a name
    that is not there, and for a level that would change the steps for which a preset's weights were made. `usual_steps`
    are those that a level goes by where no preset names any.
    """
    settings = dict(preset.settings) if preset is not None else {}
    usual = settings.get("num_inference_steps", usual_steps or RenderSettings().num_inference_steps)
    if performance is not None:
        settings |= _checked(preset, find_performance(performance), usual)
    elif preset is not None and preset.performance is not None:
        try:
            settings |= _checked(preset, find_performance(preset.performance), usual)
        except SettingsError as error:
            raise in_preset(preset, error) from error
    return settings | dict(named or {})


def _checked(preset: Preset | None, level: Performance, steps: int) -> dict[str, Any]:
    overrides = level.overrides(steps)
    if preset is not None and preset.fixed_steps and overrides.items() - {"num_inference_steps": steps}.items():
        raise SettingsError(
            "the preset {name} is made for {steps} steps, and the performance level {name_2} changes them",
            hint="leave one of the two out; --steps still sets the steps by hand",
            name=preset.name,
            steps=steps,
            name_2=level.name,
        )
    return overrides


def _make(entry: Entry, source: str) -> Performance:
    given = validated(
        _Entry, entry, hint="a level has name, zh, description, scheduler, and num_inference_steps or steps_factor"
    )
    if (given.steps_factor is None) == (given.num_inference_steps is None):
        raise entry.error(
            "give either num_inference_steps or steps_factor", hint="as in {name: fast, steps_factor: 0.5}"
        )
    try:
        scheduler = find_scheduler(given.scheduler).name if given.scheduler is not None else None
    except SettingsError as error:
        raise entry.error(error.message, hint=error.hint) from error
    name = clean_text(entry, "name", given.name, limit=MAX_NAME_CHARACTERS, needed=True)
    return Performance(
        name=name,
        zh=clean_text(entry, "Chinese name", given.zh, limit=MAX_NAME_CHARACTERS) or name,
        description=clean_text(entry, "description", given.description),
        steps_factor=given.steps_factor,
        num_inference_steps=given.num_inference_steps,
        scheduler=scheduler,
        source=source,
    )


_KIND = ChoiceKind("performance level", "performance", _make, YAML_READERS)
