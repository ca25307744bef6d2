"""Presets: named bundles of settings, styles and words for the negative prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

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
from generate.choices.styles import Style, find_style
from generate.models import known_models
from generate.schedulers.table import find_scheduler
from generate.settings import RenderSettings, SettingsError
from ideation import AdapterMention, Clause


@dataclass(frozen=True)
class PresetLora:
    """A LoRA that a preset needs: `name` is one in the models folder or a hub id, `file` the weights' file in there."""

    name: str
    file: str | None
    weight: float

    @property
    def local_name(self) -> str:
        """What its file is called, without the ending, by whoever has fetched it by hand.

        diffusers calls every LoRA that it saves alike; people name those after where they come from.
        """
        stem = (self.file or "").removesuffix(".safetensors")
        return self.name.rpartition("/")[2] if stem in ("", "pytorch_lora_weights") else stem


@dataclass(frozen=True)
class Preset:
    """`settings` are fields of `RenderSettings`; what it leaves out keeps its usual value. `zh` is the description in
    繁體中文. `negative` is what it adds to the negative prompt, which is to be shown: see `negative_parts`.

    `performance` names a level that it asks for. `fixed_steps`: its weights were made for so many steps, and no level
    may change them. `source` is "built in" or the path of the file that it stands in.
    """

    name: str
    description: str
    settings: Mapping[str, Any]
    zh: str = ""
    styles: tuple[str, ...] = ()
    negative: str = ""
    performance: str | None = None
    loras: tuple[PresetLora, ...] = ()
    fixed_steps: bool = False
    source: str = BUILT_IN


@dataclass(frozen=True)
class NegativePart:
    """Words of the negative prompt and whose: "prompt" (the expander's or the person's), "preset X" or "style X"."""

    origin: str
    text: str


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    model: str | None = None
    scheduler: str | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    width: int | None = None
    height: int | None = None


class _Lora(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    # No leading dot and at most one slash: a name cannot leave the folder of models.
    name: Annotated[str, Field(pattern=r"^[\w-][\w .+-]*(/[\w-][\w .+-]*)?$")]
    file: Annotated[str, Field(pattern=r"^[\w-][\w .+-]*\.safetensors$")] | None = None
    weight: Annotated[float, Field(ge=-10, le=10)] = 1.0


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    description: str = ""
    zh: str = ""
    settings: _Settings = _Settings()
    styles: list[str] = []
    negative: str = ""
    performance: str | None = None
    loras: list[_Lora] = []
    fixed_steps: bool = False


def find_preset(name: str) -> Preset:
    """The preset with that name, in any case.

    Raises `SettingsError` with the nearest name, or with what is wrong with it where a person's file has it.
    """
    return _KIND.read().find(name)


def preset_problems() -> tuple[ChoiceFileError, ...]:
    """What is wrong with a person's own files; nothing of it stands in the way of other presets."""
    return tuple(problem.error for problem in _KIND.read().problems)


def chosen_styles(preset: Preset | None, named: Sequence[str] = ()) -> tuple[Style, ...]:
    """The styles that are named; where none is, the preset's. Raises `SettingsError` for one that is not there."""
    if named or preset is None:
        return tuple(find_style(name) for name in named)
    try:
        return tuple(find_style(name) for name in preset.styles)
    except SettingsError as error:
        raise in_preset(preset, error) from error


def in_preset(preset: Preset, error: SettingsError) -> SettingsError:
    """The same error, saying that the preset asks for what is wrong."""
    return SettingsError(
        "the preset {name} ({source}): {error}", hint=error.hint, name=preset.name, source=preset.source, error=error
    )


def preset_adapters(preset: Preset | None) -> tuple[AdapterMention, ...]:
    """The preset's LoRAs as a prompt would mention them: each the one in the models folder, if it is there by the name
    of its file; else by its hub id, with the file behind it where the preset names one: owner/name/file.safetensors."""
    if preset is None or not preset.loras:
        return ()
    here = {model.name for model in known_models() if model.kind == "lora"}
    here |= {name.rpartition("/")[2] for name in here}
    mentions = []
    for lora in preset.loras:
        name = f"{lora.name}/{lora.file}" if lora.file is not None else lora.name
        if lora.name not in here and lora.local_name in here:
            name = lora.local_name
        mentions.append(AdapterMention(name, lora.weight, lora.weight))
    return tuple(mentions)


def negative_parts(negative: str, preset: Preset | None, styles: Sequence[Style]) -> tuple[NegativePart, ...]:
    """Everything that goes into the negative prompt of both arms, in order, and where it comes from: for showing.

    `negative` is the expander's, or the one that was typed in its stead.
    """
    parts = [NegativePart("prompt", negative)]
    if preset is not None:
        parts.append(NegativePart(Clause("preset {name}", name=preset.name), preset.negative))
    parts += [NegativePart(Clause("style {name}", name=style.name), style.negative) for style in styles]
    return tuple(part for part in parts if part.text)


def with_preset(negative: str, preset: Preset | None) -> str:
    """The negative prompt with the preset's words behind it; those of the styles come after, by `apply_styles`."""
    return ", ".join(filter(None, (negative, preset.negative if preset is not None else "")))


def _make(entry: Entry, source: str) -> Preset:
    given = validated(
        _Entry,
        entry,
        hint="a preset has name, description, zh, settings (model, scheduler, num_inference_steps, guidance_scale, "
        "width, height), styles, negative, performance, loras and fixed_steps",
    )
    settings = given.settings.model_dump(exclude_none=True)
    try:
        RenderSettings(**settings)
        if source != BUILT_IN and given.settings.scheduler is not None:
            settings["scheduler"] = find_scheduler(given.settings.scheduler).name
    except SettingsError as error:
        raise entry.error(error.message, hint=error.hint) from error
    return Preset(
        clean_text(entry, "name", given.name, limit=MAX_NAME_CHARACTERS, needed=True),
        clean_text(entry, "description", given.description),
        settings,
        clean_text(entry, "Chinese description", given.zh),
        tuple(clean_text(entry, "name of a style", name, needed=True) for name in given.styles),
        clean_text(entry, "negative text", given.negative),
        given.performance,
        tuple(PresetLora(lora.name, lora.file, lora.weight) for lora in given.loras),
        given.fixed_steps,
        source,
    )


#: In this order they are listed: what runs here at once, what fits any model of a family, what names a model.
_ORDER = (
    *("seedling", "laptop", "initial", "default", "sdxl", "wander", "realistic", "anime", "sai", "lightning", "lcm"),
    *("z-image-turbo", "z-image", "flux2-klein", "flux", "flux-schnell", "qwen-image", "sd35", "chroma"),
    *("flux2", "flux2-klein-base", "sana", "sana-sprint", "lumina2", "pixart", "kandinsky5", "cogview4"),
    *("qwen-image-2.1", "ernie-image", "hunyuan-image", "hunyuan-image-distilled"),
)

_KIND = ChoiceKind("preset", "presets", _make, YAML_READERS, _ORDER)


class _Presets(Mapping[str, Preset]):
    """Reads the files when it is looked at, not when it is imported, so that a new one is there at once."""

    def __getitem__(self, name: str) -> Preset:
        return _KIND.read().known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_KIND.read().known)

    def __len__(self) -> int:
        return len(_KIND.read().known)


#: All presets by name, the built-in ones and a person's own.
PRESETS: Mapping[str, Preset] = _Presets()
