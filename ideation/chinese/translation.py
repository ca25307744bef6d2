"""Translation without an LLM: 繁體中文 made of the words that we know, into English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ideation.concept import Word
from ideation.draw import built_in_words
from ideation.english import indefinite_article, style_phrase
from ideation.errors import TwinseedError
from ideation.vocabulary import seedling_vocabulary

#: Other ways to say Seedling's settings, times, weathers and colours.
_ALSO = {
    "on a beach": "在海邊 海邊 海灘上 海灘",
    "in a forest": "森林裡 森林中 在森林中 森林",
    "in a city": "城市裡 城市中 在城市中 在街上 街上 城市",
    "in the mountains": "山裡 山上 在山上 山中",
    "in a desert": "沙漠裡 沙漠中 在沙漠中 沙漠",
    "in a meadow": "草原上 草地上 在草地上 草原",
    "in outer space": "太空中 在太空 在外太空 外太空 太空",
    "under the sea": "海底 在海裡 海裡 在水底 水底",
    "at noon": "正午 在正午 在中午 白天 在白天",
    "at sunset": "日落 在日落時 黃昏 在黃昏 夕陽下 在夕陽下 傍晚 在傍晚",
    "at night": "晚上 在晚上 夜裡 在夜裡 在夜晚 月光下 在月光下",
    "in the rain": "雨中 在雨中 在雨裡",
    "in the snow": "雪中 在雪中 在雪裡 在雪地裡",
    "in the fog": "霧中 在霧中 在霧裡",
    "red": "紅",
    "blue": "藍",
    "green": "綠",
    "yellow": "黃",
    "purple": "紫",
    "pink": "粉紅",
}

_STYLE_ENDING = re.compile("的?(?:畫風|風格|畫|風)?")


class TranslationError(TwinseedError):
    """Text that cannot be put into English without an LLM."""

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(
            message,
            hint=(
                "set GEMINI_API_KEY, or OPENAI_API_KEY (with OPENAI_BASE_URL for another server), "
                "for an LLM's translation; or write it in English, or give both prompts in English "
                "with --simple and --expanded"
            ),
            **values,
        )


@dataclass(frozen=True)
class _Lexicon:
    meanings: dict[str, tuple[str, Word]]
    pattern: re.Pattern[str]
    glue: re.Pattern[str]


def to_english(text: str) -> str:
    """一隻紅色的狗在海灘上騎腳踏車，水彩風格 becomes "a red dog riding a bicycle on a beach, watercolor style".

    Understands the topics, actions and styles of the built-in lists and Seedling's words, in any order, one of each
    kind. Raises `TranslationError` when anything is left over.

    >>> to_english("水彩風格的貓頭鷹在夜晚看書")
    'an owl reading a book at night, watercolor style'
    """
    lexicon = _lexicon()
    found: dict[str, Word] = {}
    place = 0
    while place < len(text):
        match = lexicon.pattern.match(text, place)
        if match:
            kind, word = lexicon.meanings[match.group()]
            if kind in found:
                raise TranslationError(
                    "the offline expander can translate one {kind} at a time, and {text!r} has {first} and {second}",
                    kind=kind,
                    text=_shortened(text),
                    first=found[kind].zh,
                    second=word.zh,
                )
            found[kind] = word
            place = match.end()
            if kind == "style":
                place += len((_STYLE_ENDING.match(text, place) or [""])[0])
        elif glue := lexicon.glue.match(text, place):
            place = glue.end()
        else:
            raise TranslationError(
                "the offline expander translates only the words of its own lists, and does not know {unknown!r} "
                "in {text!r}",
                unknown=text[place : place + 12],
                text=_shortened(text),
            )
    if not found:
        raise TranslationError("there is nothing to translate in {text!r}", text=_shortened(text))
    return _compose({kind: word.en for kind, word in found.items()}, counted=bool(found.get("topic")))


def _compose(found: dict[str, str], *, counted: bool) -> str:
    subject = " ".join(found[kind] for kind in ("colour", "topic") if kind in found)
    if counted:
        subject = f"{indefinite_article(subject)} {subject}"
    parts = [subject, *(found.get(kind, "") for kind in ("action", "setting", "time", "weather"))]
    sentence = " ".join(part for part in parts if part)
    return ", ".join(part for part in (sentence, style_phrase(found["style"]) if "style" in found else "") if part)


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    words = built_in_words()
    meanings: dict[str, tuple[str, Word]] = {}
    for kind, entries in (("topic", words.topics), ("action", words.actions), ("style", words.styles)):
        meanings |= {word.zh: (kind, word) for word in entries}
    for kind in ("setting", "time", "weather", "colour"):
        for term in seedling_vocabulary().terms[kind]:
            names = [term.word.zh, *_ALSO.get(term.name, "").split()]
            meanings |= {name: (kind, term.word) for name in names if name not in meanings}
    measures = "|".join(sorted({word.measure for word in words.topics} | {"個"}))
    return _Lexicon(
        meanings,
        pattern=re.compile("|".join(sorted(map(re.escape, meanings), key=len, reverse=True))),
        glue=re.compile(rf"一(?:{measures})?|正在|[在的，、。,.\s]"),
    )
