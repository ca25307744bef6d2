"""Styles: wording that is put around a prompt, on both arms alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from generate.choices.entries import MAX_NAME_CHARACTERS, ChoiceFileError, Entry, clean_text, validated
from generate.choices.store import BUILT_IN, ChoiceKind
from generate.choices.style_readers import STYLE_READERS

#: Where the prompt goes.
PLACE = "{prompt}"


@dataclass(frozen=True)
class Style:
    """`positive` holds `{prompt}` where the prompt goes; `negative` is added to the negative prompt, or holds a place
    for it too. `zh` is the name in 繁體中文. `source` is "built in" or the path of the file that it stands in."""

    name: str
    zh: str
    positive: str
    negative: str
    source: str = BUILT_IN

    def wrap(self, prompt: str) -> str:
        return self.positive.replace(PLACE, prompt)

    def wrap_negative(self, negative: str) -> str:
        if PLACE in self.negative:
            return self.negative.replace(PLACE, negative)
        return ", ".join(filter(None, (negative, self.negative)))


@dataclass(frozen=True)
class StyledPrompts:
    """The prompts of both arms and their one negative prompt, with the styles around them."""

    simple: str
    expanded: str
    negative: str


class _OwnEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    zh: str = ""
    positive: str
    negative: str = ""


class _ForeignEntry(BaseModel):
    """As in Fooocus and AUTOMATIC1111, either prompt may be missing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    prompt: str = ""
    negative_prompt: str = ""


def apply_styles(styles: Sequence[Style], simple: str, expanded: str, negative: str) -> StyledPrompts:
    """Puts the styles around both prompts, the first innermost, and adds what they say to the negative prompt.

    There is no way to put a style on one arm only.
    """
    for style in styles:
        simple, expanded, negative = style.wrap(simple), style.wrap(expanded), style.wrap_negative(negative)
    return StyledPrompts(simple, expanded, negative)


def all_styles() -> dict[str, Style]:
    """The built-in styles and a person's own, by name. Faulty files and entries are in `style_problems`."""
    return dict(_KIND.read().known)


def find_style(name: str) -> Style:
    """The style with that name, in any case.

    Raises `SettingsError` with the nearest name, or with what is wrong with it where a person's file has it.
    """
    return _KIND.read().find(name)


def style_problems() -> tuple[ChoiceFileError, ...]:
    """What is wrong with a person's own files; nothing of it stands in the way of other styles."""
    return tuple(problem.error for problem in _KIND.read().problems)


def _make(entry: Entry, source: str) -> Style:
    if entry.file.suffix.lower() in (".json", ".csv"):
        foreign = validated(
            _ForeignEntry, entry, hint="a style has name, prompt and negative_prompt, each a text in quotation marks"
        )
        own = _OwnEntry(name=foreign.name, positive=_placed(foreign.prompt), negative=foreign.negative_prompt)
    else:
        own = validated(_OwnEntry, entry, hint='write {name: fog, zh: 霧, positive: "{prompt}, fog", negative: "sun"}')
        if PLACE not in own.positive:
            raise entry.error(
                f"there is no {PLACE} in the positive text", hint=f'write {PLACE} where the prompt goes: "{PLACE}, fog"'
            )
    name = clean_text(entry, "name", own.name, limit=MAX_NAME_CHARACTERS, needed=True)
    return Style(
        name,
        clean_text(entry, "Chinese name", own.zh, limit=MAX_NAME_CHARACTERS) or name,
        clean_text(entry, "positive text", own.positive),
        clean_text(entry, "negative text", own.negative),
        source,
    )


def _placed(prompt: str) -> str:
    """AUTOMATIC1111 puts what has no place for the prompt behind it."""
    return prompt if PLACE in prompt else ", ".join(filter(None, (PLACE, prompt.strip())))


_KIND = ChoiceKind("style", "styles", _make, STYLE_READERS)
