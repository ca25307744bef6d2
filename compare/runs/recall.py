"""Recall: what a record says, as the values that it was made of, so that a run can be gone on with."""

from __future__ import annotations

from compare.runs.record import Record
from generate.settings import RenderSettings
from ideation.prompt_pair import PromptPair, TokenCount
from ideation.prompt_syntax import AdapterMention


def settings_of(record: Record) -> RenderSettings:
    """The settings of the run, with nothing left open."""
    settings = record.settings
    fields = {name: getattr(settings, name) for name in RenderSettings.__dataclass_fields__ if hasattr(settings, name)}
    adapters = tuple(AdapterMention(**adapter.model_dump()) for adapter in settings.adapters)
    return RenderSettings(**fields | {"seed": int(settings.seed), "adapters": adapters})


def prompts_of(record: Record) -> PromptPair:
    """The prompts of the run, as they were rendered."""
    fields = {name: getattr(record.prompts, name) for name in PromptPair.__dataclass_fields__}
    return PromptPair(**fields | {"tokens": TokenCount(**record.prompts.tokens.model_dump())})
