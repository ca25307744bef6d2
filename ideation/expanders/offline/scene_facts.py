"""Scene facts: what the words of a concept say about place, time, weather and things, and what they rule out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ideation.english import plain_words, stem
from ideation.expanders.offline.details import Realm, built_in_details, phrase_pattern

#: What is missing: "without any fans", "no hands", "nobody".
_MISSING = re.compile(
    r"\b(?:without|no|not|never|minus|lacking|missing|instead of|free of|devoid of)\s+"
    r"(?:any |a |an |the |its |his |her |their |pairs of |more than )*"
    r"(?P<what>[\w' -]+?)(?=[,.;:!?\"]| (?:in|on|at|next|under|near|with|that|who|which|to|inside|around|written)\b|$)",
    re.IGNORECASE,
)
#: "A tree and a building": the home of one is not that of the other.
_TWO = re.compile(r"^\W*(?:[\w-]+\s+){1,4}and\s+(?:an?|the|his|her|two|three)\s", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']+'(?!\w)|‘[^’]*’")
#: Words of something that is depicted or meant and is no part of the scene: a flag's stars, a bird on a shirt.
_NOT_SAID = re.compile(
    r"\b(?:stars and stripes|shooting star|light beer|light fixture|starry night|dark skin|day care|baseball bat"
    r"|shaped like [\w ]+|looks? like [\w ]+|in the shape of [\w ]+|made (?:out )?(?:of|from) [\w ]+|ping pong table"
    r"|water tower|fire hydrant|snow white|night owl|sun hat|sun dress|rain boots|night market|tan skin)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SceneFacts:
    """`said` names the kinds of detail that the text has already (night, rain, colour, view, order ...), `realm` where
    the scene is, None where the words (`realms`) say nothing or more than one thing; `missing` holds the words for what
    the text is without."""

    said: frozenset[str]
    realm: Realm | None
    realms: frozenset[Realm]
    missing: tuple[str, ...]

    def allow(self, phrase: str, realm: Realm | None = None) -> bool:
        """Whether a detail agrees with all that was said, and with the realm of the scene that was chosen.

        >>> facts = scene_facts("a concert at night without any fans")
        >>> facts.allow("a single bright spotlight"), facts.allow("an audience of silhouettes"), facts.allow("low sun")
        (True, False, False)
        """
        if _excluded_by(phrase) & (self.said | {realm or self.realm}):
            return False
        return not (self.missing and phrase_pattern(self.missing).search(phrase))


@lru_cache(maxsize=4096)
def _excluded_by(phrase: str) -> frozenset[str | None]:
    """The facts and realms with which a detail does not go."""
    excludes = built_in_details().excludes
    return frozenset(fact for fact, words in excludes.items() if phrase_pattern(words).search(phrase))


@lru_cache(maxsize=256)
def scene_facts(text: str) -> SceneFacts:
    """What the words of the text say of its scene. Quoted text is something to be written, and says nothing of it."""
    tables = built_in_details()
    missing: list[str] = []
    for match in _MISSING.finditer(_QUOTED.sub(" ", text)):
        missing += _words_for(match["what"])
    if re.search(r"\bnobody\b|\bno one\b", text, re.IGNORECASE):
        missing += tables.absent["people"]
    present = _NOT_SAID.sub(" ", _MISSING.sub(" ", _QUOTED.sub(" ", text)))
    if "night market" in text.casefold():
        present += " night"
    said = {kind for kind, words in tables.said.items() if phrase_pattern(words).search(present)}
    said |= {"snow"} & said and {"winter"}
    shown = [realm for realm, words in tables.realms.items() if phrase_pattern(words).search(present)]
    special = [realm for realm in shown if realm in ("under water", "space")]
    realm = special[0] if special else shown[0] if len(shown) == 1 else None
    if missing:
        said.add("absence")
    if _TWO.match(present):
        said.add("two")
    return SceneFacts(frozenset(said), realm, frozenset(shown), tuple(dict.fromkeys(missing)))


def _words_for(what: str) -> list[str]:
    """The things that are missing, with other words for them."""
    words = [word for word in plain_words(what) if len(word) > 2]
    stems = {stem(word) for word in words}
    also = [other for name, others in built_in_details().absent.items() if stem(name) in stems for other in others]
    return words + also
