"""Styles: wording that is put around a prompt, on both arms alike.

People bring their own along in the forms that they have them in, besides YAML: Fooocus' JSON and AUTOMATIC1111's
styles.csv. Both give entries with the fields `name`, `prompt` and `negative_prompt`, as those programs call them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from generate.choices.store import (
    BUILT_IN,
    MAX_NAME_CHARACTERS,
    YAML_READERS,
    ChoiceFileError,
    ChoiceKind,
    Entry,
    Problem,
    Reader,
    clean_text,
    validated,
)
from ideation import Clause
from ideation.files import STRICT

#: Where the prompt goes.
PLACE = "{prompt}"

_JSON_HINT = 'it should look like [{"name": "...", "prompt": "... {prompt} ...", "negative_prompt": "..."}]'
_CSV_HINT = "the first line should be: name,prompt,negative_prompt"
_CSV_COLUMNS = ("name", "prompt", "negative_prompt")


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

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

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
                "there is no {place} in the positive text",
                hint='write {place} where the prompt goes: "{place}, fog"',
                place=PLACE,
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


def _read_json(file: Path, text: str) -> Iterator[Entry]:
    """The styles of one of Fooocus' files: a list of mappings. Raises `ChoiceFileError`."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = Clause(", line {number}", number=error.lineno) if isinstance(error, json.JSONDecodeError) else ""
        raise ChoiceFileError(
            "{file}{where}: this is not JSON that can be read: {error}",
            hint="{json_hint}",
            file=file,
            where=where,
            error=error,
            json_hint=_JSON_HINT,
        ) from error
    if not isinstance(content, list):
        raise ChoiceFileError(
            "{file} does not hold a list of styles", hint="{json_hint}", file=file, json_hint=_JSON_HINT
        )
    for number, raw in enumerate(content, start=1):
        yield Entry(file, Clause("entry {number}", number=number), raw)


def _read_csv(file: Path, text: str) -> Iterator[Entry | Problem]:
    """The styles of a styles.csv, in which texts with commas or line breaks stand in quotation marks.

    As in AUTOMATIC1111, a row whose name begins with # is a comment and `text` is an old name of `prompt`. Rows that
    hold nothing but a name are headings between others and are passed over. Raises `ChoiceFileError`.
    """
    # strict: otherwise a quotation mark that is never closed would swallow the rest of the file into one prompt.
    rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for row in rows:
            place, line = Clause("line {number}", number=line), rows.line_num + 1
            if not any(field.strip() for field in row):
                continue
            if header is None:
                header = _header(file, row)
                continue
            fields = dict(zip(header, row, strict=False))
            name = fields.get("name", "").strip()
            if name.startswith("#") or (name and not any(field.strip() for field in row[1:])):
                continue
            entry = Entry(file, place, fields)
            if len(row) > len(header):
                error = entry.error(
                    "there are {count} fields where the first line has {count_2}",
                    hint=('put quotation marks around a text with commas in it: cat,"a cat, asleep",'),
                    count=len(row),
                    count_2=len(header),
                )
                yield Problem(entry.name, error)
            else:
                yield entry
    except csv.Error as error:
        raise ChoiceFileError(
            "{file}, line {line}: this is not CSV that can be read: {error}",
            hint=('a quotation mark may not have been closed; inside a text it is written twice: ""'),
            file=file,
            line=line,
            error=error,
        ) from error
    if header is None:
        raise ChoiceFileError("{file} is empty", hint="{csv_hint}", file=file, csv_hint=_CSV_HINT)


def _header(file: Path, row: list[str]) -> list[str]:
    header = ["prompt" if name.strip() == "text" else name.strip() for name in row]
    unknown = [name for name in header if name not in _CSV_COLUMNS]
    if unknown:
        raise ChoiceFileError(
            "{file} has a column {unknown!r}, which styles do not have",
            hint="{csv_hint}",
            file=file,
            unknown=unknown[0][:80],
            csv_hint=_CSV_HINT,
        )
    if not {"name", "prompt"} <= set(header) or len(set(header)) < len(header):
        raise ChoiceFileError(
            "{file} has the columns {header}",
            hint="{csv_hint}",
            file=file,
            header=", ".join(header)[:200],
            csv_hint=_CSV_HINT,
        )
    return header


_READERS: tuple[tuple[str, Reader], ...] = (*YAML_READERS, (".json", _read_json), (".csv", _read_csv))

_KIND = ChoiceKind("style", "styles", _make, _READERS)
