"""Word lists: the topics, actions and styles that concepts are drawn from."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from math import gcd, lcm
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ideation.concept import Word
from ideation.draw.vocabulary import Vocabulary
from ideation.errors import Clause, TwinseedError
from ideation.files import ShallowLoader, read_plain_text
from templates import OWN_LOADER

BUILT_IN_FOLDER = Path(__file__).parent / "lists"
LIST_NAMES = ("topics", "actions", "styles")
ENDINGS = (".txt", ".yaml", ".yml", ".json")
MAX_ENTRY_CHARACTERS = 200
MAX_BYTES = 50_000_000
#: The heaviest weight, and the most places that a list may take in the draw once its weights are counted in.
MAX_WEIGHT = 1_000
MAX_PLACES = 100_000

_ENTRY_HINT = (
    "an entry is a text, or a mapping with en, and zh, measure and weight if you like: "
    "{en: dog, zh: 狗, measure: 隻, weight: 2}"
)
#: What stands before an entry or an option as its weight, good or bad: a faulty one must not become text.
WEIGHT = r"\s*([-+]?[0-9.,][-+0-9.,/eE%]*)\s*::"
_WEIGHTED = re.compile(rf"{WEIGHT}(.*)", re.DOTALL)


class WordListError(TwinseedError):
    """A word list that cannot be used: missing, empty, unreadable, with a bad or a doubled entry."""


@dataclass(frozen=True)
class WordLists:
    """What a concept can be made of. Every topic goes with every action and every style.

    An entry with weight 2 stands twice in its list, beside one with weight 1: it takes two places in the draw.
    """

    topics: tuple[Word, ...]
    actions: tuple[Word, ...]
    styles: tuple[Word, ...]

    @property
    def size(self) -> int:
        """How many places the draw has: how many different concepts there are, where no entry has a weight."""
        return len(self.topics) * len(self.actions) * len(self.styles)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    en: str
    zh: str = ""
    measure: str = ""
    weight: str | int | float = 1


@lru_cache(maxsize=1)
def built_in_words() -> WordLists:
    """The lists that come with Twinseed, in English and 繁體中文.

    >>> words = built_in_words()
    >>> words.topics[0], words.size == len(words.topics) * len(words.actions) * len(words.styles)
    (Word(en='dog', zh='狗', measure='隻'), True)
    """
    return WordLists(*(_read_list(BUILT_IN_FOLDER / f"{name}.yaml", ours=True) for name in LIST_NAMES))


def seedling_words(vocabulary: Vocabulary) -> WordLists:
    """The subjects, actions and styles that the embedded model can draw.

    >>> from ideation.draw import seedling_vocabulary
    >>> [word.en for word in seedling_words(seedling_vocabulary()).actions[:2]]
    ['riding a bicycle', 'driving a car']
    """
    return WordLists(*(tuple(t.word for t in vocabulary.terms[kind]) for kind in ("subject", "action", "style")))


def read_words(folder: Path) -> WordLists:
    """A person's own lists: `topics`, `actions` and `styles`, each as .txt, .yaml, .yml or .json, in UTF-8.

    A text file has one entry per line, with blank lines and `#` comments; the others hold a list of texts or of
    mappings `{en, zh, measure, weight}`. `2::cat`, and `{cat: 2}` in YAML and JSON, have a weight as well. A list that
    is not there falls back to the built-in one. Raises `WordListError`.
    """
    if not folder.is_dir():
        raise WordListError(
            "there is no folder {folder!r}",
            hint="make it and put topics.txt, {wanted} or {wanted_2} in it",
            folder=str(folder),
            wanted=_WANTED[1],
            wanted_2=_WANTED[2],
        )
    lists: dict[str, tuple[Word, ...]] = {}
    for name in LIST_NAMES:
        files = [folder / f"{name}{ending}" for ending in ENDINGS if os.path.lexists(folder / f"{name}{ending}")]
        if len(files) > 1:
            raise WordListError(
                "{folder} has more than one list of {name}: {files}",
                hint="keep the one that is meant",
                folder=folder,
                name=name,
                files=", ".join(file.name for file in files),
            )
        if files:
            lists[name] = _read_list(files[0])
    if not lists:
        raise WordListError(
            "the folder {folder!r} has no word list",
            hint="it needs at least one of {wanted}",
            folder=str(folder),
            wanted=", ".join(_WANTED),
        )
    built_in = built_in_words()
    return WordLists(*(lists.get(name, getattr(built_in, name)) for name in LIST_NAMES))


def unread_files(folder: Path) -> list[str]:
    """The lists in a folder that `read_words` passes over, for they are none of the three; patterns have them.

    >>> "topics.yaml" in unread_files(BUILT_IN_FOLDER), "media.yaml" in unread_files(BUILT_IN_FOLDER)
    (False, True)
    """
    files = (file for file in sorted(folder.iterdir()) if file.name.lower().endswith(ENDINGS))
    return [file.name for file in files if not (file.suffix in ENDINGS and file.stem in LIST_NAMES)]


_WANTED = tuple(f"{name}.txt" for name in LIST_NAMES)


def _read_list(file: Path, *, ours: bool = False) -> tuple[Word, ...]:
    """The entries of a list; one of `ours` is read by the quicker loader, which trusts it."""
    text = decode(file)
    read_yaml = partial(_yaml_entries, loader=OWN_LOADER) if ours else _yaml_entries
    entries = {".txt": _text_entries, ".json": _json_entries}.get(file.suffix, read_yaml)(file, text)
    seen: dict[str, str] = {}
    words: list[Word] = []
    weights: list[Fraction] = []
    for place, raw in entries:
        word, weight = _word(file, place, raw)
        first = seen.setdefault(word.en.casefold(), place)
        if first != place:
            raise WordListError(
                "{file}, {place}: {en!r} is there already, in {first}",
                hint="take one of the two out",
                file=file,
                place=place,
                en=word.en,
                first=first,
            )
        words.append(word)
        weights.append(weight)
    if not words:
        raise WordListError("{file} has no entries", hint="put one entry on each line, or delete the file", file=file)
    unit = lcm(*(weight.denominator for weight in weights))
    places = [int(weight * unit) for weight in weights]
    common = gcd(*places)
    places = [count // common for count in places]
    if len(set(places)) > 1 and sum(places) > MAX_PLACES:
        raise WordListError(
            "the weights of {file} need {sum:,} places in the draw; {max_places:,} are accepted",
            hint="give rounder weights: whole numbers, or halves",
            file=file,
            sum=sum(places),
            max_places=MAX_PLACES,
        )
    return tuple(word for word, count in zip(words, places, strict=True) for _ in range(count))


def read_weight(given: str | int | float) -> Fraction:
    """A weight from a list or a pattern. Raises `ValueError`, saying what is wrong with it."""
    try:
        weight = Fraction(str(given).strip())
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(Clause("the weight {given!r} is not a number", given=str(given)[:20])) from error
    if not Fraction(1, MAX_WEIGHT) <= weight <= MAX_WEIGHT or isinstance(given, bool):
        raise ValueError(
            Clause("the weight {given} is not from 1/{most:,} to {most:,}", given=str(given)[:20], most=MAX_WEIGHT)
        )
    return weight


def decode(file: Path) -> str:
    """The text of a list in UTF-8, or in UTF-16 with its byte order mark, which is left out. Raises `WordListError`."""
    try:
        text = read_plain_text(file, MAX_BYTES, utf_16=True)
    except OSError as error:
        raise WordListError(
            "{file} cannot be read: {reason}",
            hint="it should be a file that you may read; save it as UTF-8 in your editor",
            file=file,
            reason=error.strerror,
        ) from error
    if "\0" in text:
        raise WordListError(
            "{file}, line {line}: there is a NUL character, as in UTF-16 or in a file that is no text",
            hint="save the file as UTF-8 in your editor",
            file=file,
            line=text.count("\n", 0, text.index("\0")) + 1,
        )
    return text


class _Loader(ShallowLoader):
    """Without tags but those of plain values and collections: others ask for something to be made of what follows."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        node = super().compose_node(parent, index)
        if node is not None and node.tag.removeprefix("tag:yaml.org,2002:") not in _PLAIN_TAGS:
            raise yaml.composer.ComposerError(None, None, f"the tag {node.tag[:80]!r} is not read", node.start_mark)
        return node


