"""The subject of a concept: the noun that its first phrase is about, what kind of thing it is, and where it lives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ideation.english import singular, words_of
from ideation.expanders.offline.details import built_in_details

#: "A photo of", "an oil painting of", "close-up portrait of": what comes before the subject and is none.
_BEFORE = (
    "photo, photograph, picture, image, painting, drawing, sketch, illustration, portrait, close-up, close up, "
    "view, comic, cartoon, crayon drawing, watercolor, watercolour, engraving, window, graffiti, face, head, "
    "silhouette, back, group, pair, pile, bunch, herd, flock, stack, series, collection, family, version, selfie, "
    "render, side, slice, slices, piece, scraps, inside, shards, keys, eye, eyes, hand, hands, top, bundle, set, "
    "mural, crowd, row, thumbnail, bowl, cup, cups, glass, bottle, pitcher, plate, pint, can, bar, loaf, basket, "
    "jar, pot, bag"
).split(", ")
_FRAME = re.compile(
    r"^\W*(?:(?:an?|the|one|some|several|two|three|four|five|six|seven|eight|nine|ten|\d+)\s+)?"
    r"(?:(?!(?:with|on|in|of|for)\b)[\w'’-]+\s+){0,4}?"
    rf"(?:{'|'.join(_BEFORE)})\s+(?:of|about|depicting|showing)\s+",
    re.IGNORECASE,
)
_ENDS = frozenset(
    "in on at by with to for from into onto near over under through across along beside behind between above "
    "below inside outside around against beneath among amid during before after toward towards like as while when "
    "where that which who whose and or but of upon off next atop down up out is are was were has have had sits "
    "stands gives flies flying rises rolled crashed raced jumps holds wearing holding riding says saying written "
    "painted made surrounded parked gave chased smiled painted floated found because doing without instead "
    "covered filled standing sitting".split()
)
#: Nouns that end like a participle, and adjectives that do.
_NO_VERBS = frozenset(
    "king ring wing string spring duckling viking wedding building painting drawing sterling gosling ceiling "
    "clothing lightning pudding smiling laughing dancing flying red bed shed sled reed weed seed framed teddy- "
    "bearded".split()
)


@dataclass(frozen=True)
class Subject:
    """`kind` is one of the tables' kinds of subject, "" where the noun is in none; `homes` are scenes. `noun` is as it
    was typed, or ""."""

    noun: str
    kind: str
    homes: tuple[str, ...]


@lru_cache(maxsize=512)
def find_subject(text: str) -> Subject:
    """The subject of a concept in English.

    >>> find_subject("a photo of two red foxes on a hill")
    Subject(noun='foxes', kind='animal', homes=('forest',))
    >>> find_subject("a cat statue made of butter").kind, find_subject("serendipity").kind
    ('thing', '')
    """
    while match := _FRAME.match(text):
        text = text[match.end() :]
    phrase = _first_phrase(text)
    nouns, longest = _nouns()
    for size in range(longest, 0, -1):
        # The last noun is the one that the others describe: a hamster dragon is a dragon.
        for end in range(len(phrase), size - 1, -1):
            for form in _singulars(" ".join(phrase[end - size : end])):
                if form in nouns and (size > 1 or end == _last_noun(phrase, nouns)):
                    kind, homes = nouns[form]
                    return Subject(" ".join(phrase[end - size : end]), kind, homes)
    return Subject("", "", ())


def _last_noun(phrase: list[str], nouns: dict[str, tuple[str, tuple[str, ...]]]) -> int:
    return max(
        (n + 1 for n, word in enumerate(phrase) if any(form in nouns for form in _singulars(word))),
        default=0,
    )


def _first_phrase(text: str) -> list[str]:
    words: list[str] = []
    spans = words_of(text)
    for place, word in enumerate(spans):
        key = word.key.replace("’", "'")
        after = spans[place + 1].key if place + 1 < len(spans) else ""
        if words and re.search(r"[,;.:!?()\"“]", text[spans[place - 1].end : word.start]):
            break
        if words and _ends_phrase(words, key, after):
            break
        words.append(key.removesuffix("'s"))
    return words


def _ends_phrase(words: list[str], key: str, after: str) -> bool:
    """Whether `key` stands behind the first phrase: a preposition, or what the subject does."""
    if key == "of":
        return f"{words[-1]} of {after}" not in _joined_by_of()
    named = any(form in _nouns()[0] for form in _singulars(words[-1]))
    if key in _NO_VERBS:  # "kids building a snowman", but "an old building"
        return named and key.endswith("ing") and after in ("a", "an", "the", "his", "her", "their", "its")
    return key in _ENDS or (key.endswith("ing") and (named or len(words) > 1)) or (key.endswith("ed") and named)


@lru_cache(maxsize=1)
def _joined_by_of() -> frozenset[str]:
    """What joins nouns such as "the statue of liberty"."""
    joined = (noun.split(" of ") for noun in _nouns()[0] if " of " in noun)
    return frozenset(f"{parts[0].split()[-1]} of {parts[1].split()[0]}" for parts in joined)


def _singulars(word: str) -> list[str]:
    before, space, last = word.rpartition(" ")
    forms = [word, before + space + singular(last)]  # of mice, a mouse
    for plural, single in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")):
        if word.endswith(plural) and len(word) > len(plural) + 1 and not word.endswith("ss"):
            forms.append(word.removesuffix(plural) + single)
    return forms


@lru_cache(maxsize=1)
def _nouns() -> tuple[dict[str, tuple[str, tuple[str, ...]]], int]:
    """Kind and homes of each noun, and how many words the longest noun has."""
    table: dict[str, tuple[str, tuple[str, ...]]] = {}
    for kind, scenes in built_in_details().subjects.items():
        for scene, nouns in scenes.items():
            for noun in nouns:
                before = table.get(noun)
                homes = (scene,) if scene else ()
                table[noun] = (before[0], (*before[1], *homes)) if before else (kind, homes)
    return table, max(len(noun.split()) for noun in table)
