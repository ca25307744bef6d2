"""The added details: what a model is asked for that cannot write two prompts as JSON.

The concept is the simple prompt; the model sees a few pictures with their details and writes the details of one more,
on one line, several times over. What repeats or contradicts the concept is left out, and the fullest line is taken that
the faithfulness gate lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ideation.chinese import translate
from ideation.concept import Concept, concept_text
from ideation.draw import built_in_words
from ideation.english import content_stems, plain_words, same
from ideation.errors import Clause, TwinseedError
from ideation.expanders.errors import UnusableResponse, WrongLanguage
from ideation.expanders.instruction import WORDS_PER_TOKEN
from ideation.expanders.llm.response import plain_line, without_thoughts
from ideation.expanders.protocol import DraftedPrompts, DraftRequest
from ideation.faithfulness import check

#: Pictures and their details, to show what is wanted.
EXAMPLES = (
    ("a fox reading a newspaper", "on a park bench, fallen leaves, warm autumn light, soft focus"),
    ("two old men playing chess, watercolor style", "in a quiet courtyard, dappled shade, pale colors"),
    ("a red lighthouse", "on a rocky coast, crashing waves, storm clouds, dramatic evening sky"),
    ("a robot watering plants", "in a glass greenhouse, lush green leaves, bright morning light, clean background"),
)
#: The same in words that Seedling knows.
SEEDLING_EXAMPLES = (
    ("a fox reading a book", "in a forest, at sunset, in the fog, soft light, fine detail"),
    ("a robot painting a picture", "in a city, at night, in the rain, vivid colours, dramatic lighting"),
    ("a cat playing the guitar, watercolor style", "on a beach, at noon, warm light, gentle mood"),
    ("a bear", "in the mountains, in the snow, cool tones, wide shot, rich texture"),
)
#: So many phrases are added at most.
MAX_PHRASES = 5

_ASK = "Add details to the picture: "
_PLACE = (
    "in on at under by near inside beside among amid beneath above along across through over around behind atop "
    "underwater outdoors indoors".split()
)
#: What only one can be true of; the first that is said counts.
_MOMENTS = (
    "day noon midday sun sunny sunlit sunlight sunshine daylight afternoon sunbeams",
    "night nighttime midnight moon moonlit moonlight moonrise starry stars nocturnal",
    "sunset dusk evening twilight",
    "sunrise dawn morning",
)
_WEATHERS = (
    "snow snowy snowfall blizzard ice icy",
    "rain rainy raindrops downpour",
    "desert dry arid",
    "sunny sunshine cloudless",
)
_LIGHT = frozenset(
    "light lights lighting sky sun sunset moon night shadow shadows glow fog mist clouds colors colours".split()
)
#: Another medium than the concept's, negations that turn against it, and whom and what it does not ask for.
_UNWANTED = frozenset(
    "style styled painting painted photograph photo photography watercolor watercolour sketch drawing "
    "illustration anime cartoon 3d render pixel artist picture pictures image details no not without never nothing "
    "man men woman women boy girl person people human humans child children kid he she they his her its their i you "
    "my your we our someone figure smile face eyes hair car cars truck train boat boats ship ships sailboat bus "
    "bike horse puppy eagle bird birds camera screen".split()
)
_COUNTED = frozenset("a an the one two three four five some many several another".split())
_JOINS = frozenset("a an the his her its in on at up to and with of by from into over away past".split())
_LEFT_OPEN = frozenset(
    "a an the of in on at with and or by large small big tiny dark dimly bright quiet old beautiful long vast huge "
    "very deep high low wide his her its to from".split()
)
_NO_TEXT = re.compile(r"[^\w\s'’&.-]|_|\d{3,}|(?<!\w)\.|\.(?!\w)(?!$)")
_LABEL = re.compile(
    r"^\W*(?:(?:added\s+)?details?|picture|prompt|expanded(?:\s+prompt)?|answer|sure)\s*[:：!,-]\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Sample:
    """What a model wrote; not `ended` where it was stopped in the middle of a line."""

    text: str
    ended: bool = True


def simple_prompt(concept: Concept) -> tuple[str, tuple[str, ...]]:
    """The concept in English, as it was drawn, as it was typed, or translated from Chinese, and what is to be said
    about that. Raises `WrongLanguage`.

    >>> from ideation.concept import typed_concept
    >>> simple_prompt(typed_concept("a dog on a beach.")), simple_prompt(typed_concept("一隻狗在海灘上騎腳踏車"))
    (('a dog on a beach', ()), ('a dog riding a bicycle on a beach', ()))
    """
    if concept.topic and concept.action and concept.style:
        return concept_text(concept.topic, concept.action, concept.style, "en"), ()
    language = concept.language.casefold().split("-")[0]
    if language == "en":
        return concept.text.rstrip(" .,;!"), ()
    try:
        translation = translate(concept.text) if language == "zh" else None
    except TwinseedError:
        translation = None
    if translation is None:
        raise WrongLanguage(
            "the concept is in {language}, and a small language model cannot translate it",
            hint="write it in English, or name a larger model with --llm-model NAME",
            language=concept.language,
        )
    if not translation.lookups:
        return translation.english, ()
    words = ", ".join(f'{word.chinese} "{word.english}"' for word in translation.lookups)
    note = Clause(
        "These words of the translation come from a dictionary, and are the ones to look over: {words}.", words=words
    )
    return translation.english, (note,)


def as_text(simple: str, request: DraftRequest) -> str:
    """The pictures with their details, and the one whose details are wanted, as a text to go on with."""
    shown = "".join(f"Picture: {picture}\nDetails: {details}\n\n" for picture, details in _examples(request))
    return f"{shown}Picture: {simple}\nDetails:"


def as_messages(simple: str, request: DraftRequest) -> list[dict[str, str]]:
    """The same as a conversation."""
    messages = []
    for picture, details in _examples(request):
        messages += [{"role": "user", "content": _ASK + picture}, {"role": "assistant", "content": details}]
    return [*messages, {"role": "user", "content": _ASK + simple}]


def best_draft(simple: str, samples: Iterable[Sample], request: DraftRequest, notes: tuple[str, ...]) -> DraftedPrompts:
    """The simple prompt, and the best of the samples added to it. Raises `UnusableResponse` when none adds anything.

    >>> from ideation.concept import typed_concept
    >>> request = DraftRequest(typed_concept("a dog on a bicycle"), 0, 77)
    >>> best_draft("a dog on a bicycle", [Sample(" a red dog, blue sky, blue sky, soft light")], request, ()).expanded
    'a dog on a bicycle, blue sky, soft light'
    """
    lines = [_phrases(sample) for sample in samples]
    offers = [(_fitting(simple, phrases, request), len(phrases)) for phrases in lines]
    if not any(len(offer) > 1 for offer, _ in offers):
        # Where no line says much, all together may.
        together = [phrase for phrases in lines for phrase in phrases]
        offers.append((_fitting(simple, together, request, things=True), 0))
    best: tuple[tuple[float, ...], str] | None = None
    for offer, written in offers:
        if not offer:
            continue
        expanded = ", ".join((simple, *offer))
        lost = len(check(request.concept, simple, expanded).lost)
        rank = (-lost, _worth(offer, max(written - len(offer), 0)))
        if best is None or rank > best[0]:
            best = rank, expanded
    if best is None:
        raise UnusableResponse(
            "the language model adds nothing to the concept that could be drawn: {said}",
            hint="try again with another --seed, or name a larger model with --llm-model NAME",
            said="; ".join(", ".join(phrases) for phrases in lines)[:200],
        )
    return DraftedPrompts(request.concept.language, simple, best[1], warnings=notes)


def say_enough(simple: str, samples: Iterable[Sample], request: DraftRequest) -> bool:
    """Whether one of the samples will do, so that no more need be asked for."""
    offers = [_fitting(simple, _phrases(sample), request) for sample in samples]
    return any(
        len(offer) > 1 and not check(request.concept, simple, ", ".join((simple, *offer))).lost for offer in offers
    )


def note_of(llm_model: str | None, reason: Clause) -> Clause:
    """What is said about a draft that came about this way."""
    return Clause(
        "{llm_model} {reason}, so it was asked only for details to add; the simple prompt is the concept itself.",
        llm_model=llm_model,
        reason=reason,
    )


def _examples(request: DraftRequest) -> Sequence[tuple[str, str]]:
    return EXAMPLES if request.vocabulary is None else SEEDLING_EXAMPLES


def _phrases(sample: Sample) -> list[str]:
    """The phrases of the first line, without the last one where it was cut."""
    try:
        text = without_thoughts(sample.text)
    except UnusableResponse:
        return []
    lines = [line for line in text.splitlines() if line.strip()]
    line = _LABEL.sub("", plain_line(lines[0])) if lines else ""
    phrases = [phrase.strip(" .!\"'“”") for phrase in re.split(r"[,;:]|[.!?]\s", line)]
    return phrases[: None if sample.ended or len(lines) > 1 else -1]


def _fitting(simple: str, phrases: Sequence[str], request: DraftRequest, *, things: bool = False) -> list[str]:
    """The phrases that add something to the concept, agree with it and with each other, and fit into the encoder; with
    `things`, other things beside the subject as well."""
    concept = f"{request.concept.text} {simple}"
    own = {synonym for word_stem in content_stems(simple) for synonym in same(word_stem)}
    said = set(content_stems(concept))
    told = list(plain_words(concept))
    placed = any(word in _PLACE for word in told)
    taken: list[str] = []
    room = int((request.token_limit - 2) * WORDS_PER_TOKEN) - len(simple.split()) if request.fit else 60
    for phrase in phrases:
        words = plain_words(phrase)
        stems = content_stems(phrase)
        # "a sailboat" is another thing, "a soft light" is none.
        thing = not things and words[:1] and words[0] in _COUNTED and not _LIGHT & set(words)
        if thing or not _is_detail(phrase, words) or not stems:
            continue
        place = words[0] in _PLACE
        repeats = stems[-1] in said or len(set(stems)) < len(stems)
        about_another = own & set(stems) or _subjects() & set(stems) or (place and placed)
        unknown = request.vocabulary is not None and request.vocabulary.unknown_words(phrase)
        if repeats or about_another or unknown or not _agrees(words, told) or len(words) > room:
            continue
        taken.append(phrase)
        said |= set(stems)
        told += words
        placed = placed or place
        room -= len(words)
        if len(taken) == MAX_PHRASES:
            break
    return taken


def _is_detail(phrase: str, words: Sequence[str]) -> bool:
    """Whether it is a phrase of two to eight words, whole, in plain text, about the scene."""
    if (
        not 2 <= len(phrase.split()) <= len(words) <= 8
        or _NO_TEXT.search(phrase)
        or _UNWANTED & set(words)
        or words[-1] in _LEFT_OPEN
    ):
        return False
    # "riding a horse" and "lost in the sea" would be another action.
    return not (words[0].endswith(("ing", "ed", "lost", "seen")) and words[1] in _JOINS)


def _agrees(words: Sequence[str], told: Sequence[str]) -> bool:
    """Whether no other time of day and no other weather has been said already."""
    for kinds in (_MOMENTS, _WEATHERS):
        here = {number for number, kind in enumerate(kinds) if set(kind.split()) & set(words)}
        there = {number for number, kind in enumerate(kinds) if set(kind.split()) & set(told)}
        if len(here) > 1 or (here and there and here != there):
            return False
    return True


@lru_cache(maxsize=1)
def _subjects() -> frozenset[str]:
    """Stems of all topics of the word lists: none of them is a detail."""
    return frozenset(stems[-1] for topic in built_in_words().topics if (stems := content_stems(topic.en)))


def _worth(offer: Sequence[str], dropped: int) -> float:
    words = [plain_words(phrase) for phrase in offer]
    placed = any(phrase[0] in _PLACE for phrase in words)
    lit = any(_LIGHT & set(phrase) for phrase in words)
    copied = sum(phrase in details.split(", ") for phrase in offer for _, details in EXAMPLES)
    return min(len(offer), 5) + placed + lit - 0.5 * dropped - copied
