"""The pattern: text with choices, wildcards and variables in it, as people write them, read into a tree.

{a|b|2::c}                one of the options; the third twice as often
{2$$ and $$a|b|c}         two different ones, joined by " and "; {1-2$$...} one or two
__animals/cat__           an entry of the list of that name; globs: __animals/*__
${who={a cat|a dog}}      from here on, ${who} stands for this; with =! it is drawn once and stays the same
\\{ \\} \\| \\$ \\_ \\: \\\\    the character itself, and \\~ \\@ \\! \\#
# ...                     in a pattern of several lines: a comment, to the end of its line

Underscores that stand for a blank, as in "Mr. _____", and those in the name of a LoRA are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from ideation.draw.word_lists import WEIGHT, read_weight
from ideation.errors import Clause, TwinseedError

#: How deep choices, variables and wildcards may lie in one another.
MAX_NESTING = 50
#: The longest pattern, or entry of a list. Concepts may have 5,000 characters.
MAX_PATTERN_CHARACTERS = 20_000

_PLAIN = re.compile(r"[^{}|$_\\]+")
_ESCAPED = re.compile(r"\\([{}|$_:\\~@!#])")
_RANGE_HEAD = re.compile(r"([^{}|$\\]*)\$\$")
_RANGE = re.compile(r"\s*(?:([0-9]{1,4})|([0-9]{0,4})-([0-9]{0,4}))\s*")
_SEPARATOR = re.compile(r"((?:\\[{}|$_:\\~@!#]|[^{}|\\]|\\(?![{}|$_:\\~@!#]))*?)\$\$")
_WEIGHT = re.compile(WEIGHT)
_LATE_WEIGHT = re.compile(r"(?<![^\s])(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++)\s*::")
_WILDCARD = re.compile(r"__([^\n{}|$\\<>]+?)__")
#: Closed like a wildcard, but with something in its name that no name can have.
_NO_NAME = re.compile(r"__((?:[^\n{}|$\\<>\s]|\\(?!_)|\$?\{[^{}\n]*\})+?)__")
_UNDERSCORES = re.compile("_+")
#: So many underscores begin no wildcard.
_BLANK = 4
_NAME_BEGINS = re.compile(r"[^\s)\],.;:'\"]")
_TAG = re.compile(r"<\w+:[^<>\n]*>")
_QUANTIFIER = re.compile(r"(?<!\w)[0-9]+#\Z")
_SAMPLER = re.compile(r"[~@!](?!\s*[|}])")
_COMMENT = re.compile(r"(?:(?<=\n)|(?<=[{|])|\A)[ \t]*#(?:[ \t\r#][^\n]*)?(?=\n|\Z)")
_VARIABLE = re.compile(r"\$\{\s*([^\W\d]\w*)\s*(=!?|:|(?=\}))")


class PatternError(TwinseedError):
    """A pattern that cannot be used; the message begins with the place of the fault."""


@dataclass(frozen=True)
class Place:
    """Where something stands: lines and columns count from 1, columns in characters."""

    source: str
    line: int = 1
    column: int = 1

    @property
    def named(self) -> Clause:
        """As an error names it."""
        return Clause("{source}, line {line}, column {column}", source=self.source, line=self.line, column=self.column)


@dataclass(frozen=True)
class Literal:
    """Text that stands for itself."""

    text: str


@dataclass(frozen=True)
class Wildcard:
    """An entry of the lists whose names match. Where no list has that name, it is the characters in `text`, if they
    may be meant as such, and a fault otherwise."""

    name: str
    place: Place
    text: str | None = None


@dataclass(frozen=True)
class Variable:
    """The use of a variable; `default` is None where it must have been set."""

    name: str
    default: Parts | None
    place: Place


@dataclass(frozen=True)
class Assignment:
    """A variable is set: to a value drawn `once`, or to a pattern drawn anew at each use."""

    name: str
    value: Parts
    once: bool
    place: Place


@dataclass(frozen=True)
class Option:
    """One of the options of a choice."""

    parts: Parts
    weight: Fraction
    place: Place


@dataclass(frozen=True)
class Choice:
    """From `least` to `most` different options (None: as many as there are), joined by `separator`."""

    options: tuple[Option, ...]
    least: int
    most: int | None
    separator: str
    place: Place


Part = Literal | Wildcard | Variable | Assignment | Choice
Parts = tuple[Part, ...]


def fault_at(place: Place, message: str, *, hint: str, **values: Any) -> PatternError:
    """The error of what stands at that place; the message is filled in with the values."""
    return PatternError(
        "{place}: {fault}", hint="{advice}", place=place.named, fault=Clause(message, **values), advice=hint
    )


def parse_pattern(text: str, origin: Place) -> Parts:
    """The tree of a pattern that begins at `origin`. Raises `PatternError`."""
    if len(text) > MAX_PATTERN_CHARACTERS:
        raise PatternError(
            "{origin}: this has {count:,} characters; {max_pattern_characters:,} are accepted",
            hint="put long lists of options in a file, and use it as a wildcard",
            origin=origin.named,
            count=len(text),
            max_pattern_characters=MAX_PATTERN_CHARACTERS,
        )
    return _Parser(text, origin).parse()


class _Parser:
    def __init__(self, text: str, origin: Place) -> None:
        # A comment becomes space, so that all that follows keeps its line and column.
        self._text = _COMMENT.sub(lambda found: " " * len(found[0]), text) if "\n" in text else text
        self._origin = origin
        self._position = 0
        self._tags = [found.span() for found in _TAG.finditer(self._text)]

    def parse(self) -> Parts:
        parts = self._parts("", 0)
        if self._position < len(self._text):
            self._fault(self._position, "this } closes nothing", hint="take it out, or write \\} for the character")
        return parts

    def _parts(self, ends: str, depth: int) -> Parts:
        """Parts up to, and without, one of the characters in `ends`, a stray brace, or the end of the text."""
        if depth > MAX_NESTING:
            self._fault(self._position - 1, "braces lie more than {most} deep", hint="nest less", most=MAX_NESTING)
        parts: list[Part] = []
        text = self._text
        while self._position < len(text):
            at = self._position
            character = text[at]
            if character == "}" or character in ends:
                break
            if character == "{":
                parts.append(self._choice(at, depth + 1))
            elif ends and text.startswith("$$", at):
                self._fault(
                    at,
                    "this $$ stands inside an option",
                    hint="a joint comes before all options, and | in it is \\|; write \\$\\$ for the characters",
                )
            elif text.startswith("${", at):
                parts.append(self._variable(at, depth + 1))
            elif text.startswith("__", at):
                parts.append(self._underscores(at))
            elif escaped := _ESCAPED.match(text, at):
                parts.append(Literal(escaped[1]))
                self._position = escaped.end()
            else:
                plain = _PLAIN.match(text, at)
                self._position = plain.end() if plain else at + 1
                late = _LATE_WEIGHT.search(text, at, self._position) if ends else None
                if late is not None:
                    self._fault(
                        late.start(),
                        "the weight does not stand at the beginning of its option",
                        hint="as in {a|2::b}; write \\:: for the characters",
                    )
                parts.append(Literal(text[at : self._position]))
        return tuple(parts)

    def _choice(self, opened: int, depth: int) -> Choice:
        self._position = opened + 1
        if mark := _SAMPLER.match(self._text, self._position):
            self._fault(
                self._position,
                "the mark {mark} of another program stands before the options",
                hint=Clause("take it out: options are drawn at random; write \\{mark} for the character", mark=mark[0]),
                mark=mark[0],
            )
        least, most, separator = self._range()
        options: list[Option] = []
        while not options or self._text[self._position - 1] == "|":
            place = self._place(self._position)
            weight = self._weight()
            options.append(Option(self._parts("|", depth), weight, place))
            self._expect_end(opened, "this { is not closed", hint="add a } at its end, or write \\{ for the character")
        if len(options) == 1 and all(isinstance(p, Literal) and not p.text.strip() for p in options[0].parts):
            self._fault(opened, "there is nothing to choose from", hint="put options in, as in {a|b}, or take it out")
        return Choice(tuple(options), least, most, separator, self._place(opened))

    def _range(self) -> tuple[int, int | None, str]:
        head = _RANGE_HEAD.match(self._text, self._position)
        if head is None:
            return 1, 1, ""
        numbers = _RANGE.fullmatch(head[1])
        if numbers is None or head[1].strip() in ("", "-"):
            self._fault(
                self._position,
                "{given!r} is not a range",
                hint="write {2$$a|b|c}, {1-2$$a|b|c} or {2-$$a|b|c}; \\$ is the character",
                given=head[1].strip()[:20],
            )
        exact, least, most = numbers.groups()
        lowest = int(exact or least or 1)
        highest = int(exact) if exact else int(most) if most else None
        if highest is not None and not lowest <= highest != 0:
            self._fault(
                self._position, "{given!r} is not a range", hint="write the smaller number first", given=head[1].strip()
            )
        self._position = head.end()
        separator = _SEPARATOR.match(self._text, self._position)
        if separator is None:
            return lowest, highest, ", "
        self._position = separator.end()
        return lowest, highest, _ESCAPED.sub(r"\1", separator[1])

    def _weight(self) -> Fraction:
        found = _WEIGHT.match(self._text, self._position)
        if found is None:
            return Fraction(1)
        try:
            weight = read_weight(found[1])
        except ValueError as error:
            self._fault(self._position, error.args[0], hint="as in {a|2::b}; write \\:: for the characters")
        self._position = found.end()
        return weight

    def _variable(self, opened: int, depth: int) -> Variable | Assignment:
        head = _VARIABLE.match(self._text, opened)
        if head is None:
            self._fault(
                opened, "this is not a variable", hint="write ${name=...} to set one, ${name} to use it, or \\${"
            )
        self._position = head.end()
        name, sign = head.groups()
        value = self._parts("", depth)
        self._expect_end(opened, "this ${ is not closed", hint="add a } at its end, or write \\${ for the characters")
        if sign.startswith("="):
            return Assignment(name, value, sign == "=!", self._place(opened))
        return Variable(name, value if sign else None, self._place(opened))

    def _underscores(self, opened: int) -> Wildcard | Literal:
        """A wildcard, or underscores that are text."""
        text = self._text
        tag = next((span for span in self._tags if span[0] < opened < span[1]), None)
        end = _UNDERSCORES.match(text, opened).end()  # type: ignore[union-attr]  # there are two at least
        blank = end - opened >= _BLANK or (end - opened > 2 and not _NAME_BEGINS.match(text, end))
        found = None if blank else _WILDCARD.match(text, opened, tag[1] if tag else len(text))
        if found is not None and not (text.startswith("_", found.end()) and not _NAME_BEGINS.match(found[1])):
            return self._wildcard(opened, found, in_tag=tag is not None)
        alone = not text[end : end + 1].isalnum() and not text[opened - 1 : opened].isalnum()
        if tag is None and not blank and not alone:
            self._unclosed(opened)
        self._position = end
        return Literal(text[opened:end])

    def _wildcard(self, opened: int, found: re.Match[str], *, in_tag: bool) -> Wildcard:
        text, end = self._text, found.end()
        quantifier = _QUANTIFIER.search(text, max(0, opened - 10), opened)
        if quantifier is not None:
            self._fault(
                quantifier.start(),
                "{quantifier} before a wildcard is not read",
                hint=Clause(
                    "write {{2$$__{name}__}} for two different entries, or the wildcard twice", name=found[1].strip()
                ),
                quantifier=quantifier[0],
            )
        self._position = end
        touching = text[opened - 1 : opened].isalnum() or text[end : end + 1].isalnum()
        unlikely = (in_tag and touching) or not _NAME_BEGINS.match(found[1])
        return Wildcard(found[1].strip().strip("/"), self._place(opened), found[0] if unlikely else None)

    def _unclosed(self, opened: int) -> NoReturn:
        """Says why this is no wildcard."""
        closed = _NO_NAME.match(self._text, opened)
        if closed is not None and "\\" in closed[1]:
            self._fault(
                opened,
                "there is a backslash in the name {name!r}",
                hint=Clause("write __{right}__, with / between folders", right=closed[1].replace("\\", "/")),
                name=closed[1],
            )
        if closed is not None:
            self._fault(
                opened,
                "the name {name!r} has a variable or a choice in it",
                hint="names are looked up before anything is drawn: write {__a/x__|__a/y__}, or __a/*__ for all in a",
                name=closed[1],
            )
        self._fault(
            opened,
            "this __ is not closed",
            hint="write __name__ for an entry of a list, or \\__ for the characters",
        )

    def _expect_end(self, opened: int, message: str, *, hint: str) -> None:
        if self._position == len(self._text):
            self._fault(opened, message, hint=hint)
        self._position += 1

    def _place(self, position: int) -> Place:
        origin = self._origin
        line = self._text.count("\n", 0, position)
        if not line:
            return Place(origin.source, origin.line, origin.column + position)
        return Place(origin.source, origin.line + line, position - self._text.rindex("\n", 0, position))

    def _fault(self, position: int, message: str, *, hint: str, **values: Any) -> NoReturn:
        raise fault_at(self._place(position), message, hint=hint, **values)
