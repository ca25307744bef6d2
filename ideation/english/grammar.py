"""Grammar: how topic, action and style become one phrase, in English and in 繁體中文."""

from __future__ import annotations

import re
from functools import lru_cache

from ideation.concept import Word

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
    """
    if _SPELLED_OUT.match(phrase):
        return "an" if phrase[0] in _VOWEL_LETTER_NAMES else "a"
    if _CONSONANT_SOUND.match(phrase):
        return "a"
    return "an" if phrase[:1].lower() in "aeiou" or _VOWEL_SOUND.match(phrase) else "a"


def with_article(word: Word) -> str:
    """The English topic, ready to stand in a sentence: "an octopus", but "my cat", "two dogs", "Mona Lisa", "cats".

    A topic with a Chinese measure word is a count noun and always takes an article. Of a person's own topic we know
    less: one with a determiner or number, a name, a plural, or a word in another script stays as it was typed.
    """
    if not word.measure:
        head = (_HEAD.match(word.en) or [word.en])[0].strip() or word.en
        if _DETERMINER.match(word.en) or not word.en[:1].isascii() or not word.en[:1].islower() or _is_plural(head):
            return word.en
    return f"{indefinite_article(word.en)} {word.en}"


def style_phrase(style: str) -> str:
    """The style in a phrase: "watercolor" becomes "watercolor style"; what already ends in "style" stays."""
    return style if f" {style}".casefold().endswith(" style") else f"{style} style"


@lru_cache(maxsize=65_536)
def english_topic(word: Word) -> str:
    return with_article(word)


@lru_cache(maxsize=65_536)
def chinese_topic(word: Word) -> str:
    return f"一{word.measure}{word.zh}" if word.measure else word.zh


@lru_cache(maxsize=65_536)
def chinese_action(action: Word) -> str:
    """The action with 在 for what is going on now, unless it has 著 (拿著氣球) or begins with a place (在月球上)."""
    return action.zh if action.zh.startswith("在") or "著" in action.zh[:3] else f"在{action.zh}"


def concept_text(topic: Word, action: Word, style: Word, language: str) -> str:
    """The whole concept: "a dog riding a bicycle, Joan Miro style", or 一隻狗在騎腳踏車，米羅風格."""
    if language == "zh-TW":
        ending = "" if style.zh.endswith(("風格", "風")) else "風格"
        return f"{chinese_topic(topic)}{chinese_action(action)}，{style.zh}{ending}"
    return f"{english_topic(topic)} {action.en}, {style_phrase(style.en)}"


def _is_plural(noun_phrase: str) -> bool:
    last = noun_phrase.split()[-1].lower()
    return last in _IRREGULAR_PLURALS or (
        len(last) > 3 and last.endswith("s") and not last.endswith(("ss", "us", "is", "as", "os", "ns"))
    )
