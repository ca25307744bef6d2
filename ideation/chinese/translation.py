"""The translation of a concept in Chinese into English, without a language model."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ideation.chinese.chart import Edge, Lookup, Reading, read
from ideation.chinese.dictionary import dictionary_edges
from ideation.chinese.grammar import LIFTS, RULES, WHOLE
from ideation.chinese.lexicon import lexicon
from ideation.chinese.phrases import Noun, Quantity, Scene
from ideation.chinese.requests import without_request
from ideation.chinese.script import fold
from ideation.draw import built_in_words
from ideation.english import style_phrase
from ideation.errors import TwinseedError

#: The longest text that is translated. What is longer tells more than a picture shows, and takes its time to read.
MAX_CHARACTERS = 300
#: So many doubts about a clause are too many.
_HOPELESS = 4
#: What parts the clauses of a concept; a space too, between Chinese characters.
_CLAUSES = re.compile(
    r"[，,。．.；;：:！!？?…—~～()（）「」『』“”\"《》〈〉【】\[\]\n|/]+|(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])"
)
#: A clause in English that is a style: "watercolor style", "in the style of Hokusai", or a style's name alone.
_STYLE = re.compile(r"(?P<said>in the style of |)(?P<name>[A-Za-zÀ-ɏ][\w .'’&-]*?)(?P<style>[ -]style|)", re.IGNORECASE)
#: English and Chinese by turns.
_BY_SCRIPT = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_PREPOSITIONS = (
    "in on at by with without under over near behind beside among inside from of to for into onto through like and or"
)
_PREPOSITION = re.compile("|".join(_PREPOSITIONS.split()), re.IGNORECASE)
#: English words that join what is before them to what is behind them.
_JOINT = re.compile(
    rf"(?:{'|'.join(_PREPOSITIONS.split())}|is|are|(?!thing|king|ring|spring|string)[a-z]+ing)(?![\w-])"
)
_SEVERAL = frozenset("two three four five six seven eight nine ten some many several these those".split())
#: A determiner that waits for its noun, with adjectives: "a cute" of "a cute 企鵝".
_DETERMINER = re.compile(
    rf"(?:^|(?<= ))(?P<determiner>an?|the|my|your|his|her|its|our|their|this|that|one|{'|'.join(sorted(_SEVERAL))})"
    rf"(?P<more>(?: (?!(?:an?|the|is|are|{'|'.join(_PREPOSITIONS.split())}|[a-z]+ing)\b)[a-z-]+)*)$",
    re.IGNORECASE,
)


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


class UnknownChinese(TwinseedError):
    """A Chinese concept with words that neither our lists nor the dictionary has."""

    def __init__(self, text: str, unknown: list[str]) -> None:
        super().__init__(
            "no dictionary here has {unknown} in {text!r}",
            hint=(
                "say it in other words, or write just that in English where it stands, or give the whole prompt in "
                "English with --simple; with GEMINI_API_KEY, or OPENAI_API_KEY (and OPENAI_BASE_URL for another "
                "server), an LLM translates"
            ),
            unknown=", ".join(map(repr, unknown)),
            text=text if len(text) <= 40 else text[:39] + "…",
        )


class UnclearChinese(TwinseedError):
    """A Chinese concept whose words are known, and whose sentence is not understood."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__(
            "the sentence cannot be made out without an LLM: {parts}",
            hint=(
                "say it in shorter words (who does what, where), or give the whole prompt in English with --simple; "
                "with GEMINI_API_KEY, or OPENAI_API_KEY (and OPENAI_BASE_URL for another server), an LLM translates"
            ),
            parts=", ".join(repr(part if len(part) <= 40 else part[:39] + "…") for part in parts),
        )


@dataclass(frozen=True)
class Translation:
    """A concept in English, with what is to be looked over: the words that were looked up in a dictionary, with the
    meaning that was taken, and the clauses that could be read in another way as well (`doubtful`)."""

    english: str
    lookups: tuple[Lookup, ...] = ()
    doubtful: tuple[str, ...] = ()

    @property
    def unsure(self) -> bool:
        """Whether there is anything to be looked over."""
        return bool(self.lookups or self.doubtful)


