"""Choice files: small files of named choices, those that come with Twinseed and those that people add.

A file gives entries, read strictly and within limits; a kind of choice makes something of each; the store has what was
made by its name, and what is wrong with the rest.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import platformdirs
import yaml
from pydantic import BaseModel, ValidationError

import templates
from generate.settings import SettingsError
from ideation import Clause, TwinseedError, nearest
from ideation.files import ShallowLoader, read_plain_text

#: The `source` of what comes with Twinseed; of everything else it is the path of the file.
BUILT_IN = "built in"

MAX_FILES = 200
MAX_ENTRIES = 5_000
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

    def error(self, problem: str, *, hint: str, **values: Any) -> ChoiceFileError:
        """The error of a problem with this entry; both texts and their values as an error takes them."""
        said = TwinseedError(problem, hint=hint, **values)
        return ChoiceFileError(
            "{file}, {place}: {problem}", hint=said.hint, file=str(self.file), place=self.place, problem=said
        )


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file or an entry; `name` is the choice that cannot be had for it, where one can be told."""

    name: str | None
    error: ChoiceFileError


#: From a file and its text to its entries. Raises `ChoiceFileError` where the rest of the file cannot be told apart.
Reader = Callable[[Path, str], Iterator[Entry | Problem]]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Choice = TypeVar("Choice", bound=_Named)


@dataclass(frozen=True)
class Choices(Generic[Choice]):
    """Choices by name, the built-in ones first. A name of which a person's file has a faulty entry is not among them,
    even where a built-in choice is called so too: nobody shall get another choice than the one they wrote."""

    noun: str
    known: Mapping[str, Choice]
    problems: tuple[Problem, ...] = ()

    def find(self, name: str) -> Choice:
        """The choice with that name, in any case, dashes and underscores taken for spaces.

        Raises `ChoiceFileError` when it is in a file and faulty there, else `SettingsError` with the nearest name.
        """
        wanted = _folded(name)
        for problem in self.problems:
            if problem.name is not None and _folded(problem.name) == wanted:
                # Not the error itself, which would grow a longer traceback each time.
                raise ChoiceFileError(problem.error.message, hint=problem.error.hint)
        for known, choice in self.known.items():
            if _folded(known) == wanted:
                return choice
        hint = nearest(name, list(self.known))
        if len(self.known) > 15 and not hint.startswith("did you mean"):
            names = ", ".join(list(self.known)[:12])
            hint = Clause("known names: {names} and {more} more", names=names, more=len(self.known) - 12)
        if len(self.known) > 15:
            hint = Clause(
                "{hint} All of them: `twinseed list {noun}s`",
                hint=hint if hint.endswith("?") else Clause("{sentence}.", sentence=hint),
                noun=self.noun,
            )
        if unread := [problem.error for problem in self.problems if problem.name is None]:
            hint = Clause(
                "{hint} It may be in what cannot be read: {error}"
                if len(unread) == 1
                else "{hint} It may be in what cannot be read: {error} (and {more} more)",
                hint=hint if hint.endswith("?") else Clause("{sentence}.", sentence=hint),
                error=unread[0],
                more=len(unread) - 1,
            )
        raise SettingsError("unknown {noun} {name!r}", hint="{advice}", noun=self.noun, name=name, advice=hint)


