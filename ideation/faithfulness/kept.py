"""Faithfulness: whether what the concept asked for is still said in both prompts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ideation.concept import Concept
from ideation.english import QUOTED, words_of
from ideation.faithfulness.request_parser import requirements_of
from ideation.faithfulness.requirement import (
    Requirement,
    Said,
    colour_requirement,
    count_requirement,
    phrase_requirement,
    quote_requirements,
    style_requirement,
)
from ideation.prompt import concept_sentence

_HAN_DIGITS = {"兩": 2, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_HAN_COUNT = re.compile(
    r"(?<![十百第幾几\d])([兩两二三四五六七八九十]|\d{1,2})\s*[隻只個个條条頭头匹張张朵顆颗棵輛辆艘位名座把]"
)
_HAN_COLOUR = re.compile(r"([紅红藍蓝黃黄綠绿紫黑白灰橙棕])色|粉[紅红]色?|金色|銀色")
_HAN_COLOURS = {
    "紅": "red",
    "红": "red",
    "藍": "blue",
    "蓝": "blue",
    "黃": "yellow",
    "黄": "yellow",
    "綠": "green",
    "绿": "green",
    "紫": "purple",
    "黑": "black",
    "白": "white",
    "灰": "gray",
    "橙": "orange",
    "棕": "brown",
}


@dataclass(frozen=True)
class Faithfulness:
    """Names such as "subject: dog" or "count: three apples": those that both prompts say, those that one lost, and
    those that both say, but one where nobody reads it."""

    kept: tuple[str, ...]
    lost: tuple[str, ...]
    unread: tuple[str, ...] = ()


def check(concept: Concept, simple: str, expanded: str, read: tuple[str, str] | None = None) -> Faithfulness:
    """What both prompts keep of the concept, by cheap means: stems, synonyms and places of words, no parser.

    A drawn concept is checked by its parts' English names, a typed one in English by its words. For other languages
    the simple prompt is the translation that the expanded one is checked against, and what needs no translation
    (digits, quoted text, Latin names, Chinese counts and colours) is looked for in both. `read` is what the model reads
    of either prompt, None where it reads all.

    >>> from ideation.concept import typed_concept
    >>> check(typed_concept("a dog riding a bicycle"), "a dog riding a bike", "a puppy on a beach")
    Faithfulness(kept=('subject: dog',), lost=('action: riding a bicycle',), unread=())
    """
    prompts = [Said(simple), Said(expanded)]
    seen = prompts if read is None or read == (simple, expanded) else list(map(Said, read))
    kept: dict[str, None] = {}
    lost: dict[str, None] = {}
    unread: dict[str, None] = {}
    for thing, where in _requirements(concept, simple, prompts):
        if not all(thing.said_in(prompt) for prompt in where):
            lost[thing.name] = None
        elif not all(thing.said_in(prompt) for prompt in seen[-len(where) :]):
            unread[thing.name] = None
        else:
            kept[thing.name] = None
    return Faithfulness(
        tuple(name for name in kept if name not in lost and name not in unread),
        tuple(lost),
        tuple(name for name in unread if name not in lost),
    )


def _requirements(concept: Concept, simple: str, both: list[Said]) -> list[tuple[Requirement, list[Said]]]:
    parts = [("subject", concept.topic), ("action", concept.action)]
    if concept.topic or concept.action or concept.style:
        required = [phrase_requirement(kind, word.en) for kind, word in parts if word is not None]
        required += [style_requirement(concept.style.en)] if concept.style else []
        return [(thing, both) for thing in required]
    if concept.language.casefold().split("-")[0] == "en":
        return [(thing, both) for thing in requirements_of(concept_sentence(concept.text))]
    translated = [(thing, both[1:]) for thing in requirements_of(simple)]
    return [(thing, both) for thing in _in_any_language(concept_sentence(concept.text))] + translated


def _in_any_language(text: str) -> list[Requirement]:
    required = quote_requirements(text)
    for match in _HAN_COUNT.finditer(text):
        number = _HAN_DIGITS.get(match[1]) or int(match[1])
        required += [count_requirement(number, "", match[1])] if number > 1 else []
    for match in _HAN_COLOUR.finditer(text):
        english = _HAN_COLOURS.get(match[1] or "", {"粉": "pink", "金": "gold", "銀": "silver"}.get(match[0][0], ""))
        required.append(colour_requirement(english, None, frozenset()))
    # A Latin word among the letters of another script is a name, and names are not translated.
    spoken = QUOTED.sub(" ", text)
    if any(character.isalpha() and ord(character) > 0x24F for character in spoken):
        latin = (word.text for word in words_of(spoken) if sum(c.isascii() and c.isalpha() for c in word.text) > 2)
        required += [phrase_requirement("detail", name) for name in latin]
    return required
