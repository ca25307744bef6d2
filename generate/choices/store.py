"""Choice files: small files of named choices, those that come with Twinseed and those that people add."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import platformdirs

import templates
from generate.choices.entries import ChoiceFileError, Entry, Problem, Reader, decoded
from generate.settings import SettingsError
from ideation.errors import nearest

#: The `source` of what comes with Twinseed; of everything else it is the path of the file.
BUILT_IN = "built in"

MAX_FILES = 200
MAX_ENTRIES = 5_000


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
            hint = f"known names: {', '.join(list(self.known)[:12])} and {len(self.known) - 12} more"
        if unread := [problem.error for problem in self.problems if problem.name is None]:
            more = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
            hint += f"{'' if hint.endswith('?') else '.'} It may be in what cannot be read: {unread[0].message}{more}"
        raise SettingsError(f"unknown {self.noun} {name!r}", hint=hint)


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
        return Path(given or platformdirs.user_config_path("twinseed") / self.folder)

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
                        f"{folder} has more than {MAX_FILES} files of {self.folder}",
                        hint="put several entries into one file",
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
                raise ChoiceFileError(f"{file} has more than {MAX_ENTRIES:,} entries", hint="split it")
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
                f"the folder of {self.folder} {folder} cannot be read: {error.strerror}",
                hint=f"make it, or name another with TWINSEED_{self.folder.upper()}",
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
            where = f"in {other.source}" + ("" if other.source == choice.source else f" and in {choice.source}")
            problems.append(
                Problem(
                    choice.name,
                    ChoiceFileError(
                        f"two {kind.folder} are called {choice.name!r}, {where}", hint="rename one of them"
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