def _style_in_english(clause: str) -> str | None:
    """The style that a clause in English is, as "watercolor" behind a comma; None for any other clause."""
    found = _STYLE.fullmatch(clause.strip())
    if found is None:
        return None
    listed = {word.en.casefold() for word in built_in_words().styles}
    said = found["said"] or found["style"]
    return style_phrase(found["name"]) if said or found["name"].casefold() in listed else None


@lru_cache(maxsize=64)
def translate(text: str) -> Translation:
    """The concept in English, made of our own words where they reach, and of the dictionary's.

    Raises `UnknownChinese` for words that neither has, `TranslationError` for a text that is too long,
    `DictionaryError` where the dictionary is needed and missing.

    >>> translate("一隻紅色的狗在海灘上騎腳踏車，水彩風格").english
    'a red dog riding a bicycle on a beach, watercolor style'
    """
    if len(text) > MAX_CHARACTERS:
        raise TranslationError(
            "{count} characters of Chinese are too many to translate without an LLM; {most} are accepted",
            count=len(text),
            most=MAX_CHARACTERS,
        )
    scene, lookups, unknown = Scene(), list[Lookup](), list[str]()
    doubtful, unclear = list[str](), list[str]()
    for clause in filter(None, _CLAUSES.split(text)):
        part = re.sub(r"\s+(?![A-Za-z0-9])|(?<![A-Za-z0-9.])\s+", "", clause)
        part, named = without_request(part, lexicon().styles)
        if named:
            scene = scene.joined(Scene(styles=tuple(style_phrase(lexicon().styles[fold(name)]) for name in named)))
        if scene.text and (style := _style_in_english(clause)):
            scene = scene.joined(Scene(styles=(style,)))
            continue
        if scene.text and fold(part) in lexicon().styles:
            scene = scene.joined(Scene(styles=(style_phrase(lexicon().styles[fold(part)]),)))
            continue
        if not part:
            continue
        if (mixed := _mixed(part)) is not None:
            scene = scene.joined(Scene(Noun(mixed.english, "name")))
            lookups += mixed.lookups
            unknown += mixed.unknown
            unclear += mixed.unclear
            doubtful += [part] if mixed.doubtful else []
            continue
        reading, missing = _read(part)
        unknown += missing
        doubts = _doubts(reading)
        if (reading.gaps and not missing) or doubts >= _HOPELESS:
            unclear.append(part)
        elif doubts:
            doubtful.append(part)
        lookups += reading.lookups
        for category, meaning in reading.pieces:
            scene = scene.joined(_scene(category, meaning))
    if unknown:
        raise UnknownChinese(text, list(dict.fromkeys(unknown)))
    if unclear or not scene.text:
        raise UnclearChinese(unclear or [text])
    return Translation(scene.text, tuple(dict.fromkeys(lookups)), tuple(dict.fromkeys(doubtful)))


@dataclass(frozen=True)
class _Mixed:
    """A clause whose sentence is English, with Chinese words in it: "a 貓 riding a 腳踏車"."""

    english: str
    lookups: tuple[Lookup, ...]
    unknown: tuple[str, ...]
    unclear: tuple[str, ...]
    doubtful: bool


def _mixed(clause: str) -> _Mixed | None:
    """The clause as the English says it, with each stretch of Chinese put into English where it stands; None where no
    English word joins it to the rest, and Chinese grammar does: 一隻 penguin 在打 drums."""
    parts = _BY_SCRIPT.findall(clause)
    readings = {place: _read(part) for place, part in enumerate(parts) if not part.isascii()}
    if not readings or len(parts) == 1 or not any(_is_joint(parts, place, readings) for place in range(len(parts))):
        return None
    said: list[str] = []
    for place, part in enumerate(parts):
        if place not in readings:
            said.append(part.strip())
            continue
        before = said.pop() if said else ""
        said += filter(None, _set_in(before, readings[place][0]))
    unclear = tuple(parts[place] for place, (reading, missing) in readings.items() if reading.gaps and not missing)
    return _Mixed(
        " ".join(said),
        tuple(lookup for reading, _ in readings.values() for lookup in reading.lookups),
        tuple(word for _, missing in readings.values() for word in missing),
        unclear,
        any(_doubts(reading) for reading, _ in readings.values()),
    )


