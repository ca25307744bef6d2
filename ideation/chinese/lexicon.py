"""The lexicon: our own Chinese words, those that concepts are drawn from among them, and what each says in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ideation.chinese.chart import Edge
from ideation.chinese.numerals import NUMBERS, clock_edges, measures, number_edges
from ideation.chinese.phrases import Noun, Quantity, Verb
from ideation.chinese.script import fold
from ideation.draw import built_in_words, seedling_vocabulary
from ideation.english.inflection import is_plural
from templates import own_yaml

FOLDER = Path(__file__).parent / "words"

_COST, _SINGLE_COST, _FUNCTION_COST = 1.0, 1.2, 0.4
#: Categories of words that say something by themselves.
_CONTENT = frozenset("n np v v! a adv place at moment sty mod".split())

_AN_ARTICLE = re.compile(r"\Aan? (?=[a-z])", re.IGNORECASE)
#: What takes no article in front of it: what has a determiner or a number, and where something is ("in a forest").
_DETERMINED = re.compile(
    r"(?:my|your|his|her|its|our|their|this|that|these|those|some|many|several|two|three|four|five|six|seven|eight|nine"
    r"|ten|in|on|at|by|with|without|under|over|near|behind|beside|among|inside|from|of) "
)
_LATIN = re.compile(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ0-9'’.&+-]*(?: [A-Za-zÀ-ɏ0-9][A-Za-zÀ-ɏ0-9'’.&+-]*)*")
#: The commonest surnames, folded, in front of a name of ours: 王小明 is no king.
_SURNAMES = dict(
    pair.split(":")
    for pair in (
        "王:Wang 陈:Chen 林:Lin 李:Li 张:Zhang 黄:Huang 吴:Wu 刘:Liu 蔡:Cai 杨:Yang 许:Xu 郑:Zheng 谢:Xie 郭:Guo "
        "洪:Hong 邱:Qiu 曾:Zeng 廖:Liao 赖:Lai 徐:Xu 周:Zhou 叶:Ye 苏:Su 庄:Zhuang 江:Jiang 何:He "
        "高:Gao 萧:Xiao 罗:Luo 潘:Pan"
    ).split()
)
#: What somebody does, in English amid Chinese: 一隻在 sleeping 的貓.
_DOING = re.compile(r"(?!king|ring|thing|string|spring|wing|sling)[a-z]+ing")


@dataclass(frozen=True)
class Entry:
    category: str
    meaning: Any
    cost: float


@dataclass(frozen=True)
class Lexicon:
    """Entries by their text, folded into one script."""

    entries: dict[str, list[Entry]]

    @cached_property
    def styles(self) -> dict[str, str]:
        """The names of styles, folded, with their English."""
        return {
            text: entry.meaning
            for text, entries in self.entries.items()
            for entry in entries
            if entry.category == "sty"
        }

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.entries))

    def edges(self, text: str) -> list[Edge]:
        """Every word of ours in `text`, numbers and words in Latin letters too."""
        folded, found = fold(text), number_edges(fold(text)) + clock_edges(fold(text))
        for start in range(len(folded)):
            for end in range(start + 1, min(start + self._longest, len(folded)) + 1):
                for entry in self.entries.get(folded[start:end], ()):
                    found.append(Edge(start, end, entry.category, entry.meaning, entry.cost))
        for edge in [edge for edge in found if edge.category == "n" and edge.meaning.head.startswith("Xiao ")]:
            if edge.start and (surname := _SURNAMES.get(folded[edge.start - 1])):
                noun = replace(edge.meaning, head=f"{surname} {edge.meaning.head}")
                found.append(Edge(edge.start - 1, edge.end, "n", noun, _COST))
        for match in _LATIN.finditer(text):
            found.append(Edge(*match.span(), "n", _noun_of_latin(match.group()), _COST))
            if _DOING.fullmatch(match.group()):
                found.append(Edge(*match.span(), "v!", Verb("", given=match.group()), _COST))
        return found


def _noun_of_latin(words: str) -> Noun:
    """What is written in English amid Chinese, with an article or a number of its own where it has one.

    >>> [_noun_of_latin(words).text for words in ("cute dog", "a cat", "the moon", "two dogs", "cats", "Max")]
    ['a cute dog', 'a cat', 'the moon', 'two dogs', 'cats', 'Max']
    """
    bare = _AN_ARTICLE.sub("", words)  # it comes back with what is said before the noun
    if not (bare.islower() and bare.isascii()):
        return Noun(bare, "name")
    if bare.startswith("the "):
        return Noun(bare, "the")
    if _DETERMINED.match(bare):
        return Noun(bare, "name")
    return Noun(bare, "plural" if is_plural(bare.rpartition(" ")[2]) else "count")


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """All of our own words. A later one of the same text and category takes an earlier one's place."""
    found: dict[str, dict[str, Entry]] = {}
    for text, category, meaning in _all_words():
        folded = fold(text)
        cost = _COST if len(folded) > 1 else _SINGLE_COST
        if category not in _CONTENT:
            cost = _FUNCTION_COST
        found.setdefault(folded, {})[category] = Entry(category, meaning, cost)
    return Lexicon({text: list(entries.values()) for text, entries in found.items()})


