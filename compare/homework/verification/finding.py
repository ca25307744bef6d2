"""The finding: one thing that verifying found out, about a run, about one of its files, or about a whole bundle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from ideation import Clause
from templates import Language

#: What a finding is about. "picture": a file that is not the record's; "retouched": part of what is rendered again;
#: "swapped": a picture of another side, seed or run; "mark": what stands in a picture's file; "expected": what is to be
#: expected of rendering again; "not rendered": what could not be.
Kind = Literal[
    "bundle",
    "record",
    "missing",
    "picture",
    "retouched",
    "swapped",
    "mark",
    "prompt",
    "settings",
    "seed",
    "certificate",
    "scores",
    "time",
    "observations",
    "report",
    "expected",
    "not rendered",
]


@dataclass(frozen=True)
class Finding:
    """A "fault" is something that does not hold, a "note" something to know. `run` and `file` say of what.

    >>> Finding("missing", Clause("the picture {path} is missing", path="simple-7.png"), run="a-dog-7").line
    'a-dog-7: the picture simple-7.png is missing'
    >>> Finding("mark", Clause("compiled there, not here"), is_fault=False).line
    'note: compiled there, not here'
    """

    kind: Kind
    words: Clause
    file: str | None = None
    run: str | None = None
    is_fault: bool = True

    @property
    def line(self) -> str:
        """The finding on one line, in English."""
        return self.told("en", words=str(self.words))

    def told(self, language: Language, *, words: str | None = None) -> str:
        """The finding on one line, in that language."""
        said = self.words.told(language) if words is None else words
        note = "" if self.is_fault else {"en": "note: ", "zh-TW": "附註："}[language]
        colon = {"en": ": ", "zh-TW": "："}[language]
        return f"{note}{f'{self.run}{colon}' if self.run else ''}{said}"

    def of_run(self, name: str) -> Finding:
        return replace(self, run=name)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "severity": "fault" if self.is_fault else "note",
            "run": self.run,
            "file": self.file,
            "message": str(self.words),
        }


def note(kind: Kind, words: Clause, file: str | None = None) -> Finding:
    """A finding that is no fault."""
    return Finding(kind, words, file, is_fault=False)
