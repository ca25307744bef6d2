"""The plan of a pattern: its wildcards and variables found, all its faults named, its combinations counted."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ideation.draw.pattern import (
    MAX_NESTING,
    MAX_PATTERN_CHARACTERS,
    Assignment,
    Choice,
    Literal,
    Parts,
    PatternError,
    Place,
    Variable,
    Wildcard,
    fault_at,
    parse_pattern,
)
from ideation.draw.pattern_space import Dice, Fixed, Pick, Recalled, Remembered, Series, Space
from ideation.draw.randomizer import DrawError
from ideation.draw.wildcards import Entry, Wildcards
from ideation.draw.word_lists import WordListError
from ideation.errors import Clause, TwinseedError, nearest

#: The longest text that a pattern may become, in characters and steps.
MAX_TEXT = MAX_PATTERN_CHARACTERS
#: So many options may be taken at once.
MAX_PICKS = 100
#: So many combinations are listed unless a number is named.
MAX_LISTED = 100_000

_SPECIAL = frozenset("{}$_\\")
_Weighted = tuple[Fraction, Space]


class PatternPlan:
    """A pattern that was found to be sound. `count` is the exact number of its combinations.

    A combination is a way through the pattern; two of them may become the same text, as in `{a|a}`. `notes` name what
    was left out or may be meant otherwise.
    """

    def __init__(self, text: str, wildcards: Wildcards) -> None:
        """Raises `PatternError` and `WordListError`, each with the place of the fault."""
        if not text.strip():
            raise PatternError("the pattern is empty", hint='give one, as in "{a red|a blue} boat on __place__"')
        builder = _Builder(wildcards)
        self._space = builder.series(parse_pattern(text, Place("the pattern")), {}, 1)
        self.count = self._space.count
        self.notes = tuple(builder.notes)

    def draw(self, seed: int, start: int, count: int) -> Iterator[str]:
        """The texts at places `start` to `start + count - 1` of the draw that belongs to `seed`; they may repeat."""
        if seed < 0 or start < 0 or count < 1:
            raise DrawError(
                "seed {seed}, start {start} and {count} texts were asked for",
                hint="give whole numbers, 1 text or more",
                seed=seed,
                start=start,
                count=count,
            )
        return (_tidy(self._space.draw(Dice(seed, index), {})) for index in range(start, start + count))

    def enumerate(self, start: int = 0, count: int | None = None) -> Iterator[str]:
        """The combinations number `start` to `start + count - 1`, in order; without `count`, to the last one."""
        last = self.count if count is None else start + count
        if start < 0 or (count is not None and count < 1) or last > self.count or start >= self.count:
            raise DrawError(
                "combinations {digits} to {digits_2} were asked for, but the pattern has {digits_3}, numbered from 0",
                hint="ask for fewer, or start earlier",
                digits=digits(start, ","),
                digits_2=digits(last - 1, ","),
                digits_3=digits(self.count, ","),
            )
        if count is None and last - start > MAX_LISTED:
            raise DrawError(
                "the pattern has {digits} combinations; {max_listed:,} are listed at once",
                hint="-n says how many, and --start from which on; or draw some at random, without --all",
                digits=digits(self.count, ","),
                max_listed=MAX_LISTED,
            )
        return (_tidy(self._space.nth(number, {})) for number in range(start, last))


def digits(number: int, grouping: str = "") -> str:
    """A whole number of any length, grouped with "," if you like; `str` refuses to give more than 4,300 digits.

    >>> digits(1234567, ",")
    '1,234,567'
    """
    return format(Decimal(number), f"{grouping}f")


def _tidy(text: str) -> str:
    return " ".join(text.split())


class _Builder:
    """Makes spaces of trees. A list sees no variables but its own, so each is built once, however often it is used."""

    def __init__(self, wildcards: Wildcards) -> None:
        self._wildcards = wildcards
        self._built: dict[str, list[_Weighted]] = {}
        self._picks: dict[tuple[str, int, int | None, str], Space] = {}
        self._open: list[str] = []
        self._slots = 0
        #: In the order in which they came up.
        self.notes: dict[Clause, None] = {}

    def series(self, parts: Parts, outer: dict[str, Space], depth: int) -> Space:
        scope = dict(outer)
        made: list[Space] = []
        for part in parts:
            if isinstance(part, Literal):
                made.append(Fixed(part.text))
                continue
            if depth > MAX_NESTING:
                raise fault_at(
                    part.place, "this lies more than {most} deep in others", hint="nest less", most=MAX_NESTING
                )
            if isinstance(part, Wildcard):
                made.append(_checked(self._wildcard(part, depth), part.place))
            elif isinstance(part, Choice):
                made.append(_checked(self._choice(part, scope, depth), part.place))
            elif isinstance(part, Variable):
                made.append(self._variable(part, scope, depth))
            else:
                self._assign(part, scope, made, depth)
        if len(made) == 1:
            return made[0]
        first = next((part.place for part in parts if not isinstance(part, Literal)), None)
        return _checked(Series(made), first) if first else Series(made)

    def _choice(self, choice: Choice, scope: dict[str, Space], depth: int) -> Space:
        first = choice.options[0].parts
        if len(choice.options) == 1 and choice.most != 1 and len(first) == 1 and isinstance(first[0], Wildcard):
            # {2$$__animal__}: two different animals
            return self._from_lists(first[0], depth + 1, choice.least, choice.most, choice.separator, choice.place)
        options = [(option.weight, self.series(option.parts, scope, depth + 1)) for option in choice.options]
        return _pick(options, choice.least, choice.most, choice.separator, choice.place)

    def _wildcard(self, wildcard: Wildcard, depth: int) -> Space:
        if wildcard.text is None or self._wildcards.matching(wildcard.name):
            return self._from_lists(wildcard, depth, 1, 1, "", wildcard.place)
        self._note(
            "{place}: {text!r} is taken as text: no list is called {name!r}",
            place=wildcard.place.named,
            text=wildcard.text,
            name=wildcard.name,
        )
        return Fixed(wildcard.text)

    def _from_lists(
        self, wildcard: Wildcard, depth: int, least: int, most: int | None, separator: str, place: Place
    ) -> Space:
        key = (wildcard.name, least, most, separator)
        if key not in self._picks:
            self._picks[key] = _pick(self._options(wildcard, depth), least, most, separator, place)
        return self._picks[key]

    def _options(self, wildcard: Wildcard, depth: int) -> list[_Weighted]:
        names = self._wildcards.matching(wildcard.name)
        if not names:
            raise self._missing(wildcard)
        if names == [wildcard.name]:
            return self._list(wildcard.name, wildcard.place, depth)
        # Of many lists at once, those that cannot be read are left out, and named.
        left_out = list(self._wildcards.problems.values())
        options: list[_Weighted] = []
        for name in names:
            try:
                options += self._list(name, wildcard.place, depth)
            except WordListError as problem:
                left_out.append(problem)
        if not options:
            raise left_out[-1]
        for one in left_out:
            self._note("__{name}__ goes without a list: {problem}", name=wildcard.name, problem=one)
        return options

    def _missing(self, wildcard: Wildcard) -> TwinseedError:
        """What is wrong with a wildcard that no list answers to."""
        name, place = wildcard.name, wildcard.place
        if name in self._wildcards.problems:
            return self._wildcards.problems[name]
        if name[0] in "~@!":
            return fault_at(
                place,
                "the mark {mark} of another program stands before the name",
                hint="take it out: entries are drawn at random",
                mark=name[0],
            )
        if "(" in name and name.endswith(")"):
            return fault_at(
                place,
                "the name {name!r} has parameters, which are not read",
                hint="take the brackets out, and put what they say into the list",
                name=name,
            )
        hint = self._wildcards.suggestion(name)
        return fault_at(place, "there is no list called {name!r}", hint=hint, name=name)

    def _list(self, name: str, place: Place, depth: int) -> list[_Weighted]:
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise fault_at(
                place,
                "the lists lead round in a circle: {circle}",
                hint="take one of these wildcards out",
                circle=circle,
            )
        if name not in self._built:
            self._open.append(name)
            try:
                self._built[name] = [self._entry(entry, depth) for entry in self._wildcards.entries(name)]
            finally:
                self._open.pop()
        return self._built[name]

    def _entry(self, entry: Entry, depth: int) -> _Weighted:
        if " #" in entry.text:
            self._note(
                "{place}: what stands behind # is taken as text: a comment needs a line of its own",
                place=entry.place.named,
            )
        if _SPECIAL.isdisjoint(entry.text):
            return entry.weight, Fixed(entry.text)
        return entry.weight, self.series(parse_pattern(entry.text, entry.place), {}, depth + 1)

    def _note(self, message: str, **values: Any) -> None:
        self.notes[Clause(message, **values)] = None

    def _variable(self, variable: Variable, scope: dict[str, Space], depth: int) -> Space:
        if variable.name in scope:
            return scope[variable.name]
        if variable.default is None:
            hint = (
                nearest(variable.name, list(scope))
                if scope
                else Clause("set it before, as in ${{{name}=...}}", name=variable.name)
            )
            raise fault_at(variable.place, "the variable {name!r} is not set here", hint=hint, name=variable.name)
        return self.series(variable.default, scope, depth + 1)

    def _assign(self, assignment: Assignment, scope: dict[str, Space], made: list[Space], depth: int) -> None:
        value = self.series(assignment.value, scope, depth + 1)
        scope[assignment.name] = value
        if assignment.once:
            self._slots += 1
            made.append(Remembered(self._slots, value))
            scope[assignment.name] = Recalled(self._slots, value)


def _pick(options: list[_Weighted], least: int, most: int | None, separator: str, place: Place) -> Space:
    highest = len(options) if most is None else most
    if highest > len(options) or least > highest:
        raise fault_at(
            place,
            "{asked} of {count} options are asked for",
            hint="ask for fewer",
            asked=max(highest, least),
            count=len(options),
        )
    if highest > MAX_PICKS:
        raise fault_at(
            place,
            "{asked} options at once are asked for; {most} are accepted",
            hint="ask for fewer",
            asked=highest,
            most=MAX_PICKS,
        )
    if len(options) == least == highest == 1:
        return options[0][1]
    return Pick([space for _, space in options], [weight for weight, _ in options], least, highest, separator)


def _checked(space: Space, place: Place) -> Space:
    """The space, if its texts can be made: a long one would take for ever, a deep one end in a RecursionError."""
    if space.size > MAX_TEXT:
        raise fault_at(
            place,
            "this can become {digits} characters long; {most:,} are accepted",
            hint="repeat less",
            digits=digits(space.size, ","),
            most=MAX_TEXT,
        )
    if space.height > 3 * MAX_NESTING:
        raise fault_at(place, "this lies more than {most} deep in others", hint="nest less", most=MAX_NESTING)
    return space