def _is_joint(parts: list[str], place: int, readings: dict[int, tuple[Reading, list[str]]]) -> bool:
    """Whether English words join the Chinese beside them: by how they begin (貓 riding) or how they end (the 貓)."""
    if place in readings or "".join(parts[place + 1 : place + 2]).startswith(("的", "著", "着")):
        return False
    words = parts[place].strip()
    if place and _JOINT.match(words):
        return True
    if place + 1 not in readings:
        return False
    alone = [category for category, _ in readings[place + 1][0].pieces] == ["np"]
    found = _DETERMINER.search(words)
    return _JOINT.match(words.rpartition(" ")[2]) is not None or (found is not None and (alone or not found["more"]))


def _set_in(before: str, reading: Reading) -> tuple[str, str]:
    """What stands before a stretch of Chinese, and the stretch in English, so that they go together: "a" is the noun's
    own article, and "at 日落" has its preposition once."""
    pieces = list(reading.pieces)
    determiner = _DETERMINER.search(before)
    if determiner and pieces and pieces[0][0] == "np" and pieces[0][1].quantity is None:
        number = determiner["determiner"].lower()
        quantity = Quantity("a" if number in ("a", "an") else number, many=number in _SEVERAL)
        more = tuple(determiner["more"].split())
        noun = replace(pieces[0][1], quantity=quantity, before=(*more, *pieces[0][1].before))
        before, pieces[0] = before[: determiner.start()].rstrip(), ("np", noun)
    scene = Scene()
    for category, meaning in pieces:
        scene = scene.joined(_scene(category, meaning))
    if pieces and pieces[0][0] in ("at", "moment") and _PREPOSITION.fullmatch(before.rpartition(" ")[2]):
        before = before.rpartition(" ")[0]
    return before, scene.text


def _doubts(reading: Reading) -> int:
    """How many joints of a clause are doubtful, or are none: pieces that stand beside each other."""
    told = [category for category, _ in reading.pieces if category not in ("style", "moment", "呢")]
    beside = len(told) - 1 if told and told not in (["np", "at"], ["at", "np"], ["at", "s"], ["s", "at"]) else 0
    return reading.doubtful + max(beside, 0)


def _read(clause: str) -> tuple[Reading, list[str]]:
    """The reading of a clause, and the words in it that are unknown.

    Our own words alone, where they read it as one and nothing in it is loose; else the dictionary's too.
    """
    edges = lexicon().edges(clause)
    reading = read(len(clause), edges, RULES, LIFTS, WHOLE)
    told = [category for category, _ in reading.pieces if category not in ("style", "moment")]
    if len(told) > 1 or reading.gaps or reading.loose:
        known = frozenset((edge.start, edge.end) for edge in edges if edge.category != "m")
        edges += dictionary_edges(clause, known)
        reading = read(len(clause), edges, RULES, LIFTS, WHOLE)
    unknown = [word for start, end in reading.gaps for word in _unknown(clause, start, end, edges)]
    return reading, unknown or _names(clause, reading.lookups)


def _names(clause: str, lookups: tuple[Lookup, ...]) -> list[str]:
    """Names that the dictionary only has character by character: 伍茲 is no "associate with now"."""
    pairs = [one.chinese + other.chinese for one, other in pairwise(lookups)]
    return [pair for pair in pairs if len(pair) == 2 and pair in clause]


def _unknown(clause: str, start: int, end: int, edges: list[Edge]) -> list[str]:
    """The words in a gap that are in no list; none where all of them are, and only make no sense together."""
    covered = {place for edge in edges for place in range(edge.start, edge.end)}
    marked = "".join("\n" if place in covered else clause[place] for place in range(start, end))
    return marked.split()


def _scene(category: str, meaning: Any) -> Scene:
    """A piece of a clause as a part of the picture."""
    if category == "s":
        found: Scene = meaning
        return found
    if category == "np":
        return Scene(meaning)
    if category == "vp":
        return Scene(actions=meaning)
    if category == "at":
        return Scene(places=(meaning,))
    if category == "moment":
        return Scene(moments=(meaning,))
    if category == "style":
        return Scene(styles=(meaning,))
    return Scene() if category == "呢" else Scene(others=(meaning,))
