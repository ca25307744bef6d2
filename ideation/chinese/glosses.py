"""Glosses: the one English meaning, for each part of speech, that serves a picture best among those of a dictionary."""

from __future__ import annotations

import re
from typing import NamedTuple

#: What tells about the word and is no meaning.
_NO_MEANING = re.compile(
    r"CL:|(?:old |archaic |erhua |Japanese |nonstandard )?variant of |surname |abbr\. |see |see also "
    r"|also written |also pr\. |used in "
    r"|classifier |measure word |\(?(?:suffix|prefix|particle|interjection|onom|bound form)|fig\. |lit\. "
    r"|name of |Kangxi "
    r"|(?:\w+ )?(?:town|city|county|district|prefecture|township)s? (?:of|in)\b|Taiwan pr\.|equivalent of |same as "
    r"|\(idiom\)|one of the |indicat|the first|euphemism|expression of|term of|marks "
)
_ASIDE = re.compile(r"\s*\([^()]*\)\s*")
#: A gloss ends where it begins to explain itself.
_EXPLAINED = re.compile(r"\s*(?:,|;|:| i\.e\.| e\.g\.| or | such as |\[).*$")
_SOMEBODY = re.compile(r"\s*\b(?:sb's|sb|sth|one's|oneself|somebody|someone|something)\b(?=\s|$)")
_ALLOWED = re.compile(r"[A-Za-zÀ-ɏ0-9' .&-]+")
_RARE = re.compile(r"\((?:dialect|archaic|old|literary|slang|coll\.|Buddhism|math|law|chemistry|medicine|bird species)")
_TAIWAN = re.compile(r"\((?:[^()]*, ?)?Tw\)")
#: A longer gloss explains what the thing is, and is no name for it.
_LONGEST_WORDS = 4
_NOT_FOR_A_PICTURE = re.compile(
    r"\b(?:genitalia|pubic|penis|vagina|prostitut|brothel|whore|semen|masturbat|intercourse)", re.IGNORECASE
)

_ADJECTIVE_ENDINGS = ("ful", "ous", "less", "able", "ible", "ical", "ish", "ive", "ed")
_NO_ADJECTIVES = frozenset(
    "fish starfish dish radish polish finish blemish varnish native detective drive hive olive archive "
    "relative executive "
    "negative motive locomotive bed seed weed reed feed shed sled breed table cable vegetable stable "
    "bible handful spoonful "
    "mouthful medical musical vertical chemical goldfish jellyfish catfish shellfish".split()
)
_COMMON_ADJECTIVES = frozenset(
    "big small large little old new young red blue green yellow white black brown gray grey orange purple pink golden "
    "silver good bad hot cold warm cool wet dry hard soft light dark bright deep high low tall short "
    "long thin fat thick "
    "wide narrow round flat square sharp fast slow strong weak rich poor clean dirty fresh sweet sour bitter spicy raw "
    "ripe full empty open loose tight rough smooth quiet loud calm wild tame mad sad glad happy brave "
    "proud shy kind cruel "
    "cute nice fine fair ugly pretty plain simple strange odd rare real fake false true pure holy sick ill dead alive "
    "blind deaf lame bald naked alone giant huge tiny vast steep modern ancient male female wooden".split()
)


class Gloss(NamedTuple):
    """A part of speech (n, v, a or name) and the English for it."""

    part: str
    english: str


def best_glosses(definitions: str, *, name: bool) -> list[Gloss]:
    """The best meaning of each part of speech among those that a dictionary gives, parted by "/".

    `name` is whether the dictionary writes the word's sound with a capital, as it does for names.

    >>> best_glosses("cat/CL:隻|只[zhi1]/(dialect) to hide oneself/(coll.) modem/", name=False)
    [Gloss(part='n', english='cat'), Gloss(part='v', english='hide')]
    >>> best_glosses("locomotive/train engine car/scooter (Tw)/", name=False)
    [Gloss(part='n', english='scooter')]
    """
    found: dict[str, str] = {}
    glosses = [gloss.strip() for gloss in definitions.split("/")]
    for gloss in sorted(filter(None, glosses), key=_unlikeliness):
        for part, english in _cleaned(gloss, name=name):
            found.setdefault(part, english)
    return [Gloss(part, english) for part, english in found.items()]


def _unlikeliness(gloss: str) -> int:
    """What is said in Taiwan first, what only some say last."""
    if _TAIWAN.search(gloss):
        return 0
    return 2 if _RARE.match(gloss) or gloss.startswith(("fig.", "lit.")) else 1


def _cleaned(gloss: str, *, name: bool) -> list[Gloss]:
    if _NO_MEANING.match(gloss) or _NOT_FOR_A_PICTURE.search(gloss):
        return []
    text = _ASIDE.sub(" ", gloss)
    text = _EXPLAINED.sub("", text)
    text = " ".join(_SOMEBODY.sub("", text).split()).strip(" .-")
    verb = text.startswith("to ")
    text = re.sub(r"^(?:to |an? )", "", text)
    if not text or not _ALLOWED.fullmatch(text) or len(text.split()) > _LONGEST_WORDS or _NO_MEANING.match(text):
        return []
    if verb:
        return [Gloss("a", text[3:])] if text.startswith("be ") else [Gloss("v", text)]
    if name and text[:1].isupper():
        return [Gloss("name", text)]
    adjective = text in _COMMON_ADJECTIVES or (text.endswith(_ADJECTIVE_ENDINGS) and " " not in text)
    if adjective and text not in _NO_ADJECTIVES and len(text) > 2:
        return [Gloss("a", text)]
    return [Gloss("n", text)]
