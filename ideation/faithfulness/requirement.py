"""What a concept asks for: subject, action, style, counts, colours, quoted text, absences and the rest of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from ideation.draw import phrasings
from ideation.english import QUOTED, content_stems, plain_words, same, stem

NUMBERS = {
    **{
        name: number
        for number, name in enumerate(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen twenty".split()
        )
    },
    "single": 1,
    "lone": 1,
    "solitary": 1,
    "pair": 2,
    "couple": 2,
    "duo": 2,
    "twin": 2,
    "twins": 2,
    "trio": 3,
    "triplet": 3,
    "triplets": 3,
    "quartet": 4,
    "quintet": 5,
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
}

COLOURS = frozenset(
    "red orange yellow green blue purple violet pink brown black white gray grey gold golden silver turquoise "
    "teal cyan magenta crimson scarlet beige maroon lavender lilac indigo navy amber ivory bronze copper "
    "emerald azure".split()
)


#: What the things that are asked for are called, by their kind.
_NAMES = {
    "subject": "subject: {words}",
    "action": "action: {words}",
    "detail": "detail: {words}",
    "style": "style: {words}",
    "count": "count: {words}",
    "colour": "colour: {words}",
    "text": "text: {words}",
    "negation": "negation: no {words}",
}


@dataclass
class Said:
    """A prompt, taken apart once so that many things can be looked for in it."""

    text: str
    words: list[str] = field(init=False)
    stems: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.words = plain_words(self.text)
        self.stems = [stem(word) for word in self.words]
        # "skate board" says skateboard.
        self._all = {*self.stems, *(stem(a + b) for a, b in zip(self.words, self.words[1:], strict=False))}

    def says(self, phrase: tuple[str, ...]) -> bool:
        """Whether all of a phrase is there in some form: stems, synonyms, or a phrase that means the same."""
        return any(all(self._all & same(part) for part in way) for way in phrasings(phrase))

    def places(self, word_stem: str) -> list[int]:
        wanted = {part for way in phrasings((word_stem,)) if len(way) == 1 for part in way} | same(word_stem)
        return sorted(place for part in wanted for place in self._places.get(part, ()))

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, found in enumerate(self.stems):
            places.setdefault(found, []).append(place)
        return places

    @cached_property
    def folded(self) -> str:
        """The text on one line, without upper case."""
        return " ".join(self.text.split()).casefold()

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The numbers that it names, by the places of their words."""
        numbers = {place: value for place, word in enumerate(self.words) if (value := number_in(word)) is not None}
        for place in numbers:
            if self.words[place] == "dozen" and place and (factor := number_in(self.words[place - 1])):
                numbers[place] = 12 * factor
            elif self.words[max(0, place - 2) : place] == ["half", "a"]:
                numbers[place] = 6
        return numbers

    @cached_property
    def lacking(self) -> frozenset[str]:
        """The stems of what it says to be absent in a word: hat of "hatless", people of "unpeopled"."""
        without = (stem(word[:-4]) for word in self.words if word.endswith("less"))
        return frozenset(without) | {stem(word[2:]) for word in self.words if word.startswith("un")}


@dataclass(frozen=True)
class Requirement:
    """One thing that a concept asks for, by a name for people, and how to see whether a prompt says it."""

    name: str
    said_in: Callable[[Said], bool]


def phrase_requirement(kind: str, phrase: str) -> Requirement:
    wanted = content_stems(phrase) or tuple(map(stem, plain_words(phrase)))
    return Requirement(_NAMES[kind].format(words=phrase), lambda said: said.says(wanted))


def style_requirement(style: str) -> Requirement:
    """A style's words, or of a painter the last name: Miro for Joan Miro."""
    last = (
        content_stems(style)[-1:]
        if re.fullmatch(r"(?:[A-Z][\w.'’-]*\s+(?:(?:van|von|de|da)\s+)?)+[A-Z]\S*", style)
        else ()
    )
    wanted = tuple(s for s in content_stems(style) if s not in _GENERIC_STYLE) or content_stems(style)
    return Requirement(
        _NAMES["style"].format(words=style), lambda said: said.says(wanted) or (bool(last) and said.says(last))
    )


_GENERIC_STYLE = frozenset(map(stem, "painting art picture drawing print movement work".split()))


def quote_requirements(text: str) -> list[Requirement]:
    return [_quote_requirement(quoted) for quoted in (m.group(m.lastgroup or 0) for m in QUOTED.finditer(text))]


def _quote_requirement(quoted: str) -> Requirement:
    wanted = " ".join(quoted.split()).casefold()
    return Requirement(_NAMES["text"].format(words=f'"{quoted}"'), lambda said: wanted in said.folded)


def count_requirement(number: int, noun: str, name: str) -> Requirement:
    wanted = stem(plain_words(noun)[-1]) if plain_words(noun) else ""
    return Requirement(_NAMES["count"].format(words=name), lambda said: _counts(said, number, wanted))


def colour_requirement(colour: str, noun: str | None, others: frozenset[str]) -> Requirement:
    """`others` are the stems of the concept's other colours: one of them right before `noun` is a swap."""
    wanted, thing = stem(plain_words(colour)[0]), stem(plain_words(noun)[-1]) if noun else None

    def said_in(said: Said) -> bool:
        if not said.says((wanted,)):
            return False
        places = said.places(thing) if thing else []
        own = phrasings((wanted,)) | {(s,) for s in same(wanted)}
        before = [said.stems[max(0, place - 2) : place] for place in places]
        swapped = [bool(others & set(near)) and not any((s,) in own for s in near) for near in before]
        return not swapped or not all(swapped)

    return Requirement(_NAMES["colour"].format(words=colour), said_in)


def absence_requirement(noun: str) -> Requirement:
    thing = stem(plain_words(noun)[-1])
    empty = _EMPTY if thing in (stem("person"), stem("human")) else frozenset()

    def said_in(said: Said) -> bool:
        for place in said.places(thing):
            before = said.words[max(0, place - 5) : place]
            if {"without", "no", "not", "never", "minus", "lacking", "free", "devoid", "sans", "nor"} & set(before):
                return True
            if said.words[place + 1 : place + 2] == ["free"]:
                return True
        return not empty.isdisjoint(said.words) or thing in said.lacking

    return Requirement(_NAMES["negation"].format(words=noun), said_in)


_EMPTY = frozenset("empty deserted uninhabited unpopulated abandoned desolate unpeopled".split())


def number_in(text: str) -> int | None:
    tokens = plain_words(text)
    if tokens == ["half", "a", "dozen"]:
        return 6
    if len(tokens) == 2:
        factor = number_in(tokens[0]) if tokens[0] not in ("a", "one") else 1
        return 12 if factor is None else 12 * factor
    if len(tokens) == 1 and tokens[0].isdigit():
        return int(tokens[0]) if len(tokens[0]) <= 3 else None
    return NUMBERS.get(tokens[0]) if len(tokens) == 1 else None


def _counts(said: Said, number: int, noun: str) -> bool:
    numbers = said.numbers
    if number == 1:
        numbers = {place: 1 for place, word in enumerate(said.words) if word in ("a", "an")} | numbers
    things = set(said.places(noun))
    for place in (place for place, value in numbers.items() if value == number):
        if not things:
            return True  # another word for the thing: whether it is the thing is the subject's question
        for thing in things.intersection(range(place + 1, place + 7)):
            if all(numbers.get(other, number) == number for other in range(place + 1, thing)):
                return True
        after = said.words[place + 1 : place + 2]
        if not things.isdisjoint(range(place - 3, place)) and after in ([], ["of"], ["in"], ["total"]):
            return True
    return False
