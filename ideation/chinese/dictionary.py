"""The dictionary: CC-CEDICT, 120,000 words in 繁體 and 简体, read by lindera. Loaded when a word is looked up first."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ideation.chinese.chart import Edge, Lookup
from ideation.chinese.glosses import best_glosses
from ideation.chinese.phrases import Noun, Verb
from ideation.chinese.script import is_han
from ideation.errors import TwinseedError

#: Dearer than a word of our own lists, and a single character dearer still: what it means alone is anybody's guess.
_COST, _SINGLE_COST = 1.7, 3.0
#: What a word is cheaper by when the dictionary, reading the whole text, cuts it the same way.
_CUT_THE_SAME = 0.2
_LONGEST_WORD = 8

#: Heads that cannot be counted.
_MASS = frozenset(
    "water tea coffee milk juice wine beer soup rice bread meat beef pork chicken tofu sugar salt oil sauce curry jam "
    "butter cheese ice snow rain sand mud dust smoke fire gold silver iron steel wood paper cloth silk cotton leather "
    "glass plastic hair fur blood music art work money luggage furniture clothing grass hay fog mist air "
    "light darkness "
    "love peace magic weather information knowledge news homework football basketball baseball tennis golf chess "
    "wrestling boxing fencing swimming skiing skating surfing archery gymnastics yoga karate judo tai taekwondo jelly "
    "powder paste flour porridge gruel ginger garlic seaweed kimchi vinegar liquor spirits dancing calligraphy".split()
)
_PLURAL_HEADS = frozenset(
    "noodles chopsticks scissors glasses trousers pants clothes shoes fries vegetables goods people police beans chips "
    "shorts jeans pajamas sweets spectacles".split()
)


#: Heads that one can be at, in or on, and how.
_PLACES = {
    place: at
    for at, places in {
        "at": "store shop stand stall station stop salon market airport harbor port pier fair festival party "
        "wedding bar "
        "counter booth",
        "in": "hall garden park forest museum hospital clinic pharmacy church mosque temple shrine cemetery factory "
        "kindergarten nursery school college room house building palace tower castle city town village nightclub club "
        "sauna theater restaurant lake river valley cave tunnel hotel prison warehouse laboratory",
        "on": "track court rink field road street avenue square bridge beach coast island mountain hill roof stage "
        "platform farm runway",
    }.items()
    for place in places.split()
}
_MASS_ENDINGS = ("ness", "ics", "ism", "wrestling", "climbing")
_PERSON_ENDINGS = tuple("man woman boy girl teacher worker player keeper singer dancer doctor guard".split())


#: Words that stand before others: 有臉 is having a face before it is having prestige.
_FUNCTIONS = frozenset("有沒没不在給给被把用跟和的了著着是很")


_PREPOSITIONS = frozenset("as at by for from in of on to with".split())


class DictionaryError(TwinseedError):
    """The dictionary is not installed, or cannot be opened."""


def dictionary_edges(text: str, known: frozenset[tuple[int, int]]) -> list[Edge]:
    """What the dictionary has for the words in `text`, those stretches apart that are `known` already.

    Raises `DictionaryError` where it is not installed.
    """
    edges: list[Edge] = []
    cut = set()
    place = 0
    for word in _pieces(text):
        cut.add((place, place + len(word)))
        place += len(word)
    for start in range(len(text)):
        for end in range(start + 1, min(start + _LONGEST_WORD, len(text)) + 1):
            word = text[start:end]
            if not is_han(word[-1]):
                break
            if (start, end) in known or (word[0] in _FUNCTIONS and (start + 1, end) in known):
                continue
            cost = (_COST if len(word) > 1 else _SINGLE_COST) - (_CUT_THE_SAME if (start, end) in cut else 0)
            edges += [
                Edge(start, end, category, meaning, cost + more, (Lookup(word, english),))
                for category, meaning, more, english in _meanings(word)
            ]
    return edges


@lru_cache(maxsize=65_536)
def _meanings(word: str) -> tuple[tuple[str, Any, float, str], ...]:
    """Category, meaning, how much dearer it is than the likeliest, and the English, of one word."""
    tokens = _dictionary().tokenize(word)
    if len(tokens) != 1 or tokens[0].is_unknown:
        return ()
    details = tokens[0].details
    found: list[tuple[str, Any, float, str]] = []
    for number, (part, english) in enumerate(best_glosses(",".join(details[7:]), name=details[4][:1].isupper())):
        if english.casefold() in _PREPOSITIONS:  # what is left of "by oneself", for 一個人
            continue
        more = 0.2 * number
        if part == "v":
            found.append(("v", Verb(english), more, english))
        elif part == "a":
            found.append(("a", english, more, english))
        else:
            found.append(("n", _noun(english, name=part == "name"), more, english))
    return tuple(found)


def _noun(english: str, *, name: bool) -> Noun:
    if english.startswith("the "):
        return Noun(english, "the")
    if name:
        return Noun(english, "name")
    last = english.split(" of ", 1)[0].split()[-1].casefold()
    if last in _MASS or last.endswith(_MASS_ENDINGS):
        return Noun(english, "mass")
    plural = last in _PLURAL_HEADS or re.search(r"(?<![sui])s$", last)
    if last in _PLACES:
        return Noun(english, "plural" if plural else "count", "place", _PLACES[last])
    return Noun(english, "plural" if plural else "count", "person" if last.endswith(_PERSON_ENDINGS) else "")


def _pieces(text: str) -> list[str]:
    return [token.surface for token in _dictionary().tokenize(text)]


@lru_cache(maxsize=1)
def _dictionary() -> Any:
    try:
        from lindera import TokenizerBuilder
    except ImportError as error:
        raise DictionaryError(
            "the Chinese dictionary is not installed: {error}",
            hint=(
                "install it with pip install lindera-python-cc-cedict, where there is one for this system; or write "
                "the "
                "concept in English"
            ),
            error=error,
        ) from error
    builder = TokenizerBuilder()
    builder.set_dictionary("embedded://cc-cedict")
    builder.set_keep_whitespace(True)
    return builder.build()
