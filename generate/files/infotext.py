"""Infotext: AUTOMATIC1111's text of what made a picture, written so that it is read back exactly.

a dog riding a bicycle
Negative prompt: blurry
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x512, ...
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic_core import from_json

from ideation import TwinseedError

#: Bytes of UTF-8. The longest prompt with all its settings is a hundredth of it.
MAX_TEXT = 2**20

_NEGATIVE = "Negative prompt:"
_KEY = re.compile(r"\w[\w /-]{1,63}")
#: A value in quotation marks, as JSON has it.
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_BEGINNING = re.compile(r"\s*Steps:\s*[0-9]", re.IGNORECASE)
_MOST_TRIES = 10  # so many places are looked at where the settings may begin
_LEAST_VALUES = 3  # fewer in the last line, and it is taken for a line of the prompt


class PictureError(TwinseedError):
    """A picture, or the text in it, that cannot be read or written."""


@dataclass(frozen=True)
class Infotext:
    """The two prompts and the values of the last line, in their order; keys are of letters, digits, spaces, - and /."""

    prompt: str
    negative_prompt: str
    values: Mapping[str, str]

    def to_text(self) -> str:
        """The text, which `parse_infotext` reads back equal where there are three values or more.

        Not every prompt survives the plain form: a line of it may begin with "Negative prompt:", and spaces around
        lines are lost. Such a prompt follows once more as a quoted value, "Prompt" or "Negative prompt", which
        AUTOMATIC1111 prefers to what it read above. Raises `PictureError` when it is longer than `MAX_TEXT`.
        """
        negative = f"\n{_NEGATIVE} {self.negative_prompt}" if self.negative_prompt else ""
        line = ", ".join(f"{key}: {quoted(value)}" for key, value in self.values.items())
        text = f"{self.prompt}{negative}\n{line}".strip()
        plain = parse_infotext(text)
        if plain.prompt != self.prompt:
            text += f", Prompt: {_shielded(self.prompt)}"
        if plain.negative_prompt != self.negative_prompt:
            text += f", Negative prompt: {_shielded(self.negative_prompt)}"
        require_readable(text)
        return text


def parse_infotext(text: str) -> Infotext:
    """The infotext in `text`, read as AUTOMATIC1111 reads it. Raises `PictureError` when it is too long."""
    require_readable(text)
    lines, values = _settings_apart(text.strip().split("\n"))
    prompt: list[str] = []
    negative: list[str] = []
    part = prompt
    for line in map(str.strip, lines):
        if line[: len(_NEGATIVE)].casefold() == _NEGATIVE.casefold():
            part = negative
            line = line[len(_NEGATIVE) :].strip()
        if part or line:  # as there, blank lines at the beginning are dropped
            part.append(line)
    return Infotext(values.pop("Prompt", "\n".join(prompt)), values.pop("Negative prompt", "\n".join(negative)), values)


def _settings_apart(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """The lines of the prompts, and the values of the line of settings.

    That is the last one, but for lines that extensions write behind it, as "Template: ...", which are values as well.
    Where line breaks were lost, it begins within the only line.
    """
    for place in range(len(lines) - 1, -1, -1):
        if _BEGINNING.match(lines[place]):
            values = dict(_pairs(lines[place]))
            if len(values) >= _LEAST_VALUES - 1:
                return lines[:place], _behind(lines[place + 1 :]) | values
    if len(lines) == 1 and (within := _within(lines[0])) is not None:
        head = re.sub(rf"(?<!\s)\s*+{_NEGATIVE}", f"\n{_NEGATIVE}", lines[0][:within], count=1, flags=re.IGNORECASE)
        return head.split("\n"), dict(_pairs(lines[0][within:]))
    values = dict(_pairs(lines[-1]))
    return (lines[:-1], values) if len(values) >= _LEAST_VALUES else (lines, {})


def _within(line: str) -> int | None:
    """Where the settings begin in a line that has the prompts before them."""
    words_until = _end_of_values(line)
    tries = 0
    for found in re.finditer(r"(?<=\s)Steps:\s*+[0-9]++\s*+,", line):
        if words_until >= found.start() and line[: found.start()].rstrip().endswith(","):
            continue  # behind nothing but values, it is one of them
        if len(dict(_pairs(line[found.start() :]))) >= _LEAST_VALUES:
            return found.start()
        tries += 1
        if tries == _MOST_TRIES:
            break
    return None


def _end_of_values(line: str) -> int:
    """Where the first part of the line ends that is no value; the end of the line where all are."""
    position = 0
    for part in line.split(","):
        position += len(part) + 1
        if ":" not in part or not _KEY.fullmatch(part.partition(":")[0].strip()):
            return position
    return len(line) + 1


def _behind(lines: list[str]) -> dict[str, str]:
    """Values that have a line, or several, each for themselves."""
    values: dict[str, list[str]] = {}
    key = "text behind the settings"
    for line in map(str.strip, lines):
        before, colon, after = line.partition(":")
        if colon and _KEY.fullmatch(before.strip()):
            key = before.strip()
            values[key] = [after.strip()]
        elif line:
            values.setdefault(key, []).append(line)
    return {key: "\n".join(said).strip() for key, said in values.items()}


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """The `key: value` of a line. What is neither is skipped; the time taken grows with the length, not its square."""
    position = 0
    structured = {"Civitai resources", "Civitai metadata", "Hashes"}
    while position < len(line):
        comma = line.find(",", position)
        end = len(line) if comma < 0 else comma
        colon = line.find(":", position, end)
        if colon >= 0:
            in_quotes = QUOTED.match(line, colon + 1 + _spaces(line, colon + 1, end))
            if in_quotes and line[in_quotes.end() : in_quotes.end() + 1] in ("", ","):
                end = in_quotes.end()
            key = line[position:colon].strip()
            if key in structured:
                structured.remove(key)
                end = _end_of_json(line, colon + 1 + _spaces(line, colon + 1, len(line))) or end
            if _KEY.fullmatch(key):
                yield key, unquoted(line[colon + 1 : end].strip())
        position = end + 1


def _end_of_json(line: str, start: int) -> int | None:
    """Where the JSON that begins there ends, which is in no quotation marks and full of commas."""
    try:
        return json.JSONDecoder().raw_decode(line, start)[1] if line[start : start + 1] in ("[", "{") else None
    except (ValueError, RecursionError):
        return None


def _spaces(line: str, start: int, end: int) -> int:
    part = line[start:end]
    return len(part) - len(part.lstrip())


def quoted(value: str) -> str:
    """The value as it stands in a line of values: as JSON where it would be read as something else."""
    plain = value and value == value.strip() and not any(mark in value for mark in ',:\n"')
    return value if plain else json.dumps(value, ensure_ascii=False)


def _shielded(prompt: str) -> str:
    """Quoted, without a comma, colon or line break left in it that a simpler reader would split at."""
    quoted = json.dumps(prompt, ensure_ascii=False)
    return quoted.replace(",", "\\u002c").replace(":", "\\u003a")


def unquoted(value: str) -> str:
    """What `quoted` was given; a value in no quotation marks, or in wrong ones, is taken as it is."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    try:
        return str(from_json(value.encode()))  # unlike json, it refuses half a character
    except ValueError:
        return value


def require_readable(text: str) -> None:
    """Raises `PictureError` for a text longer than those that are read."""
    length = len(text.encode(errors="surrogatepass"))
    if length > MAX_TEXT:
        raise PictureError(
            "the text in the picture has {length:,} bytes; {max_text:,} are read",
            hint="no prompt is that long: the picture was made by another kind of program, or to do harm",
            length=length,
            max_text=MAX_TEXT,
        )
