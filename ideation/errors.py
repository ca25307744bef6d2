"""The one base class of problems that a user can mend, and the words that they are told in."""

from __future__ import annotations

import ast
import difflib
import re
from functools import lru_cache
from string import Formatter
from typing import Any, ClassVar, Self

from templates import Language, known_sentences, wording

#: A sentence with fewer letters of its own than this says too little to be known again by them.
_FEWEST_LETTERS = 12


class Clause(str):
    """Words of an error, in English, that know what they were made of, so that other languages can say them too.

    The names of `values` stand in braces, as `str.format` fills them in; without values the words are taken as they
    stand. The English is the key to other languages (`templates/locale/errors.*.yaml`). Values may be clauses, and
    errors, which say their message.

    >>> clause = Clause("the preset {name}: {error}", name="soft", error=Clause("steps is {steps}", steps=0))
    >>> clause, clause.key
    ('the preset soft: steps is 0', 'the preset {name}: {error}')
    """

    key: str
    values: dict[str, Any]

    def __new__(cls, english: str, /, **values: Any) -> Self:
        self = super().__new__(cls, english.format(**values) if values else english)
        self.key, self.values = english, values
        return self

    @classmethod
    def again(cls, english: str) -> Clause:
        """The clause that a finished sentence was, as records keep it, found by the sentences that we have words for;
        the sentence as it stands where it is none of these.

        >>> Clause.again("there is no instrument 'magic'").told("zh-TW")
        '沒有測量項目「magic」'
        >>> Clause.again("nobody has said this").values
        {}
        """
        if isinstance(english, Clause):
            return english
        for key, names, pattern in _sentences():
            if found := pattern.fullmatch(english):
                return cls(key, **{name: _value(found[name], quoted) for name, quoted in names.items()})
        return cls(english)

    def told(self, language: Language) -> str:
        """The same in that language, as far as there are words for it, and without advice for a shell."""
        words = wording(self.key, language)
        values = {name: _told(value, language) for name, value in self.values.items()}
        return words.format(**values) if values else words


class TwinseedError(Exception):
    """What was wrong, with the values, and a hint that says what to do about it.

    Both are clauses, or are made into clauses with the `values`. `message` and `hint` are for the command line, `told`
    is for the page and for reports. Only these turn an error into text; everything else raises it or lets it pass.

    >>> problem = TwinseedError("seed is {seed!r}", hint="give a whole number, as in --seed 7", seed="x")
    >>> problem.message, problem.hint
    ("seed is 'x'", 'give a whole number, as in --seed 7')
    """

    #: What every error of a class hints at besides.
    also: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str, **values: Any) -> None:
        self.message = message if isinstance(message, Clause) else Clause(message, **values)
        #: The hint without what every error of its class hints at.
        self.advice = hint if isinstance(hint, Clause) else Clause(hint, **values)
        self.hint = Clause("{advice}; {also}", advice=self.advice, also=self.also) if self.also else self.advice
        super().__init__(str(self.message))

    def told(self, language: Language) -> tuple[str, str]:
        """Message and hint in that language, as far as there are words for it, and without advice for a shell."""
        return self.message.told(language), self.hint.told(language)


class _AsWritten(str):
    """A value as a sentence had it: a number has its digits already."""

    def __format__(self, how: str) -> str:
        return str(self)


def _value(text: str, quoted: bool) -> str:
    """The value behind its text in a sentence, which may be one of our sentences itself."""
    if quoted:
        try:
            return _AsWritten(ast.literal_eval(text))
        except (ValueError, SyntaxError):
            return _AsWritten(text)
    again = Clause.again(text)
    return again if again.values else _AsWritten(text)


@lru_cache(maxsize=1)
def _sentences() -> tuple[tuple[str, dict[str, bool], re.Pattern[str]], ...]:
    """The sentences with values, those with most letters of their own first: the key, the names of the values and
    whether each stands in quotes, and a pattern that finds them."""
    found = []
    for key in known_sentences():
        try:
            parts = list(Formatter().parse(key))
        except ValueError:  # braces of its own: it has no values
            continue
        names: dict[str, bool] = {}
        pattern, letters = "", 0
        for words, name, _, conversion in parts:
            pattern += re.escape(words)
            letters += sum(letter.isalpha() for letter in words)
            if name is not None:
                pattern += f"(?P={name})" if name in names else f"(?P<{name}>.*)"
                names.setdefault(name, conversion == "r")
        if names and letters >= _FEWEST_LETTERS and all(name.isidentifier() for name in names):
            found.append((letters, key, names, re.compile(pattern, re.DOTALL)))
    return tuple((key, names, pattern) for _, key, names, pattern in sorted(found, key=lambda one: -one[0]))


def _told(value: Any, language: Language) -> Any:
    if isinstance(value, TwinseedError):
        return value.message.told(language)
    if isinstance(value, Clause):
        return value.told(language)
    return wording(value, language) if isinstance(value, str) else value


def nearest(name: str, known: list[str]) -> Clause:
    """The end of a hint for a name that is not known: the closest known name, if any is close.

    >>> nearest("gemni", ["gemini", "openai"]), nearest("x", ["gemini", "openai"])
    ("did you mean 'gemini'?", 'known names: gemini, openai')
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    if close:
        return Clause("did you mean {name!r}?", name=folded[close[0]])
    return Clause("known names: {names}", names=", ".join(known))
