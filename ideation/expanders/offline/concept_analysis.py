"""The concept analysis: what the words of a concept tell about the picture, before any detail is added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ideation.chinese import Lookup, TranslationError, translate
from ideation.concept import Concept, concept_text, english_topic
from ideation.draw import built_in_words, seedling_words
from ideation.expanders.offline.details import Pace, built_in_details, phrase_pattern
from ideation.vocabulary import seedling_vocabulary

_STYLE_CLAUSE = re.compile(
    r"^(?P<head>.+?)(?P<tail>(?:,\s*|\s+)(?:(?:rendered|painted|drawn|made|done)\s+)?in (?:the |a |an )?"
    r"(?:[^,]{2,60} )?style(?: of [^,]{2,60})?|,\s*[^,]{2,60} style)[\s.!]*$",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|inside|on|at|under|underneath|beneath|beside|near|above|over|across|through|among|between|behind|along|around"
    r"|into|outside|atop|next to|in front of|by)\s+(?:(?:a|an|the|my|his|her|its|their|our|your|some|two|three)\s+)"
    r"(?P<where>[\w' -]+)",
    re.IGNORECASE,
)
_MOVING = re.compile(
    r"\b(?:running|riding|flying|jumping|leaping|racing|driving|swimming|dancing|surfing|skating|chasing|falling|galloping"
    r"|kicking|throwing|sailing|climbing|diving|floating|skiing|fighting|soaring)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ConceptAnalysis:
    """A concept in English, and what is known of it.

    `text` is the simple prompt: `head` (who does what) and `tail` (", watercolor style", or nothing). `subject` is the
    topic of a text that could have been drawn from the built-in lists or Seedling's words, None for any other. `topic`
    and `action` are entries of the built-in lists, `style` one of the media; None where there is none. `said` names the
    kinds of detail that the text has already: night, rain, colour, light, view, mood, place ... `scenes` are the places
    that its words point to, and `pointed` says what pointed there: "place", "action", "topic", "words" or "".
    `lookups` are the words of a Chinese concept whose meaning comes from a dictionary.
    """

    text: str
    head: str
    tail: str
    subject: str | None
    topic: str | None
    action: str | None
    style: str | None
    said: frozenset[str]
    scenes: tuple[str, ...]
    pointed: str
    pace: Pace
    lookups: tuple[Lookup, ...] = ()


def analyze(concept: Concept) -> ConceptAnalysis:
    """What is known of a concept by the words of its text in English, whoever wrote that text.

    A drawn concept's parts only say what the text in English is: so its text, typed, comes to the same. Raises
    `TranslationError` for what is neither English nor Chinese, and what `ideation.chinese.translate` raises.

    >>> from ideation.concept import typed_concept
    >>> found = analyze(typed_concept("an octopus playing chess, ink wash style"))
    >>> found.topic, found.action, found.style, found.pointed
    ('octopus', 'playing chess', 'ink wash', 'topic')
    """
    text, lookups = _english(concept)
    head, tail, named_style = _split(text)
    topic, action = _find_entry(head, "topics"), _find_entry(head, "actions")
    style = _find_style(named_style) if named_style else _find_style(tail) or _find_style(text)
    said = {kind for kind, words in built_in_details().said.items() if phrase_pattern(words).search(head)}
    scenes, pointed, placed = _scenes(head, topic, action)
    if placed:
        said.add("place")
    note = built_in_details().actions.get(action or "")
    pace: Pace = note.pace if note else "moving" if _MOVING.search(head) else "still"
    subject = _subject(head, named_style)
    return ConceptAnalysis(
        text, head, tail, subject, topic, action, style, frozenset(said), scenes, pointed, pace, lookups
    )


def _split(text: str) -> tuple[str, str, str]:
    """A text as who does what, the style at its end with whatever joins the two, and that style's name where the text
    ends as those of drawn concepts do (", watercolor style"). Nothing is lost or changed."""
    head, comma, last = text.rpartition(", ")
    if (
        head
        and comma
        and (name := last.removesuffix(" style").casefold()) != last.casefold()
        and name in _style_names()
    ):
        return head, comma + last, name
    if clause := _STYLE_CLAUSE.match(text):
        return clause["head"], clause["tail"], ""
    head, comma, last = text.rpartition(",")
    if comma and re.sub(r"^an? ", "", last.strip(" .").casefold()) in _styles():
        return head, comma + last, ""
    return text, "", ""


def _english(concept: Concept) -> tuple[str, tuple[Lookup, ...]]:
    if concept.topic and concept.action and concept.style:
        text = concept_text(concept.topic, concept.action, concept.style, "en")
        if not _is_latin(text):
            raise TranslationError("the concept {text!r} has parts that are not English", text=text)
        return text, ()
    text = " ".join(concept.text.split())
    if concept.language == "zh-TW":
        translation = translate(text)
        return translation.english, translation.lookups
    if concept.language != "en":
        raise TranslationError(
            "the offline expander reads English and Chinese, and this is neither: {text!r}", text=text[:40]
        )
    return text, ()


def _subject(head: str, named_style: str) -> str | None:
    """The topic, where the whole text is one of a known topic, a known action and a known style and nothing else."""
    topics, actions = _drawable()
    before, space, action = head, " ", ""
    while named_style and space:
        before, space, last = before.rpartition(" ")
        action = f"{last} {action}".strip()
        if before in topics and action in actions:
            return topics[before]
    return None


def _scenes(head: str, topic: str | None, action: str | None) -> tuple[tuple[str, ...], str, bool]:
    """Where the head plays: a place that it names, else where the action is done, else where the topic is at home."""
    tables = built_in_details()
    rest = head
    for known in filter(None, (action, topic)):
        rest = re.sub(re.escape(known), "", rest, flags=re.IGNORECASE)
    where = next((match for match in _PLACE.finditer(rest) if not _time_or_weather(match["where"])), None)
    named = _named_scenes(where.group()) if where else ()
    # A place that we do not know stays without scenery: gulls over somebody's couch would be worse than nothing.
    if where or (named := _named_scenes(rest, places_only=True)):
        return named, "place" if named else "", True
    homes = tuple(tables.homes_of(topic)) if topic else ()
    note = tables.actions.get(action or "")
    if note:
        if note.pace == "moving":
            homes = tuple(home for home in homes if home in note.scenes or not tables.scenes[home].indoor)
        both = tuple(scene for scene in note.scenes if scene in homes)
        if both:
            return both, "both", False
        if homes and note.anywhere:
            return homes, "topic", False
        return note.scenes, "" if note.anywhere else "action", False
    if homes:
        return homes, "topic", False
    words = _named_scenes(head)
    return words, "words" if words else "", False


def _time_or_weather(text: str) -> bool:
    """Whether what looks like a place is none: "in a storm", "on a sunny morning"."""
    said = built_in_details().said
    return any(phrase_pattern(said[kind]).search(text) for kind in ("night", "dusk", "day", "rain", "fog", "light"))


def _named_scenes(text: str, *, places_only: bool = False) -> tuple[str, ...]:
    """The scene of the first word in `text` that belongs to one; with `places_only`, only words that name the place."""
    first: tuple[int, str] | None = None
    for name, scene in built_in_details().scenes.items():
        prepositional = tuple(word for word in scene.words if word.startswith(("on ", "in ", "under")))
        match = phrase_pattern((name, *(prepositional if places_only else scene.words))).search(text)
        if match and (first is None or match.start() < first[0]):
            first = (match.start(), name)
    return (first[1],) if first else ()


@lru_cache(maxsize=4)
def _entries(kind: str) -> dict[str, str]:
    return {word.en.casefold(): word.en for word in getattr(built_in_words(), kind)}


def _find_entry(text: str, kind: str) -> str | None:
    """The first entry of a built-in list that `text` names."""
    entries = _entries(kind)
    match = phrase_pattern(tuple(entries)).search(text)
    return entries[match.group(1).casefold()] if match else None


@lru_cache(maxsize=1)
def _drawable() -> tuple[dict[str, str], frozenset[str]]:
    """The topics that can be drawn, by how they begin a text, and the actions."""
    lists = (built_in_words(), seedling_words(seedling_vocabulary()))
    topics = {english_topic(word): word.en for words in lists for word in words.topics}
    return topics, frozenset(word.en for words in lists for word in words.actions)


@lru_cache(maxsize=1)
def _style_names() -> frozenset[str]:
    """The styles that can be drawn, case folded and without the word "style" at their end."""
    lists = (built_in_words(), seedling_words(seedling_vocabulary()))
    return frozenset(word.en.casefold().removesuffix(" style") for words in lists for word in words.styles)


@lru_cache(maxsize=1)
def _styles() -> dict[str, str]:
    media = built_in_details().media
    names = {also.casefold(): name for name, medium in media.items() for also in medium.also}
    return names | {name.casefold(): name for name in media}


def _find_style(text: str) -> str | None:
    match = phrase_pattern(tuple(_styles())).search(text)
    return _styles()[match.group(1).casefold()] if match else None


def _is_latin(text: str) -> bool:
    return not re.search(r"[\u0370-\u1dff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff]", text)
