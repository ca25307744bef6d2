"""The one base class of problems that a user can mend, and the words that they are told in."""

from __future__ import annotations

import ast
import contextlib
import difflib
import pickle
import re
from functools import lru_cache
from string import Formatter
from typing import Any, ClassVar, Literal, Self

from templates import NOTEBOOK, Language, known_sentences, wording

#: A key of fewer letters of its own is not looked for in other words.
_FEWEST_OWN = 5
#: Letters of what may be a clause, clauses of one list, and clauses inside each other, that are looked at: what is
#: beyond stays one text, as somebody else wrote it.
_LONGEST, _LONGEST_LIST, _DEEPEST = 4000, 30, 4
#: A value as `!r` writes it, if it is text.
_QUOTED = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\""""
#: Words that a note names, each in quotation marks.
_QUOTED_WORDS = re.compile(r"""'[^']+'(?:, '[^']+')*|"[^"]+"(?:, "[^"]+")*""")


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

    def told(self, language: Language | Literal["notebook"]) -> str:
        """The same in that language, as far as there are words for it, and without advice for a shell."""
        words = wording(self.key, language)
        values = {name: _told(value, language) for name, value in self.values.items()}
        return words.format(**values) if values else words

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: values that cannot travel go as the words that they are written in."""
        values = {name: value if _travels(value) else str(value) for name, value in self.values.items()}
        return _clause_again, (type(self), str(self), self.key, values)


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

    def told(self, language: Language | Literal["notebook"]) -> tuple[str, str]:
        """Message and hint in that language, as far as there are words for it, and without advice for a shell."""
        return self.message.told(language), self.hint.told(language)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: whose code it came out of is of no use to anybody who can mend it."""
        message, hint = self.told(NOTEBOOK)
        return [f"error: {message}", f"hint: {hint}", *getattr(self, "__notes__", ())]

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: an error is the same there, without what it holds that cannot travel."""
        held = {name: value for name, value in self.__dict__.items() if _travels(value)}
        return _error_again, (type(self), self.args, held)


def told(words: str, language: Language) -> str:
    """What a clause said, in that language: for notes in a record, which keeps their English alone. Words that no
    clause says stay as they are.

    >>> told("Not said in both prompts any more: subject: dog; count: two dogs.", "zh-TW")
    '兩個提示詞不再都有：主題：dog；數量：two dogs。'
    >>> told("it says 'lamp light' where the record gives 'neon light'", "zh-TW")
    "報告寫著 'lamp light'，照紀錄應該是 'neon light'"
    """
    return _recognised(words).told(language)


def _recognised(words: str, depth: int = 0) -> Clause:
    """What says these words: a clause, a list of clauses, or the words as they stand where nothing in them is known."""
    if len(words) > _LONGEST or depth > _DEEPEST:
        return Clause(words)
    found, said, rest = list[Clause | None](), list[str](), words
    while (clause := _clause_of(rest, depth)) is None and "; " in rest and len(said) < _LONGEST_LIST:
        first, _, rest = rest.partition("; ")
        said.append(first)
        found.append(_clause_of(first, depth))
    found.append(clause)
    said.append(rest)
    if not any(found):  # it may be no list at all, and stays as somebody wrote it
        return Clause(words)
    *before, last = [Clause(own) if clause is None else clause for clause, own in zip(found, said, strict=True)]
    for one in reversed(before):
        last = Clause("{first}; {rest}", first=one, rest=last)
    return last


def _clause_of(words: str, depth: int) -> Clause | None:
    """The clause that says these words with the most words of its own, its values recognised too."""
    for key, parts in _templates():
        if all(own in words for own, _, _ in parts):
            pattern = "".join(
                re.escape(own) + (f"(?P<{name}>{_QUOTED if conversion else '.+'})" if name else "")
                for own, name, conversion in parts
            )
            if match := re.fullmatch(pattern, words, re.DOTALL):
                quoted = {name for _, name, conversion in parts if conversion == "r"}
                with contextlib.suppress(ValueError, SyntaxError):  # escaped as no text is
                    values = {
                        name: ast.literal_eval(value) if name in quoted else _recognised(value, depth + 1)
                        for name, value in match.groupdict().items()
                    }
                    return Clause(key, **values)
    return None


@lru_cache(maxsize=1)
def _templates() -> list[tuple[str, list[tuple[str, str | None, str | None]]]]:
    """The keys of clauses, each with its own words, the name behind each of them and its conversion, those with the
    most words of their own first. Keys of hardly any words are left out, as they would find themselves in anything, and
    so are those that write a value in a way of their own, but for values in quotation marks."""
    found = []
    for key in known_sentences():
        try:
            parts = list(Formatter().parse(key))
        except ValueError:  # braces of its own
            continue
        names = [name for _, name, _, _ in parts if name is not None]
        plain = not any(how or conversion not in (None, "r") for _, _, how, conversion in parts)
        if plain and len(names) == len(set(names)) and all(name.isidentifier() for name in names):
            found.append((key, [(own, name, conversion) for own, name, _, conversion in parts]))
    own_words = {key: sum(len(own.strip()) for own, _, _ in parts) for key, parts in found}
    return sorted(
        (one for one in found if own_words[one[0]] >= _FEWEST_OWN), key=lambda one: own_words[one[0]], reverse=True
    )


def _travels(value: Any) -> bool:
    """Whether another process can have the value too."""
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - whatever its class raises
        return False
    return True


def _clause_again(kind: type[Clause], text: str, key: str, values: dict[str, Any]) -> Clause:
    clause = str.__new__(kind, text)
    clause.key, clause.values = key, values
    return clause


def _error_again(kind: type[TwinseedError], args: tuple[Any, ...], held: dict[str, Any]) -> TwinseedError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(held)
    return error


def _told(value: Any, language: Language | Literal["notebook"]) -> Any:
    if isinstance(value, TwinseedError):
        return value.message.told(language)
    if isinstance(value, Clause):
        value = value.told(language)
    elif isinstance(value, str):
        value = wording(value, language)
    if language == "zh-TW" and isinstance(value, str) and _QUOTED_WORDS.fullmatch(value):
        return "、".join(f"「{word}」" for word in value[1:-1].split(f"{value[0]}, {value[0]}"))
    return value


def nearest(name: str, known: list[str]) -> Clause:
    """The end of a hint for a name that is not known: the closest known name, if any is close.

    >>> nearest("gemni", ["gemini", "openai"]), nearest("x", ["gemini", "openai"])
    ("did you mean 'gemini'?", 'known names: gemini, openai')
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    if close:
        return Clause("did you mean {name!r}?", name=folded[close[0]])
    if not known:
        return Clause("there are none yet")
    return Clause("known names: {names}", names=", ".join(known))