@dataclass(frozen=True)
class ChoiceKind(Generic[Choice]):
    """One kind of choice. `folder` names its folder in templates/, the person's own, and `TWINSEED_<FOLDER>`.

    `make` turns an entry and its source into a choice, or raises `ChoiceFileError`. `readers` are by file ending.
    `order` names what is listed first.
    """

    noun: str
    folder: str
    make: Callable[[Entry, str], Choice]
    readers: tuple[tuple[str, Reader], ...]
    order: tuple[str, ...] = ()

    def user_folder(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Where people keep their own: `TWINSEED_<FOLDER>`, or the usual place for the configuration of programs."""
        given = environ.get(f"TWINSEED_{self.folder.upper()}")
        return Path(given).expanduser() if given else platformdirs.user_config_path("twinseed") / self.folder

    def read(self, environ: Mapping[str, str] = os.environ) -> Choices[Choice]:
        """All choices. Files are read again when one has changed; a faulty one never hides the built-in choices."""
        folder = self.user_folder(environ)
        stamps: tuple[tuple[Path, int, int], ...] = ()
        problems: tuple[Problem, ...] = ()
        try:
            stamps = self._stamps(folder)
        except FileNotFoundError as error:
            if environ.get(f"TWINSEED_{self.folder.upper()}"):
                problems = (self._unreadable(folder, error),)
        except OSError as error:
            problems = (self._unreadable(folder, error),)
        if len(stamps) > MAX_FILES:
            problems = (
                Problem(
                    None,
                    ChoiceFileError(
                        "{folder} has more than {max_files} files of {folder_2}",
                        hint="put several entries into one file",
                        folder=folder,
                        max_files=MAX_FILES,
                        folder_2=self.folder,
                    ),
                ),
            )
            stamps = ()
        choices: Choices[Choice] = _read_all(self, stamps)
        return replace(choices, problems=problems + choices.problems) if problems else choices

    def built_in(self) -> Mapping[str, Choice]:
        """What comes with Twinseed, `order` first and then by file. Raises `ChoiceFileError` where one is broken."""
        files = sorted((Path(templates.__file__).parent / self.folder).glob("*.yaml"))
        made: dict[str, Choice] = {}
        for file in files:
            for entry in self._entries(file):
                if isinstance(entry, Problem):
                    raise entry.error
                choice = self.make(entry, BUILT_IN)
                made[choice.name] = choice
        names = [name for name in self.order if name in made]
        return {name: made[name] for name in (*names, *made)}

    def from_file(self, file: Path) -> tuple[list[Choice], list[Problem]]:
        """The choices of one file of a person's, and what is wrong with the rest of it."""
        made: list[Choice] = []
        problems: list[Problem] = []
        try:
            for entry in self._entries(file):
                if isinstance(entry, Problem):
                    problems.append(entry)
                    continue
                try:
                    made.append(self.make(entry, str(file)))
                except ChoiceFileError as error:
                    problems.append(Problem(entry.name, error))
        except ChoiceFileError as error:
            problems.append(Problem(None, error))
        return made, problems

    def _entries(self, file: Path) -> Iterator[Entry | Problem]:
        reader = dict(self.readers)[file.suffix.lower()]
        for number, entry in enumerate(reader(file, decoded(file)), start=1):
            if number > MAX_ENTRIES:
                raise ChoiceFileError(
                    "{file} has more than {max_entries:,} entries", hint="split it", file=file, max_entries=MAX_ENTRIES
                )
            yield entry

    def _stamps(self, folder: Path) -> tuple[tuple[Path, int, int], ...]:
        endings = dict(self.readers)
        files = [
            file
            for file in sorted(folder.iterdir())
            if file.suffix.lower() in endings and not file.name.startswith(".") and file.is_file()
        ]
        return tuple((file, (found := file.stat()).st_mtime_ns, found.st_size) for file in files)

    def _unreadable(self, folder: Path, error: OSError) -> Problem:
        return Problem(
            None,
            ChoiceFileError(
                "the folder of {folder} {folder_2} cannot be read: {reason}",
                hint="make it, or name another with TWINSEED_{upper}",
                folder=self.folder,
                folder_2=folder,
                reason=error.strerror,
                upper=self.folder.upper(),
            ),
        )


@lru_cache(maxsize=32)
def _read_all(kind: ChoiceKind[Any], stamps: tuple[tuple[Path, int, int], ...]) -> Choices[Any]:
    """The built-in choices and those of the files; `stamps` holds when each was changed, so that this is done anew."""
    made: list[Any] = []
    problems: list[Problem] = []
    for file, *_ in stamps:
        of_file, wrong = kind.from_file(file)
        made += of_file
        problems += wrong
    first: dict[str, Any] = {}
    for choice in made:
        other = first.setdefault(_folded(choice.name), choice)
        if other is not choice:
            where = Clause(
                "in {file}" if other.source == choice.source else "in {file} and in {other}",
                file=other.source,
                other=choice.source,
            )
            problems.append(
                Problem(
                    choice.name,
                    ChoiceFileError(
                        "two {folder} are called {name!r}, {where}",
                        hint="rename one of them",
                        folder=kind.folder,
                        name=choice.name,
                        where=where,
                    ),
                )
            )
    known: dict[str, Any] = {}
    for name, choice in _built_in(kind).items():
        own = first.pop(_folded(name), choice)
        known[own.name] = own
    known |= {choice.name: choice for choice in first.values()}
    faulty = {_folded(problem.name) for problem in problems if problem.name is not None}
    known = {name: choice for name, choice in known.items() if _folded(name) not in faulty}
    return Choices(kind.noun, known, tuple(problems))


@lru_cache
def _built_in(kind: ChoiceKind[Any]) -> Mapping[str, Any]:
    return kind.built_in()


def _folded(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.strip())).casefold()


