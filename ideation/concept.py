"""The concept: what the picture is to show, before anyone has written a prompt."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from pydantic import ConfigDict

from ideation.english import style_phrase, with_article, words_of
from ideation.errors import TwinseedError
from ideation.files import STRICT, Count, Seed

#: The longest concept accepted, in characters. A paragraph is an idea; a chapter is a mistake.
MAX_CONCEPT_CHARACTERS = 5_000

# The commonest little words of languages in Latin letters; those that English has too count for English as well.
_LITTLE_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "en": "a an the of in on at by with and or is are his her its to from for under over no la so as das des",
        "fr": "un une le la les des du de au aux à avec sur dans et qui en sous est son sa",
        "es": "un una el la los las del de al con en y que sobre bajo es su por para",
        "de": "ein eine einen einem einer der die das den dem mit auf im in und unter ist vor beim am",
        "it": "un uno una il lo la gli le del della di al con in su e che sotto è nel nella",
        "pt": "um uma o a os as do da de no na com em e que sobre sob é seu sua",
        "nl": "een de het van met op in en die onder is aan bij",
    }.items()
}

#: A name with such a word in it: Leonardo da Vinci, Juan de la Cruz, Van Gogh.
_NAME = re.compile(
    r"\b(?:[A-Z][\w.]*\s+(?:da|de|di|do|dos|du|del|della|van|von)|Van|Von|Da|Di)\s+"
    r"(?:(?:la|le|las|los|der|den)\s+)?(?=[A-Z])"
)


class ConceptError(TwinseedError):
    """A concept that cannot be drawn: empty, far too long, or made of control characters."""


@dataclass(frozen=True)
class Word:
    """One entry of a word list, in English and in 繁體中文.

    `measure` is the Chinese measure word of a topic (一隻狗); other kinds leave it empty.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    en: str
    zh: str
    measure: str = ""


@dataclass(frozen=True)
class Concept:
    """A topic x action x style that was drawn, or free text that somebody typed.

    `text` is what people see, in `language` (a BCP 47 tag, or "und" where it is not known). A drawn concept also has
    its three parts, each in both languages, and its place `index` in the draw with that `seed`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    text: str
    language: str
    topic: Word | None = None
    action: Word | None = None
    style: Word | None = None
    index: Count | None = None
    seed: Seed | None = None


@lru_cache(maxsize=65_536)
def english_topic(word: Word) -> str:
    """The topic with its article. One with a Chinese measure word is a count noun."""
    return with_article(word.en, counted=bool(word.measure))


@lru_cache(maxsize=65_536)
def _chinese_topic(word: Word) -> str:
    return f"一{word.measure}{word.zh}" if word.measure else word.zh


@lru_cache(maxsize=65_536)
def _chinese_action(action: Word) -> str:
    """The action with 在 for what is going on now, unless it has 著 (拿著氣球) or begins with a place (在月球上)."""
    return action.zh if action.zh.startswith("在") or "著" in action.zh[:3] else f"在{action.zh}"


def concept_text(topic: Word, action: Word, style: Word, language: str) -> str:
    """The whole concept in "en" or "zh-TW".

    >>> parts = Word("dog", "狗", "隻"), Word("riding a bicycle", "騎腳踏車"), Word("Joan Miro", "米羅")
    >>> concept_text(*parts, "en"), concept_text(*parts, "zh-TW")
    ('a dog riding a bicycle, Joan Miro style', '一隻狗在騎腳踏車，米羅風格')
    """
    if language == "zh-TW":
        ending = "" if style.zh.endswith(("風格", "風")) else "風格"
        return f"{_chinese_topic(topic)}{_chinese_action(action)}，{style.zh}{ending}"
    return f"{english_topic(topic)} {action.en}, {style_phrase(style.en)}"


def typed_concept(text: str) -> Concept:
    """The concept that somebody typed, in whatever language. Raises `ConceptError` on what cannot be one.

    >>> typed_concept("  一隻狗在騎腳踏車 ")
    Concept(text='一隻狗在騎腳踏車', language='zh-TW', topic=None, action=None, style=None, index=None, seed=None)
    """
    cleaned = " ".join(text.split())
    if not any(unicodedata.category(character)[0] in "LNS" for character in cleaned):
        raise ConceptError(
            "the concept has no words in it: {start!r}" if cleaned else "the concept is empty",
            hint=('give one in any language, as in "a dog riding a bicycle, Joan Miro style"; left out, one is drawn'),
            start=cleaned[:40],
        )
    if len(cleaned) > MAX_CONCEPT_CHARACTERS:
        raise ConceptError(
            "the concept has {count:,} characters; {max_concept_characters:,} are accepted",
            hint="a concept is a sentence or two; a finished prompt goes in with --simple and --expanded",
            count=len(cleaned),
            max_concept_characters=MAX_CONCEPT_CHARACTERS,
        )
    control = sorted({f"U+{ord(c):04X}" for c in set(cleaned) if unicodedata.category(c) in ("Cc", "Cs")})
    if control:
        raise ConceptError(
            "the concept contains control characters: {control}",
            hint="type it again, or paste it as plain text",
            control=", ".join(control[:5]),
        )
    return Concept(text=cleaned, language=guess_language(cleaned))


def _is_simplified(text: str) -> bool:
    """Whether there are characters of 简体 that 繁體 does not have: the old code pages of both sides tell."""
    alone = [
        character for character in text if _in_code_page(character, "gb2312") and not _in_code_page(character, "cp950")
    ]
    return any("\u4e00" <= character <= "\u9fff" for character in alone)


def _in_code_page(character: str, code_page: str) -> bool:
    try:
        character.encode(code_page)
    except UnicodeEncodeError:
        return False
    return True


def guess_language(text: str) -> str:
    """A BCP 47 tag from the script alone: enough to say whether a translation is needed, not more.

    Kana is Japanese, Hangul Korean, other Han characters "zh-TW", or "zh-CN" where some are of 简体 alone.
    Latin letters are told apart by their little words, those in names (Leonardo da Vinci) and compounds (ukiyo-e)
    apart, and taken for English where these do not say otherwise; every other script is "und".

    >>> [guess_language(text) for text in ("a dog, Leonardo da Vinci style", "un chien", "一隻狗", "一只猫")]
    ['en', 'fr', 'zh-TW', 'zh-CN']
    """
    names = [unicodedata.name(character, "") for character in set(text) if character.isalpha()]
    if any(name.startswith(("HIRAGANA", "KATAKANA")) for name in names):
        return "ja"
    if any(name.startswith("HANGUL") for name in names):
        return "ko"
    if any(name.startswith("CJK") for name in names):
        return "zh-CN" if _is_simplified(text) else "zh-TW"
    if not all(name.startswith("LATIN") for name in names):
        return "und"
    words = [part for word in words_of(_NAME.sub(" ", text)) if "-" not in word.text for part in word.parts]
    hits = {language: sum(word in little for word in words) for language, little in _LITTLE_WORDS.items()}
    best = max(hits, key=lambda language: hits[language])
    return best if hits[best] > hits["en"] else "en"
