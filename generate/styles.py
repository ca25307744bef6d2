"""Styles: wording that is put around a prompt, on both arms alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

import templates
from generate.settings import SettingsError
from ideation.errors import nearest

STYLES_FILE = Path(templates.__file__).parent / "styles" / "styles.yaml"


class _StyleEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    zh: str
    positive: str
    negative: str = ""


@dataclass(frozen=True)
class Style:
    """`positive` holds `{prompt}` where the prompt goes; `negative` is added to the negative prompt."""

    name: str
    zh: str
    positive: str
    negative: str

    def wrap(self, prompt: str) -> str:
        return self.positive.replace("{prompt}", prompt)


@lru_cache(maxsize=1)
def all_styles() -> dict[str, Style]:
    """The styles of `templates/styles/styles.yaml`, by name."""
    entries = [_StyleEntry(**entry) for entry in yaml.safe_load(STYLES_FILE.read_text(encoding="utf-8"))]
    return {entry.name: Style(entry.name, entry.zh, entry.positive, entry.negative) for entry in entries}


def find_style(name: str) -> Style:
    """The style with that name, in any case. Raises `SettingsError` with the nearest name."""
    for style in all_styles().values():
        if style.name.casefold() == name.strip().casefold():
            return style
    raise SettingsError(f"unknown style {name!r}", hint=nearest(name, list(all_styles())))
