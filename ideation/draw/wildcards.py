"""Wildcards: a person's collection of named lists; `wildcard_files.py` reads them from a folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction

from ideation.draw.pattern import Place
from ideation.draw.word_lists import WordListError, WordLists
from ideation.errors import Clause, nearest


@dataclass(frozen=True)
class Entry:
    """One entry of a list: a pattern, how heavy it is, and where it stands."""

    text: str
    weight: Fraction
    place: Place


#: The entries of a list, or what reads them, and raises `WordListError` where they cannot be used.
Source = tuple[Entry, ...] | Callable[[], tuple[Entry, ...]]


class Wildcards:
    """Lists by name. The entries of one are read when the first of them is needed, so that a faulty list is in nobody's
    way who does not ask for it.

    `problems` are the files that cannot be read at all, by the name that a list in them would have.
    """

    def __init__(
        self, lists: Mapping[str, Source] | None = None, problems: Mapping[str, WordListError] | None = None
    ) -> None:
        self._lists = dict(lists or {})
        self.problems = dict(problems or {})

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._lists)

    def matching(self, name: str) -> list[str]:
        """The names that a wildcard means: itself, or in order all that a glob with `*`, `?` or `[...]` matches.

        As in other tools, `*` matches across folders too.
        """
        if (name := same_name(name)) in self._lists:
            return [name]
        return [known for known in self.names if fnmatchcase(known, name)] if re.search(r"[*?\[]", name) else []

    def suggestion(self, name: str) -> Clause:
        """The hint for a wildcard that is not there."""
        if not self._lists and not self.problems:
            return Clause("there are no lists yet: give a folder with --words")
        inside = [known for known in self.names if known.rpartition("/")[2] == name.rpartition("/")[2]]
        hint = Clause("did you mean {name!r}?", name=inside[0]) if inside else nearest(name, self.names)
        if not hint.startswith("did you mean"):
            names = ", ".join(self.names[:10]) + " ..." * (len(self._lists) > 10)
            hint = Clause("there are {names}", names=names) if names else Clause("there are no lists that can be read")
        for problem in self.problems.values():
            return Clause("{hint}; or it is in a file that cannot be read: {problem}", hint=hint, problem=problem)
        return hint

    def entries(self, name: str) -> tuple[Entry, ...]:
        """The entries of one list; one that is there twice is heavier by so much. Raises `WordListError`."""
        found = self._lists[name]
        if callable(found):
            found = self._lists[name] = found()
        return found


def same_name(name: str) -> str:
    """The one form of a name that can be typed in several, as é can; file systems differ in which they keep."""
    return unicodedata.normalize("NFC", name)


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
