"""The concept analysis: what the words of a concept tell about the picture, before any detail is added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ideation.chinese import Translation, TranslationError, translate
from ideation.concept import Concept, concept_text, english_topic
from ideation.draw import built_in_words, seedling_vocabulary, seedling_words
from ideation.english import words_of
from ideation.expanders.offline.details import Pace, Realm, built_in_details, phrase_pattern
from ideation.expanders.offline.scene_facts import SceneFacts, scene_facts
from ideation.expanders.offline.subject import Subject, find_subject

_STYLE_CLAUSE = re.compile(
    r"^(?P<head>.+?)(?P<tail>(?:,\s*|\s+)(?:(?:rendered|painted|drawn|made|done)\s+)?in (?:the |a |an )?"
    r"(?:(?:(?! in )[^,]){2,60} )?style(?: of [^,]{2,60})?|,\s*[^,]{2,60} style)[\s.!]*$",
    re.IGNORECASE,
)
_SPATIAL = re.compile(
    r"\b(?:in|inside|on|at|under|underneath|beneath|beside|near|above|over|across|through|among|between|behind|along|around"
    r"|into|onto|outside|atop|off|down|up|past|towards?|against|amid|next to|in front of|by|surround(?:ed|ing)"
    r"|on top of|from below|from above|to the (?:left|right) of|out of|with)\s+(?=(?P<where>[\w'’ -]{1,120}))",
    re.IGNORECASE,
)
#: A side of the picture is no place: what stands there is somewhere all the same.
_SIDE = re.compile(
    r"\b(?:on|to|at|in) the (?:left|right|middle|cent(?:er|re))(?:[ -]hand)?(?: side)?"
    r"(?: of the (?:picture|image|frame))?\b(?! of\b)",
    re.IGNORECASE,
)
#: What "with" brings along is worn, held or had, unless it stands around it.
_AROUND = re.compile(
    r"\b(?:in|on|behind|above|below|beside|around|next to|near) (?:it|him|her|them|top)\b|\b(?:back|fore)ground\b",
    re.IGNORECASE,
)
#: A style in the last clause, in front of all ("an oil painting of a fox"), or said as one.
_LAST_CLAUSE = re.compile(r"[.,;]\s*(?P<clause>[^.,;]{3,60})[.\s]*$")
_FRAME = re.compile(
    r"^\W*(?:(?:an?|the|some|one)\s+)?(?P<frame>(?:[\w'’&-]+\s+){0,5}?(?:photo|photograph|photography|paintings?"
    r"|drawing|sketch|illustration|print|poster|mural|engraving|woodcut|render|comic|cartoon|graffiti|emoji|icon|logo|map"
    r"|diagram|window|portrait|image|page|watercolou?r|linocut|etching|collage|mosaic|tapestry|statue|art))\s+(?:of|about|showing|depicting|with|in|generated)\b",
    re.IGNORECASE,
)
_FIRST_WORDS = re.compile(r"^\W*(?:an?|the|one|two|three)?\s*(?P<frame>[\w-]+(?:\s+[\w-]+)?)\s", re.IGNORECASE)
_MANNER = re.compile(
    r"\bin (?:the |an? )?(?:style|manner|technique) of (?P<a>[^.,;]{2,60})"
    r"|\bin (?:the |an? )?(?P<b>[^.,;]{2,40}?)(?: style|$|[.,;])",
    re.IGNORECASE,
)

#: A concept of more words than this describes its picture itself: it gets medium, light and view, and no scene.
MOST_WORDS_FOR_A_PLACE = 10
MOST_WORDS_FOR_A_MOOD = 14


@dataclass(frozen=True)
class ConceptAnalysis:
    """A concept in English, and what is known of it.

    `text` is the simple prompt: `head` (who does what) and `tail` (", watercolor style", or nothing). `subject` is the
    topic of a text that could have been drawn from the built-in lists or Seedling's words, None for any other. `topic`
    and `action` are entries of the built-in lists, `style` one of the media; None where there is none. `said` names the
    kinds of detail that the text has already: night, rain, colour, light, view, mood, place ..., and `facts` what that
    rules out. `kind` is the kind of thing that the subject is, "" where nobody knows. `scenes` are the places
    that its words point to, and `pointed` says what pointed there: "place", "action", "topic", "words" or "".
    `translation` is that of a Chinese concept.
    """

    text: str
    head: str
    tail: str
    subject: str | None
    topic: str | None
    action: str | None
    style: str | None
    said: frozenset[str]
    facts: SceneFacts
    kind: str
    scenes: tuple[str, ...]
    pointed: str
    pace: Pace
    translation: Translation | None = None

    @property
    def words(self) -> int:
        return len(self.head.split())


def analyze(concept: Concept) -> ConceptAnalysis:
    """What is known of a concept by the words of its text in English, whoever wrote that text.

    A drawn concept's parts only say what the text in English is: so its text, typed, comes to the same. Raises
    `TranslationError` for what is neither English nor Chinese, and what `ideation.chinese.translate` raises.

    >>> from ideation.concept import typed_concept
    >>> found = analyze(typed_concept("an octopus playing chess, ink wash style"))
    >>> found.topic, found.action, found.style, found.pointed
    ('octopus', 'playing chess', 'ink wash', 'topic')
    """
    text, translation = _english(concept)
    head, tail, named_style = _split(text)
    found = find_subject(head)
    topic, action = _topic(head, found), _find_entry(head, "actions")
    style = _find_style(named_style) if named_style else _style_of(head, tail)
    facts = scene_facts(head)
    said = set(facts.said)
    subject = _subject(head, named_style)
    scenes, pointed, placed = _scenes(head, topic, action, found, facts, drawn=subject is not None)
    if placed:
        said.add("place")
    note = built_in_details().actions.get(action or "")
    verbs = built_in_details().verbs
    pace: Pace = (
        note.pace
        if note
        else "performing"
        if phrase_pattern(verbs.performing).search(head)
        else "moving"
        if phrase_pattern(verbs.moving).search(head)
        else "still"
    )
    kind = "" if subject is not None else found.kind
    return ConceptAnalysis(
        text,
        head,
        tail,
        subject,
        topic,
        action,
        style,
        frozenset(said),
        facts,
        kind,
        scenes,
        pointed,
        pace,
        translation,
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
        head, tail = clause["head"], clause["tail"]
        before, comma, last = head.rpartition(", ")
        if (
            comma and len(last.split()) <= _MOST_WORDS_BESIDE_A_STYLE and _find_style(last)
        ):  # "..., surrealist painting in the style of Dali"
            head, tail = before, comma + last + tail
        return head, tail, ""
    head, comma, last = text.rpartition(",")
    if comma and re.sub(r"^an? ", "", last.strip(" .").casefold()) in _styles():
        return head, comma + last, ""
    return text, "", ""


def _english(concept: Concept) -> tuple[str, Translation | None]:
    if concept.topic and concept.action and concept.style:
        text = concept_text(concept.topic, concept.action, concept.style, "en")
        if not _is_latin(text):
            raise TranslationError("the concept {text!r} has parts that are not English", text=text)
        return text, None
    text = " ".join(concept.text.split())
    if concept.language.startswith("zh"):
        translation = translate(text)
        return translation.english, translation
    if concept.language != "en":
        raise TranslationError(
            "the offline expander reads English and Chinese, and this is neither: {text!r}", text=text[:40]
        )
    return text, None


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


def _scenes(
    head: str, topic: str | None, action: str | None, found: Subject, facts: SceneFacts, *, drawn: bool
) -> tuple[tuple[str, ...], str, bool]:
    """Where the head plays: a place that it names, else where the action is done, else where the subject is at home.

    The last says whether the head names a place. One that we do not know stays without scenery: gulls over somebody's
    couch would be worse than nothing.
    """
    tables = built_in_details()
    rest = _SIDE.sub(" ", head)
    for known in filter(None, (action, topic)):
        rest = re.sub(re.escape(known), " ", rest, count=1, flags=re.IGNORECASE)
    wheres = [match for match in _SPATIAL.finditer(rest) if _names_a_place(match)]
    is_place = not drawn and found.kind in _PLACES
    elsewhere = facts.realm in ("under water", "space") and not action
    if wheres or is_place or elsewhere or "place" in facts.said:
        named = next((scenes for match in wheres if (scenes := _named_scenes(match["where"]))), ())
        named = named or (_named_scenes(head) if not wheres else ())
        named = tuple(scene for scene in named if facts.realm in (None, realm_of(scene)))
        return named, "place" if named else "", True
    # A typed avocado lies on a table; who rides a bicycle goes out.
    homes = tuple(tables.homes_of(topic)) if topic and not (found.homes and action is None) else found.homes
    note = tables.actions.get(action or "")
    if note:
        if note.pace == "moving":
            homes = tuple(home for home in homes if home in note.scenes or not tables.scenes[home].indoor)
        both = tuple(scene for scene in note.scenes if scene in homes)
        scenes, pointed = (
            (both, "both")
            if both
            else (homes, "topic")
            if homes and note.anywhere
            else (note.scenes, "" if note.anywhere else "action")
        )
    else:
        done = tuple(scene for scene, verbs in tables.verbs.scenes.items() if phrase_pattern(verbs).search(head))
        if phrase_pattern(tables.verbs.moving).search(head):
            homes = tuple(home for home in homes if not tables.scenes[home].indoor)
        both = tuple(scene for scene in done if scene in homes)
        scenes, pointed = (both or done or homes), "both" if both else "action" if done else "topic" if homes else ""
    fitting = tuple(scene for scene in scenes if _fits(scene, facts))
    if _SPATIAL.search(rest):  # what is somewhere already stands on no plinth
        fitting = tuple(scene for scene in fitting if drawn or scene not in ("studio", "table"))
    if not drawn and (not fitting or len(head.split()) > MOST_WORDS_FOR_A_PLACE or facts.said & _SHOWN_ALREADY):
        return (), "", False
    return fitting or scenes, pointed, False


#: Kinds of subject that are a place themselves.
_PLACES = frozenset(("place", "room", "landmark", "heavenly body"))

#: What leaves no room for a place around the subject, or says that there is none.
_SHOWN_ALREADY = frozenset(("view", "empty", "absence", "two"))


def _fits(name: str, facts: SceneFacts) -> bool:
    """Whether a scene can be where the facts are: no snow in a kitchen, no rain in the desert, no lamp on a meadow."""
    realm = realm_of(name)
    weather = facts.said & {"rain", "snow", "fog", "storm", "cloud", "clear"}
    if weather and (realm != "outdoors" or (name in ("desert", "snow", "sky") and name not in weather)):
        return False
    if "winter" in facts.said and name in _WARM:
        return False
    return facts.realm in (None, realm)


def realm_of(name: str) -> Realm:
    """Where a scene is."""
    return "indoors" if built_in_details().scenes[name].indoor else _OTHER_REALMS.get(name, "outdoors")


_OTHER_REALMS: dict[str, Realm] = {"underwater": "under water", "space": "space"}
_WARM = frozenset(("jungle", "savanna", "desert", "seaside", "garden", "meadow"))


_NEXT_PREPOSITION = re.compile(r"\s(?:at|on|in|by|near|under|from|to|for|during)\s")


def _names_a_place(match: re.Match[str]) -> bool:
    """Whether what looks like a place is one, and not a time ("on a sunny morning"), a weather, a dress, a thing that
    is held or a part of the body."""
    tables = built_in_details()
    where = re.split(r"\b(?:and|while|who|that|which|with|wearing|holding)\b", match["where"])[0]
    if match.group().casefold().startswith("with"):
        return bool(_AROUND.search(match["where"]))
    # Of "the beach at sunrise" the beach.
    first = " ".join(_NEXT_PREPOSITION.split(where)[0].split()[:4])
    if phrase_pattern(tables.beside).search(first) and not _named_scenes(first):
        return False
    if re.match(r"(?:(?:the|an?)\s+)?(?:[\w-]+\s+)?(?:style|shape|form|manner)\b", where):
        return False
    times = (
        "night",
        "dusk",
        "dawn",
        "day",
        "rain",
        "storm",
        "snow",
        "fog",
        "clear",
        "cloud",
        "winter",
        "spring",
        "summer",
        "autumn",
    )
    timely = any(phrase_pattern(tables.said[kind]).search(first) for kind in times) or re.search(r"\bday\b", first)
    return not (
        timely
        and not re.search(
            r"\b(?:sky|mountain|field|window|forest|city|street|market|road|lake|sea|ocean|water|bay|beach|moon|clouds?)\b",
            first,
        )
    )


def _named_scenes(text: str) -> tuple[str, ...]:
    """The scene that the text names first."""
    first: tuple[int, str] | None = None
    for name, scene in built_in_details().scenes.items():
        match = phrase_pattern((name, *scene.words)).search(text)
        if match and (first is None or match.start() < first[0]):
            first = (match.start(), name)
    return (first[1],) if first else ()


def _topic(head: str, found: Subject) -> str | None:
    """The topic of the built-in list that the first phrase of the head ends with; a teddy bear is no bear."""
    entries = _entries("topics")
    match = phrase_pattern(tuple(entries)).search(head)
    if match is None:
        return None
    before = [word.key for word in words_of(head[: match.start()])]
    after = next((word.key for word in words_of(head[match.end() :])), "")
    begins = len(before) <= 3 and not any(word in _BETWEEN or word.endswith(("ing", "'s")) for word in before)
    ends = not after or after in _BETWEEN or after.endswith(("ing", "ed")) or not head[match.end() :].startswith(" ")
    other = found.noun.endswith(" " + match.group(1).casefold())
    return entries[match.group(1).casefold()] if begins and ends and not other else None


_BETWEEN = frozenset(
    "in on at by with to from into onto near over under across beside behind between above and or is are of who that "
    "while as without".split()
)


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


def _style_of(head: str, tail: str) -> str | None:
    """The style that the picture is asked for in: of a picture on the wall in it nothing is known."""
    text = head + tail
    manner = [match["a"] or match["b"] or "" for match in _MANNER.finditer(text)]
    last = _LAST_CLAUSE.search(text)
    frame = _FRAME.match(text)
    first = _FIRST_WORDS.match(text)
    for place in (tail, *reversed(manner), frame["frame"] if frame else ""):
        if style := _find_style(place):
            return style
    if last and (style := _find_style(last["clause"])):
        named_in = phrase_pattern(tuple(_styles())).search(last["clause"])
        if named_in and len(last["clause"].split()) - len(named_in.group().split()) <= _MOST_WORDS_BESIDE_A_STYLE:
            return style
    # "A pixel art corgi", "a cartoon tiger face".
    named = _find_style(first["frame"]) if first else None
    return (
        named
        if named and first and phrase_pattern((named, *built_in_details().media[named].also)).match(first["frame"])
        else None
    )


#: "Realistic high-contrast anime illustration" is a style, and "the other has latte art of a map" is none.
_MOST_WORDS_BESIDE_A_STYLE = 3


def _find_style(text: str) -> str | None:
    match = phrase_pattern(tuple(_styles())).search(text)
    return _styles()[match.group(1).casefold()] if match else None


def _is_latin(text: str) -> bool:
    return not re.search(r"[\u0370-\u1dff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff]", text)
