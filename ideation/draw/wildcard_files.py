"""Wildcards in files: a folder of TXT, YAML and JSON files, as people bring it from other tools."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import yaml

from ideation.draw.pattern import MAX_PATTERN_CHARACTERS, Place
from ideation.draw.wildcards import Entry, Source, Wildcards, same_name
from ideation.draw.word_lists import ENDINGS, WEIGHT, WordListError, compose_yaml, decode, read_weight
from ideation.errors import Clause

#: So many entries are read from one file; more is a mistake, or a YAML file that is built to explode.
MAX_ENTRIES = 1_000_000
MAX_NESTED_NAMES = 20
MAX_NAMES = 100_000
MAX_NAME_CHARACTERS = 200
#: So many folders are gone through: a link may lead to a whole disk.
MAX_FOLDERS = 10_000

_WEIGHTED = re.compile(rf"{WEIGHT}\s*(.*)", re.DOTALL)
_LIKE_A_NUMBER = re.compile(r"\s*[-+0-9.,/%][-+0-9.,/%eE]*\s*")
_TEXT_KEYS = ("text", "content")
_ENTRY_HINT = "an entry is a text, 2::text, {text: 2}, or {text: ..., weight: 2}"
_QUOTE_HINT = 'put it in quotes, as in - "style: anime"'
_YAML_HINT = (
    "as in - dog, a line each; an entry with : or # in it, or that begins with any of @ % & * ! | > { [ or a backtick, "
    "stands in quotes"
)


def read_wildcards(folder: Path) -> Wildcards:
    """The collection in a folder and the folders in it; hidden ones are passed over, links are followed.

    `animals/cat.txt` is `animals/cat`, and so is a YAML or JSON file that holds a list. One that holds a mapping gives
    the names in it instead: `cats` of `animals/all.yaml` is `animals/cats`, a mapping in it one level more. YAML and
    JSON are read for their names at once. What is wrong with a file or list is told when that is asked for. Raises
    `WordListError` where nothing can be had at all.
    """
    if not folder.is_dir():
        raise WordListError(
            "there is no folder {folder!r}", hint="make it and put lists such as animal.txt in it", folder=str(folder)
        )
    lists: dict[str, Source] = {}
    origin: dict[str, Path] = {}
    problems: dict[str, WordListError] = {}

    def fault(path: Path, problem: WordListError) -> None:
        problems[_name_of(folder, path)] = problem

    for file in _files(folder, fault):
        name = _name_of(folder, file)
        try:
            found = [(name, partial(_lines, file))] if file.suffix.lower() == ".txt" else _Structured(file).lists(name)
        except WordListError as problem:
            fault(file, problem)
            continue
        for one, source in found:
            if one in lists:
                lists[one] = partial(_doubled, one, origin[one], file)
            else:
                lists[one], origin[one] = source, file
    if not lists and not problems:
        raise WordListError(
            "the folder {folder!r} has no lists",
            hint="a list ends in {endings}",
            folder=str(folder),
            endings=", ".join(ENDINGS),
        )
    return Wildcards(lists, problems)


def _name_of(folder: Path, path: Path) -> str:
    relative = path.relative_to(folder)
    return same_name((relative.with_suffix("") if relative.suffix.lower() in ENDINGS else relative).as_posix())


def _files(folder: Path, fault: Callable[[Path, WordListError], None]) -> Iterator[Path]:
    """The files in order; a link back to a folder around it is not gone into once more."""
    todo: list[tuple[Path, tuple[str, ...]]] = [(folder, (os.path.realpath(folder),))]
    gone_through = 0
    while todo:
        parent, around = todo.pop()
        gone_through += 1
        if gone_through > MAX_FOLDERS:
            raise WordListError(
                "the folder {folder!r} holds more than {most:,} others",
                hint="name the folder with the lists themselves",
                folder=str(folder),
                most=MAX_FOLDERS,
            )
        try:
            names = sorted(os.listdir(parent))
        except OSError as error:
            problem = WordListError(
                "the folder {folder} cannot be read: {reason}",
                hint="check who may read it",
                folder=parent,
                reason=error.strerror,
            )
            fault(parent, problem)
            continue
        inside: list[tuple[Path, tuple[str, ...]]] = []
        for path in (parent / name for name in names if not name.startswith(".")):
            if os.path.isdir(path):
                real = os.path.realpath(path)
                if real not in around:
                    inside.append((path, (*around, real)))
            elif path.name.lower().endswith(ENDINGS):
                yield path
        todo += reversed(inside)


def _lines(file: Path) -> tuple[Entry, ...]:
    """The entries of a text file."""

    def read() -> Iterator[Entry]:
        for number, line in enumerate(re.split(r"\r\n|\r|\n", decode(file)), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                indent = len(line) - len(line.lstrip())
                yield _entry(line.strip(), None, Place(str(file), number, 1 + indent))

    return _merged(file, read())


def _doubled(name: str, origin: Path, file: Path) -> NoReturn:
    raise WordListError(
        "two lists are called {name!r}: in {origin} and {file}",
        hint="rename one of the two",
        name=name,
        origin=origin,
        file=file,
    )


@dataclass(frozen=True)
class _Structured:
    """A YAML or JSON file."""

    file: Path

    def lists(self, name: str) -> list[tuple[str, Callable[[], tuple[Entry, ...]]]]:
        """The lists in it, each with its name and what reads its entries; `name` is the file's own."""
        text = self._text()
        root = self._root(text)
        if isinstance(root, yaml.SequenceNode) or root is None:
            return [(name, partial(self._entries, text, root))]
        if not isinstance(root, yaml.MappingNode):
            raise WordListError(
                "{file} holds neither lists nor names of lists", hint="as in `- dog`, a line each", file=self.file
            )
        lists: list[tuple[str, Callable[[], tuple[Entry, ...]]]] = []
        todo = [(name.rpartition("/")[0], root, 1)]
        while todo:
            prefix, mapping, depth = todo.pop()
            for key, value in self._pairs(text, mapping):
                if len(key) > MAX_NAME_CHARACTERS:
                    raise WordListError(
                        "{place}: the name of a list has {count:,} characters; {max_name_characters} are accepted",
                        hint="give it a short name, to be written as in __name__",
                        place=self._place(value).named,
                        count=len(key),
                        max_name_characters=MAX_NAME_CHARACTERS,
                    )
                inner = same_name(f"{prefix}/{key}".lstrip("/"))
                if isinstance(value, yaml.MappingNode):
                    todo.append((inner, value, depth + 1))
                else:
                    lists.append((inner, partial(self._entries, text, value)))
            if depth > MAX_NESTED_NAMES or len(lists) + len(todo) > MAX_NAMES:
                raise self._too_many_names()
        return lists

    def _text(self) -> str:
        text = decode(self.file)
        if self.file.suffix.lower() != ".json":
            return text
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            where = Clause(", line {number}", number=error.lineno) if isinstance(error, json.JSONDecodeError) else ""
            raise WordListError(
                "{file}{where}: this is not JSON: {error}",
                hint='as in ["dog", "cat"]',
                file=self.file,
                where=where,
                error=error,
            ) from error
        # JSON is YAML once its tabs, mere space, are spaces; read as such, its entries have lines and columns too.
        return text.replace("\t", " ")

    def _root(self, text: str) -> yaml.Node | None:
        try:
            return compose_yaml(text)
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            where = Clause(", line {line}, column {column}", line=mark.line + 1, column=mark.column + 1) if mark else ""
            problem = getattr(error, "problem", None) or str(error)
            if problem.startswith("but "):  # the rest of what PyYAML says of a second document
                problem = f"{getattr(error, 'context', '')} {problem}"
            raise WordListError(
                "{file}{where}: this is not YAML: {problem}",
                hint="{advice}",
                file=self.file,
                where=where,
                problem=problem,
                advice=_YAML_HINT,
            ) from error

    def _pairs(self, text: str, mapping: yaml.MappingNode, depth: int = 1) -> list[tuple[str, yaml.Node]]:
        """The keys and values of a mapping, after those that `<<` takes over from others and that are not its own."""
        if depth > MAX_NESTED_NAMES:
            raise self._too_many_names()
        own: list[tuple[str, yaml.Node]] = []
        others: list[yaml.Node] = []
        for key, value in mapping.value:
            if key.tag == "tag:yaml.org,2002:merge":
                others += value.value if isinstance(value, yaml.SequenceNode) else [value]
            else:
                own.append((self._scalar(text, key), value))
        taken: dict[str, yaml.Node] = {}
        for other in others:
            if not isinstance(other, yaml.MappingNode):
                raise WordListError(
                    "{place}: << takes over the names of a mapping, and this is none",
                    hint="as in <<: *animals, where animals: &animals stands before",
                    place=self._place(other).named,
                )
            for name, value in self._pairs(text, other, depth + 1):
                taken.setdefault(name, value)
        known = {name for name, _ in own}
        return [(name, value) for name, value in taken.items() if name not in known] + own

    def _too_many_names(self) -> WordListError:
        return WordListError(
            "{file}: the names are nested too deep, or are too many",
            hint="{max_nested_names} levels and {max_names:,} names are read",
            file=self.file,
            max_nested_names=MAX_NESTED_NAMES,
            max_names=MAX_NAMES,
        )

    def _entries(self, text: str, node: yaml.Node | None) -> tuple[Entry, ...]:
        if node is None or _is_nothing(node):
            return _merged(self.file, iter(()))
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return _merged(self.file, (self._entry(text, one) for one in nodes))

    def _entry(self, text: str, node: yaml.Node) -> Entry:
        place = self._place(node)
        if not isinstance(node, yaml.MappingNode):
            return _entry(self._scalar(text, node), None, place)
        if node.flow_style and node.value and all(_is_nothing(value) and not value.value for _, value in node.value):
            # {A|B|C} is a mapping to YAML, and a choice to whoever wrote it.
            return _entry(text[node.start_mark.index : node.end_mark.index], None, place)
        pairs = dict(self._pairs(text, node))
        key = next((key for key in _TEXT_KEYS if key in pairs), None)
        if key is not None and pairs.keys() <= {key, "weight"}:
            weight = self._scalar(text, pairs["weight"]) if "weight" in pairs else None
            return _entry(self._scalar(text, pairs[key]), weight, self._place(pairs[key]))
        if len(pairs) != 1:
            raise WordListError(
                "{place}: this is not an entry", hint="{entry_hint}", place=place.named, entry_hint=_ENTRY_HINT
            )
        ((content, value),) = pairs.items()
        if not isinstance(value, yaml.ScalarNode) or not _LIKE_A_NUMBER.fullmatch(value.value):
            raise WordListError(
                "{place}: {content!r} and what follows its colon are read as a name and its value, not as text",
                hint="{advice}",
                place=place.named,
                content=content[:40],
                advice=_QUOTE_HINT,
            )
        return _entry(content, self._scalar(text, value), place)

    def _scalar(self, text: str, node: yaml.Node) -> str:
        if isinstance(node, yaml.SequenceNode):
            raise WordListError(
                "{place}: a list stands inside a list, as an entry",
                hint="take its brackets or its second dash out; or put it in quotes if it is text",
                place=self._place(node).named,
            )
        if not isinstance(node, yaml.ScalarNode):
            raise WordListError(
                "{place}: this is not an entry",
                hint="{entry_hint}",
                place=self._place(node).named,
                entry_hint=_ENTRY_HINT,
            )
        if _is_nothing(node):
            raise WordListError(
                "{place}: there is nothing here",
                hint='take it out; or write "" for an entry without text, "null" for the word',
                place=self._place(node).named,
            )
        if self.file.suffix.lower() == ".json" and node.style == '"':
            # YAML takes escaped characters beyond U+FFFF for two; JSON's own reader knows them.
            return str(json.loads(text[node.start_mark.index : node.end_mark.index]))
        return str(node.value)

    def _place(self, node: yaml.Node) -> Place:
        quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
        return Place(str(self.file), node.start_mark.line + 1, node.start_mark.column + 1 + quoted)


def _is_nothing(node: yaml.Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _entry(text: str, weight: str | None, place: Place) -> Entry:
    if weight is None and (weighted := _WEIGHTED.fullmatch(text)):
        weight, text = weighted.groups()
        place = Place(place.source, place.line, place.column + weighted.start(2))
    if len(text) > MAX_PATTERN_CHARACTERS:
        raise WordListError(
            "{place}: the entry has {count:,} characters; {most:,} are accepted",
            hint="split it",
            place=place.named,
            count=len(text),
            most=MAX_PATTERN_CHARACTERS,
        )
    if any(unicodedata.category(one) == "Cc" and one not in "\t\n" for one in text):
        raise WordListError(
            "{place}: the entry contains control characters", hint="type it again as plain text", place=place.named
        )
    try:
        return Entry(text, read_weight("1" if weight is None else weight), place)
    except ValueError as error:
        raise WordListError(
            "{place}: {error}",
            hint="as in 2::cat or 0.5::cat; take out what is never to come",
            place=place.named,
            error=error.args[0],
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
