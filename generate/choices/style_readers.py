"""Readers of styles in the forms that people have them in: Fooocus' JSON and AUTOMATIC1111's styles.csv.

Both give entries with the fields `name`, `prompt` and `negative_prompt`, as those programs call them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from generate.choices.entries import YAML_READERS, ChoiceFileError, Entry, Problem, Reader

_JSON_HINT = 'it should look like [{"name": "...", "prompt": "... {prompt} ...", "negative_prompt": "..."}]'
_CSV_HINT = "the first line should be: name,prompt,negative_prompt"
_CSV_COLUMNS = ("name", "prompt", "negative_prompt")


def read_json(file: Path, text: str) -> Iterator[Entry]:
    """The styles of one of Fooocus' files: a list of mappings. Raises `ChoiceFileError`."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ChoiceFileError(f"{file}{where}: this is not JSON that can be read: {error}", hint=_JSON_HINT) from error
    if not isinstance(content, list):
        raise ChoiceFileError(f"{file} does not hold a list of styles", hint=_JSON_HINT)
    for number, raw in enumerate(content, start=1):
        yield Entry(file, f"entry {number}", raw)


def read_csv(file: Path, text: str) -> Iterator[Entry | Problem]:
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
            place, line = f"line {line}", rows.line_num + 1
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
                    f"there are {len(row)} fields where the first line has {len(header)}",
                    hint='put quotation marks around a text with commas in it: cat,"a cat, asleep",',
                )
                yield Problem(entry.name, error)
            else:
                yield entry
    except csv.Error as error:
        raise ChoiceFileError(
            f"{file}, line {line}: this is not CSV that can be read: {error}",
            hint='a quotation mark may not have been closed; inside a text it is written twice: ""',
        ) from error
    if header is None:
        raise ChoiceFileError(f"{file} is empty", hint=_CSV_HINT)


def _header(file: Path, row: list[str]) -> list[str]:
    header = ["prompt" if name.strip() == "text" else name.strip() for name in row]
    unknown = [name for name in header if name not in _CSV_COLUMNS]
    if unknown:
        raise ChoiceFileError(f"{file} has a column {unknown[0]!r}, which styles do not have", hint=_CSV_HINT)
    if not {"name", "prompt"} <= set(header) or len(set(header)) < len(header):
        raise ChoiceFileError(f"{file} has the columns {', '.join(header)}", hint=_CSV_HINT)
    return header


STYLE_READERS: tuple[tuple[str, Reader], ...] = (*YAML_READERS, (".json", read_json), (".csv", read_csv))
