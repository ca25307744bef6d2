"""Entries of choice files: what a file holds before anything is made of it, read strictly and within limits."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from generate.settings import SettingsError

MAX_BYTES = 2_000_000
MAX_YAML_BYTES = 200_000  # the YAML reader is slow: this much takes seconds
MAX_NAME_CHARACTERS = 100
MAX_TEXT_CHARACTERS = 2_000

Model = TypeVar("Model", bound=BaseModel)


class ChoiceFileError(SettingsError):
    """A file of styles, presets and the like, or an entry of one, that cannot be used."""


@dataclass(frozen=True)
class Entry:
    """One entry as it stands in a file; `place` is "line 3" or "entry 3"."""

    file: Path
    place: str
    fields: Any

    @property
    def name(self) -> str | None:
        """What it calls itself, if that much can be read."""
        name = self.fields.get("name") if isinstance(self.fields, dict) else None
        return " ".join(name.split()) if isinstance(name, str) else None

    def error(self, problem: str, *, hint: str) -> ChoiceFileError:
        return ChoiceFileError(f"{self.file}, {self.place}: {problem}", hint=hint)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file or an entry; `name` is the choice that cannot be had for it, where one can be told."""

    name: str | None
    error: ChoiceFileError


#: From a file and its text to its entries. Raises `ChoiceFileError` where the rest of the file cannot be told apart.
Reader = Callable[[Path, str], Iterator[Entry | Problem]]


class _Loader(yaml.SafeLoader):
    """Without aliases, with which a short text becomes an endless one, and without a key that is there twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not read here", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(file: Path, text: str) -> Iterator[Entry]:
    """The entries of a YAML file: a list of mappings, or one mapping. Raises `ChoiceFileError`."""
    hint = "each entry is a mapping, as in {name: ...}; texts with a colon or a brace stand in quotation marks"
    if len(text) > MAX_YAML_BYTES:
        raise ChoiceFileError(
            f"{file} has {len(text):,} characters; {MAX_YAML_BYTES:,} are accepted in YAML", hint="split it"
        )
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        for node in root.value if isinstance(root, yaml.SequenceNode) else [root] if root is not None else []:
            yield Entry(file, f"line {node.start_mark.line + 1}", loader.construct_document(node))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or (
            "nested too deeply" if isinstance(error, RecursionError) else error
        )
        raise ChoiceFileError(f"{file}{where}: this is not YAML that can be read: {problem}", hint=hint) from error


#: The readers of kinds that are kept in YAML alone.
YAML_READERS: tuple[tuple[str, Reader], ...] = ((".yaml", read_yaml), (".yml", read_yaml))


def validated(model: type[Model], entry: Entry, *, hint: str) -> Model:
    """The entry as `model`. Raises `ChoiceFileError` with the field and what is wrong with it."""
    if not isinstance(entry.fields, dict):
        raise entry.error("this is not a mapping", hint=hint)
    try:
        return model.model_validate(entry.fields)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise entry.error(f"{field!r}: {first['msg']}" if field else first["msg"], hint=hint) from invalid


def clean_text(entry: Entry, field: str, text: str, *, limit: int = MAX_TEXT_CHARACTERS, needed: bool = False) -> str:
    """The text on one line, its white space tidied. Raises `ChoiceFileError` for what no prompt may hold."""
    tidy = " ".join(text.split())
    if needed and not tidy:
        raise entry.error(f"the {field} is empty", hint=f"give it a {field}")
    if len(tidy) > limit:
        raise entry.error(f"the {field} has {len(tidy):,} characters; {limit:,} are accepted", hint="shorten it")
    if bad := next((one for one in tidy if unicodedata.category(one) in ("Cc", "Cs")), None):
        raise entry.error(
            f"the {field} contains control characters: U+{ord(bad):04X}", hint="type it again as plain text"
        )
    return tidy


def decoded(file: Path) -> str:
    """The text of a file in UTF-8, without its byte order mark. Raises `ChoiceFileError`."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ChoiceFileError(
            f"{file} cannot be read: {error.strerror}", hint="check that it is a file that you may read"
        ) from error
    if len(content) > MAX_BYTES:
        raise ChoiceFileError(f"{file} has more than {MAX_BYTES:,} bytes", hint="split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ChoiceFileError(
            f"{file}, line {line}: this is not UTF-8 text", hint="save the file as UTF-8 in your editor"
        ) from error