_PLAIN_TAGS = {"!", *("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")}


def compose_yaml(text: str, loader: type[yaml.SafeLoader] = _Loader) -> yaml.Node | None:
    """The nodes of a list in YAML, which know their lines. Raises `yaml.YAMLError` and `RecursionError`."""
    reading = loader(text)
    try:
        return reading.get_single_node()
    finally:
        reading.dispose()


def _text_entries(_file: Path, text: str) -> Iterator[tuple[str, Any]]:
    # Not splitlines(), which would also cut at form feeds and other characters that editors count as part of a line.
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield Clause("line {number}", number=number), line


def _json_entries(file: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = Clause(", line {number}", number=error.lineno) if isinstance(error, json.JSONDecodeError) else ""
        raise WordListError(
            "{file}{where}: this is not JSON: {error}",
            hint='it should look like ["dog", "cat"]',
            file=file,
            where=where,
            error=error,
        ) from error
    if not isinstance(content, list):
        raise WordListError("{file} does not hold a list", hint='it should look like ["dog", "cat"]', file=file)
    for number, raw in enumerate(content, start=1):
        yield Clause("entry {number}", number=number), raw


def _yaml_entries(file: Path, text: str, loader: type[yaml.SafeLoader] = _Loader) -> Iterator[tuple[str, Any]]:
    # Composed, not loaded: nodes know their lines, and an entry such as `no` or `7` stays the text that was written.
    hint = "it should be a list: one line `- dog` for each entry"
    try:
        root = compose_yaml(text, loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = Clause(", line {number}", number=mark.line + 1) if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise WordListError(
            "{file}{where}: this is not YAML: {problem}",
            hint="{advice}",
            file=file,
            where=where,
            problem=problem,
            advice=hint,
        ) from error
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        raise WordListError("{file} does not hold a list", hint="{advice}", file=file, advice=hint)
    for node in root.value:
        raw: Any = node.value
        if isinstance(node, yaml.MappingNode):
            raw = {key.value: value.value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        yield Clause("line {number}", number=node.start_mark.line + 1), raw


def _word(file: Path, place: str, raw: Any) -> tuple[Word, Fraction]:
    if isinstance(raw, str) and (weighted := _WEIGHTED.fullmatch(raw)):
        raw = {"en": weighted[2], "weight": weighted[1]}
    elif isinstance(raw, dict) and len(raw) == 1 and not raw.keys() & _Entry.model_fields.keys():
        ((name, weight),) = raw.items()
        raw = {"en": name, "weight": weight}
    try:
        entry = _Entry.model_validate({"en": raw} if isinstance(raw, str) else raw)
    except ValidationError as error:
        first = error.errors()[0]
        part = ".".join(map(str, first["loc"]))
        raise WordListError(
            "{file}, {place}: {what}{first}",
            hint="{entry_hint}",
            file=file,
            place=place,
            what=f"{part!r}: " if part else "",
            first=first["msg"],
            entry_hint=_ENTRY_HINT,
        ) from error
    en, zh, measure = (" ".join(part.split()) for part in (entry.en, entry.zh, entry.measure))
    if not en:
        raise WordListError(
            "{file}, {place}: the entry is empty", hint="{entry_hint}", file=file, place=place, entry_hint=_ENTRY_HINT
        )
    if len(en) > MAX_ENTRY_CHARACTERS:
        raise WordListError(
            "{file}, {place}: the entry has {count:,} characters; {max_entry_characters} are accepted",
            hint="an entry is a few words, one per line",
            file=file,
            place=place,
            count=len(en),
            max_entry_characters=MAX_ENTRY_CHARACTERS,
        )
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in en + zh + measure):
        raise WordListError(
            "{file}, {place}: the entry contains control characters",
            hint="type it again as plain text",
            file=file,
            place=place,
        )
    try:
        return Word(en, zh or en, measure), read_weight(entry.weight)
    except ValueError as error:
        raise WordListError(
            "{file}, {place}: {error}", hint="as in 2::cat or 0.5::cat", file=file, place=place, error=error.args[0]
        ) from error