class _Loader(ShallowLoader):
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
            "{file} has {count:,} characters; {max_yaml_bytes:,} are accepted in YAML",
            hint="split it",
            file=file,
            count=len(text),
            max_yaml_bytes=MAX_YAML_BYTES,
        )
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        for node in root.value if isinstance(root, yaml.SequenceNode) else [root] if root is not None else []:
            yield Entry(file, Clause("line {number}", number=node.start_mark.line + 1), loader.construct_document(node))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = Clause(", line {number}", number=mark.line + 1) if mark else ""
        problem = getattr(error, "problem", None) or (
            "nested too deeply" if isinstance(error, RecursionError) else error
        )
        raise ChoiceFileError(
            "{file}{where}: this is not YAML that can be read: {problem}",
            hint="{advice}",
            file=file,
            where=where,
            problem=problem,
            advice=hint,
        ) from error


#: The readers of kinds that are kept in YAML alone.
YAML_READERS: tuple[tuple[str, Reader], ...] = ((".yaml", read_yaml), (".yml", read_yaml))


def validated(model: type[Model], entry: Entry, *, hint: str) -> Model:
    """The entry as `model`. Raises `ChoiceFileError` with the field and what is wrong with it."""
    if not isinstance(entry.fields, dict):
        raise entry.error("this is not a mapping", hint="{advice}", advice=hint)
    try:
        return model.model_validate(entry.fields)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        field = ".".join(map(str, first["loc"]))
        said = Clause("{field!r}: {said}" if field else "{said}", field=field, said=first["msg"])
        raise entry.error(said, hint=hint) from invalid


def clean_text(entry: Entry, field: str, text: str, *, limit: int = MAX_TEXT_CHARACTERS, needed: bool = False) -> str:
    """The text on one line, its white space tidied. Raises `ChoiceFileError` for what no prompt may hold."""
    tidy = " ".join(text.split())
    if needed and not tidy:
        raise entry.error("the {field} is empty", hint="give it a {field}", field=field)
    if len(tidy) > limit:
        raise entry.error(
            "the {field} has {count:,} characters; {limit:,} are accepted",
            hint="shorten it",
            field=field,
            count=len(tidy),
            limit=limit,
        )
    if bad := next((one for one in tidy if unicodedata.category(one) in ("Cc", "Cs")), None):
        raise entry.error(
            "the {field} contains control characters: U+{ord:04X}",
            hint="type it again as plain text",
            field=field,
            ord=ord(bad),
        )
    return tidy


def decoded(file: Path) -> str:
    """The text of a file in UTF-8, without its byte order mark. Raises `ChoiceFileError`."""
    try:
        return read_plain_text(file, MAX_BYTES)
    except OSError as error:
        raise ChoiceFileError(
            "{file} cannot be read: {reason}",
            hint="it should be a file that you may read; save it as UTF-8 in your editor",
            file=file,
            reason=error.strerror,
        ) from error
