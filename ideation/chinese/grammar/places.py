"""Places in the grammar: 在夜市裡, 台北街頭, and with whom or what something is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ideation.chinese.grammar.nouns import its, played
from ideation.chinese.phrases import Noun, Quantity
from ideation.english import indefinite_article

#: A place in its parts: a preposition, an article where there is one, and the rest.
_ARTICLE = re.compile(r"(?P<preposition>[a-z ]+?) (?P<article>an?|the) (?P<rest>.+)")
#: Of a material: as much as there is.
_SOME = Quantity("", many=True)


def placed(noun: Noun, localizer: str) -> str:
    own = localizer == "in" and noun.group == "place" and (noun.at == "at" or noun.counting == "name")
    return f"{noun.at if own else localizer} {its(noun).settled.text}"


def simple_place(_: None, noun: Noun) -> str | None:
    """Where somebody is; not 雪地滑板 or 公園飛盤, where it rather says what is done there."""
    return noun.there if not noun.before or played(noun) is None else None


def bare_place(noun: Noun) -> str | None:
    return noun.there if noun.group == "place" else None


def place_of(whole: Noun, place: str) -> str | None:
    """台北街頭: on a city street in Taipei."""
    return f"{place} {whole.settled.there}" if whole.group in ("place", "building", "vehicle") else None


def described_place(modifier: Noun, place: str) -> str:
    """熱鬧的街上: on a busy city street. `place` is a preposition, an article where there is one, and the rest."""
    found = _ARTICLE.match(place)
    if modifier.before and found:
        adjectives = " ".join(modifier.before)
        article = indefinite_article(adjectives) if found["article"] in ("a", "an") else found["article"]
        place = f"{found['preposition']} {article} {adjectives} {found['rest']}"
    return " ".join((place, *modifier.after, *modifier.moments))


def preposition(word: str) -> Callable[[None, Noun], str]:
    return lambda _, noun: f"{word} {its(noun).settled.text}"


def made_of(material: str, _: None) -> str | None:
    """用紙做(的): made of paper."""
    return material.replace("with ", "made of ", 1) if material.startswith("with ") else None


def made_of_noun(noun: Noun, _: None) -> str | None:
    """紙做(的); but 媽媽做(的) is who made it."""
    if noun.group in ("person", "being", "animal"):
        return None
    return f"made of {noun.text if noun.quantity else replace(noun, quantity=_SOME).text}"
