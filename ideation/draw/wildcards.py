"""Wildcards: a person's collection of named lists, read from a folder of TXT, YAML and JSON files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path

import yaml

from ideation.draw.pattern import Place
from ideation.draw.word_lists import ENDINGS, WordListError, WordLists, compose_yaml, decode, read_weight
from ideation.errors import Clause, nearest

#: So many entries are read from one file; more is a mistake, or a YAML file that is built to explode.
MAX_ENTRIES = 1_000_000
MAX_NESTED_NAMES = 20
MAX_NAMES = 100_000
MAX_NAME_CHARACTERS = 200

_WEIGHTED = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*::\s*(.*)", re.DOTALL)
_TEXT_KEYS = ("text", "content")


@dataclass(frozen=True)
class Entry:
    """One entry of a list: a pattern, how heavy it is, and where it stands."""

    text: str
    weight: Fraction
    place: Place


class Wildcards:
    """Lists by name. A file is read when one of its entries is first needed; a YAML or JSON file already for its names.

    `animals/cat.txt` is `animals/cat`, and so is a YAML or JSON file that holds a list. One that holds a mapping gives
    the names in it instead: `cats` of `animals/all.yaml` is `animals/cats`, a mapping in it one level more.
    """

    def __init__(self, lists: Mapping[str, tuple[Entry, ...] | Path] | None = None) -> None:
        self._lists = dict(lists or {})

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._lists)

    def matching(self, name: str) -> list[str]:
        """The names that a wildcard means: itself, or in order all that a glob with `*`, `?` or `[...]` matches.

        As in other tools, `*` matches across folders too.
        """
        if name in self._lists:
            return [name]
        return [known for known in self.names if fnmatchcase(known, name)] if re.search(r"[*?\[]", name) else []

    def suggestion(self, name: str) -> str:
        """The hint for a wildcard that is not there."""
        if not self._lists:
            return Clause("there are no lists yet: give a folder with --words")
        inside = [known for known in self.names if known.rpartition("/")[2] == name.rpartition("/")[2]]
        hint = Clause("did you mean {name!r}?", name=inside[0]) if inside else nearest(name, self.names)
        if hint.startswith("did you mean"):
            return hint
        names = ", ".join(self.names[:10]) + " ..." * (len(self._lists) > 10)
        return Clause("there are {names}", names=names)

    def entries(self, name: str) -> tuple[Entry, ...]:
        """The entries of one list; one that is there twice is heavier by so much. Raises `WordListError`."""
        found = self._lists[name]
        if isinstance(found, Path):
            found = self._lists[name] = _merged(found, _text_entries(found))
        return found


def built_in_wildcards(words: WordLists, *, chinese: bool = False) -> Wildcards:
    """The topics, actions and styles of word lists, as wildcards of these names.

    >>> from ideation.draw.word_lists import built_in_words
    >>> wildcards = built_in_wildcards(built_in_words())
    >>> wildcards.names, wildcards.entries("topics")[0].text
    (['actions', 'styles', 'topics'], 'dog')
    """
    lists = {"topics": words.topics, "actions": words.actions, "styles": words.styles}
    return Wildcards(
        {
            name: tuple(
                Entry(
                    re.sub(r"([{}|$_\\])", r"\\\1", word.zh if chinese else word.en), Fraction(1), Place(name, number)
                )
                for number, word in enumerate(entries, start=1)
            )
            for name, entries in lists.items()
        }
    )


def read_wildcards(folder: Path) -> Wildcards:
    """The collection in a folder and the folders in it; hidden ones are passed over. Raises `WordListError`."""
    if not folder.is_dir():
        raise WordListError(
            "there is no folder {folder!r}", hint="make it and put lists such as animal.txt in it", folder=str(folder)
        )
    lists: dict[str, tuple[Entry, ...] | Path] = {}
    origin: dict[str, Path] = {}
    for file in sorted(_files(folder)):
        name = file.relative_to(folder).with_suffix("").as_posix()
        found = [(name, file)] if file.suffix.lower() == ".txt" else _structured(file, name)
        for name, entries in found:
            if name in lists:
                raise WordListError(
                    "two lists are called {name!r}: in {origin} and {file}",
                    hint="rename one of the two",
                    name=name,
                    origin=origin[name],
                    file=file,
                )
            lists[name], origin[name] = entries, file
    if not lists:
        raise WordListError(
            "the folder {folder!r} has no lists",
            hint="a list ends in {endings}",
            folder=str(folder),
            endings=", ".join(ENDINGS),
        )
    return Wildcards(lists)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and name.lower().endswith(ENDINGS):
                yield Path(parent, name)


def _text_entries(file: Path) -> Iterator[Entry]:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", decode(file)), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            indent = len(line) - len(line.lstrip())
            yield _entry(line.strip(), None, Place(str(file), number, 1 + indent))


def _structured(file: Path, name: str) -> list[tuple[str, tuple[Entry, ...] | Path]]:
    text = decode(file)
    if file.suffix.lower() == ".json":
        try:
            json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            where = Clause(", line {number}", number=error.lineno) if isinstance(error, json.JSONDecodeError) else ""
            raise WordListError(
                "{file}{where}: this is not JSON: {error}",
                hint='as in ["dog", "cat"]',
                file=file,
                where=where,
                error=error,
            ) from error
        # JSON is YAML once its tabs, mere space, are spaces; read as such, its entries have lines and columns too.
        text = text.replace("\t", " ")
    try:
        root = compose_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = Clause(", line {line}, column {column}", line=mark.line + 1, column=mark.column + 1) if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise WordListError(
            "{file}{where}: this is not YAML: {problem}",
            hint="as in `- dog`, a line each",
            file=file,
            where=where,
            problem=problem,
        ) from error
    if isinstance(root, yaml.SequenceNode):
        return [(name, _merged(file, _node_entries(file, text, root)))]
    if not isinstance(root, yaml.MappingNode):
        raise WordListError(
            "{file} holds neither lists nor names of lists", hint="as in `- dog`, a line each", file=file
        )
    lists: list[tuple[str, tuple[Entry, ...] | Path]] = []
    prefix = name.rpartition("/")[0]
    todo = [(prefix, root, 1)]
    while todo:
        prefix, mapping, depth = todo.pop()
        for key, value in mapping.value:
            own = _text(file, text, key)
            if len(own) > MAX_NAME_CHARACTERS:
                raise WordListError(
                    "{place}: the name of a list has {count:,} characters; {max_name_characters} are accepted",
                    hint="give it a short name, to be written as in __name__",
                    place=_place(file, key).named,
                    count=len(own),
                    max_name_characters=MAX_NAME_CHARACTERS,
                )
            inner = f"{prefix}/{own}".lstrip("/")
            if isinstance(value, yaml.MappingNode):
                todo.append((inner, value, depth + 1))
            else:
                entries = value if isinstance(value, yaml.SequenceNode) else yaml.SequenceNode("", [value])
                lists.append((inner, _merged(file, _node_entries(file, text, entries))))
        if depth > MAX_NESTED_NAMES or len(lists) + len(todo) > MAX_NAMES:
            raise WordListError(
                "{file}: the names are nested too deep, or are too many",
                hint="{max_nested_names} levels and {max_names:,} names are read",
                file=file,
                max_nested_names=MAX_NESTED_NAMES,
                max_names=MAX_NAMES,
            )
    return lists


def _node_entries(file: Path, text: str, sequence: yaml.SequenceNode) -> Iterator[Entry]:
    for node in sequence.value:
        place = _place(file, node)
        weight: str | None = None
        if isinstance(node, yaml.MappingNode):
            pairs = {_text(file, text, key): value for key, value in node.value}
            key = next((key for key in _TEXT_KEYS if key in pairs), None)
            if key is not None and pairs.keys() <= {key, "weight"}:
                content, place = _text(file, text, pairs[key]), _place(file, pairs[key])
                weight = _text(file, text, pairs["weight"]) if "weight" in pairs else None
            elif len(pairs) == 1:
                ((content, value),) = pairs.items()
                weight = _text(file, text, value)
            else:
                raise WordListError(
                    "{place}: this is not an entry", hint="{entry_hint}", place=place.named, entry_hint=_ENTRY_HINT
                )
        else:
            content = _text(file, text, node)
        yield _entry(content, weight, place)


_ENTRY_HINT = "an entry is a text, 2::text, {text: 2}, or {text: ..., weight: 2}"


def _text(file: Path, text: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise WordListError(
            "{place}: this is not an entry", hint="{entry_hint}", place=_place(file, node).named, entry_hint=_ENTRY_HINT
        )
    if file.suffix.lower() == ".json" and node.style == '"':
        # YAML takes escaped characters beyond U+FFFF for two; JSON's own reader knows them.
        return str(json.loads(text[node.start_mark.index : node.end_mark.index]))
    return str(node.value)


def _place(file: Path, node: yaml.Node) -> Place:
    quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
    return Place(str(file), node.start_mark.line + 1, node.start_mark.column + 1 + quoted)


def _entry(text: str, weight: str | None, place: Place) -> Entry:
    if weight is None and (weighted := _WEIGHTED.fullmatch(text)):
        weight, text = weighted.groups()
        place = Place(place.source, place.line, place.column + weighted.start(2))
    try:
        return Entry(text, read_weight("1" if weight is None else weight), place)
    except ValueError as error:
        raise WordListError(
            "{place}: {error}", hint="as in 2::cat or 0.5::cat", place=place.named, error=error.args[0]
        ) from error


def _merged(file: Path, entries: Iterator[Entry]) -> tuple[Entry, ...]:
    merged: dict[str, Entry] = {}
    for number, entry in enumerate(entries, start=1):
        if number > MAX_ENTRIES:
            raise WordListError(
                "{file} has more than {max_entries:,} entries", hint="split it", file=file, max_entries=MAX_ENTRIES
            )
        first = merged.get(entry.text)
        merged[entry.text] = entry if first is None else Entry(first.text, first.weight + entry.weight, first.place)
    if not merged:
        raise WordListError("{file} has an empty list", hint="put one entry on each line, or delete it", file=file)
    return tuple(merged.values())
