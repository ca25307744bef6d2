"""Grammar: articles, plurals and the word "style", as far as a concept or a prompt needs them."""

from __future__ import annotations

import re

# A vowel letter spoken as a consonant (a unicorn, a ukulele, a euro, a one-eyed cat), and the other way (an hour).
_CONSONANT_SOUND = re.compile(
    r"uni(?![mn])|u[ktbr][aeiou]|us[aeu]|utensil|eu|ewe|one(?!r)|once|ouija|u(?![a-z])", re.IGNORECASE
)
_VOWEL_SOUND = re.compile(r"hour|honest|hono|heir|(?:8|11|18)(?!\d)|8\d", re.IGNORECASE)

# Letters whose names begin with a vowel sound: an X-ray, an MRI scanner, but a UFO.
_SPELLED_OUT = re.compile(r"[A-Z](?![a-z])")
_VOWEL_LETTER_NAMES = "AEFHILMNORSX"

_DETERMINER = re.compile(
    r"(?:a|an|the|my|your|his|her|its|our|their|this|that|these|those|some|any|no|every|each|all|both|another|several"
    r"|many|few|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred|dozens)\b|\d|.*?['’]s ",
    re.IGNORECASE,
)
_IRREGULAR_PLURALS = frozenset(
    {"men", "women", "children", "people", "mice", "geese", "feet", "teeth", "oxen", "police"}
)
_HEAD = re.compile(r"^(.*?)(?: (?:of|in|on|at|with|from|for|and|under|who|that)\b|$)")


def indefinite_article(phrase: str) -> str:
    """The article "a" or "an", by the sound that the phrase begins with.

    Initials are taken to be spelled out: an X-ray, a UFO.

    >>> [indefinite_article(phrase) for phrase in ("owl", "unicorn", "hour", "X-ray")]
    ['an', 'a', 'an', 'an']
    """
    if _SPELLED_OUT.match(phrase):
        return "an" if phrase[0] in _VOWEL_LETTER_NAMES else "a"
    if _CONSONANT_SOUND.match(phrase):
        return "a"
    return "an" if phrase[:1].lower() in "aeiou" or _VOWEL_SOUND.match(phrase) else "a"


def with_article(noun: str, *, counted: bool = False) -> str:
    """A noun phrase, ready to stand in a sentence: "an octopus", but "my cat", "two dogs", "Mona Lisa", "cats".

    What is known to be `counted` always takes an article. Of other nouns we know less: one with a determiner or number,
    a name, a plural, or a word in another script stays as it was typed.

    >>> with_article("octopus"), with_article("my cat"), with_article("cats"), with_article("glass", counted=True)
    ('an octopus', 'my cat', 'cats', 'a glass')
    """
    if not counted:
        head = (_HEAD.match(noun) or [noun])[0].strip() or noun
        if _DETERMINER.match(noun) or not noun[:1].isascii() or not noun[:1].islower() or _is_plural(head):
            return noun
    return f"{indefinite_article(noun)} {noun}"


def style_phrase(style: str) -> str:
    """The style in a phrase; what already ends in "style" stays.

    >>> style_phrase("watercolor"), style_phrase("Art Nouveau style")
    ('watercolor style', 'Art Nouveau style')
    """
    return style if f" {style}".casefold().endswith(" style") else f"{style} style"


def _is_plural(noun_phrase: str) -> bool:
    last = noun_phrase.split()[-1].lower()
    return last in _IRREGULAR_PLURALS or (
        len(last) > 3 and last.endswith("s") and not last.endswith(("ss", "us", "is", "as", "os", "ns"))
    )