def _all_words() -> Iterator[tuple[str, str, Any]]:
    nouns: dict[str, Noun] = {}
    for text, noun in _nouns():
        nouns[text] = noun
        yield text, "n", noun
    verbs: dict[str, Verb] = {}
    for text, category, verb in _verbs():
        if category == "v!":
            verbs[text] = verb
        yield text, category, verb
    yield from _modifiers()
    yield from _drawn(nouns, verbs)
    yield from _particles()
    yield from ((text, "m", quantity) for text, quantity in measures())
    yield from ((text, "num", quantity) for text, quantity in NUMBERS)


def _table(name: str) -> Any:
    return own_yaml(FOLDER / f"{name}.yaml")


def _pairs(table: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((text, str(english)) for english, words in table.items() for text in str(words).split())


def _nouns() -> Iterator[tuple[str, Noun]]:
    groups = [group for file in sorted((FOLDER / "nouns").glob("*.yaml")) for group in _table(f"nouns/{file.stem}")]
    for group in groups:
        for counting in ("count", "mass", "plural", "the", "name"):
            for text, english in _pairs(group.get(counting, {})):
                yield text, Noun(english, counting, group["class"], group.get("at", "in"))


def _verbs() -> Iterator[tuple[str, str, Any]]:
    table = _table("verbs")
    postures = set(table["postures"].split())
    for text, english in _pairs(table["verbs"]):
        yield text, "v", Verb(english, posture=english.split()[0] in postures, transitive=True)
    for text, by_group in table["of"].items():
        base = by_group["any"]
        groups = {group: english for group, english in by_group.items() if group != "any"}
        yield text, "v", Verb(base, groups, posture=base.split()[0] in postures, transitive=True)
    for text, english in _pairs(table["for_somebody"]):
        yield from ((form, "v給", Verb(english, transitive=True)) for form in _with_aspect(text))
    for section in ("alone", "actions"):
        for text, english in _pairs(table[section]):
            verb = Verb(english, posture=english.removeprefix("be ").split()[0] in postures)
            yield from ((form, "v!", verb) for form in _with_aspect(text))


def _with_aspect(text: str) -> Iterator[str]:
    """The verb itself, and those of a verb and its object with what stands between the two: 跳舞, 跳著舞, 跳了舞."""
    yield text
    if len(text) > 1 and text[1] not in "著了過":
        yield from (f"{text[0]}{aspect}{text[1:]}" for aspect in ("著", "了", "過", "完"))


def _modifiers() -> Iterator[tuple[str, str, Any]]:
    table = _table("modifiers")
    for name, category in (
        ("adjectives", "a"),
        ("adverbs", "adv"),
        ("places", "place"),
        ("moments", "moment"),
        ("styles", "sty"),
    ):
        yield from ((text, category, english) for text, english in _pairs(table[name]))


def _particles() -> Iterator[tuple[str, str, Any]]:
    table = _table("particles")
    for text, category in _pairs(table["function_words"]):
        yield text, category, None
    for name, category in (("localizers", "loc"), ("directions", "dir"), ("pronouns", "pron"), ("before_verbs", "想")):
        yield from ((text, category, english) for text, english in _pairs(table[name]))
    for text, english in _pairs(table["everywhere"]):
        yield text, "mod", Noun("", after=(english,), quantity=Quantity("", many=True))
    for text, english in _pairs(table["people"]):
        yield text, "np", Noun(english, "name", "person")


def _drawn(nouns: dict[str, Noun], verbs: dict[str, Verb]) -> Iterator[tuple[str, str, Any]]:
    """The words that concepts are drawn from: what is drawn in Chinese is the same in English again."""
    words = built_in_words()
    for word in words.topics:
        known = nouns.get(word.zh)
        if known is None:
            person = word.measure in ("位", "名")
            yield (
                word.zh,
                "n",
                Noun(word.en, "count", "person" if person else "animal" if word.measure in "隻頭" else "thing"),
            )
        elif f" of {known.head}" not in word.en:  # a cup of bubble tea is a measure word's
            yield word.zh, "n", replace(known, head=word.en, counting="count")
    for word in words.actions:
        if word.zh not in verbs or verbs[word.zh].participle() != word.en:
            yield word.zh, "v!", Verb("", given=word.en)
    for word in words.styles:
        yield word.zh, "sty", word.en
    terms = seedling_vocabulary().terms
    for kind, category in (("setting", "at"), ("time", "moment"), ("weather", "moment"), ("colour", "a")):
        yield from ((term.word.zh, category, term.word.en) for term in terms[kind])
