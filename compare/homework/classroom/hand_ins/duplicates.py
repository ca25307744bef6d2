"""What was handed in more than once: two files of one student; by different students the same observations, the same
picture, the same concept."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from compare.homework.classroom.content import Class
from compare.report import sentences
from ideation.english import words_of

What = Literal["student", "observations", "picture", "concept"]

_MOST_NAMED = 3
#: Of a concept so many letters are shown, which tell it from the others.
_MOST_SHOWN = 40
#: Shorter observations, as "a little warmer", may well be those of two people.
_FEWEST_LETTERS = 20


@dataclass(frozen=True)
class Twice:
    """One thing that is in several places: `places` are hand-ins, by their place in the class, and runs in them, ""
    where it is the hand-in as a whole."""

    what: What
    of: str
    places: tuple[tuple[int, str], ...]


def found_twice(room: Class) -> list[Twice]:
    """What different students have handed in, and who has handed in several files. Equal pictures prove nothing by
    themselves: the same concept with the same seed gives them to everybody, on the same model. A concept is the same
    whatever its case, spaces and punctuation; observations, whatever their spaces.
    """
    students, observations, pictures, concepts = (defaultdict[str, list[tuple[int, str]]](list) for _ in range(4))
    for at, hand_in in enumerate(room.hand_ins):
        students[hand_in.student].append((at, ""))
        for pair in hand_in.pairs:
            concepts[same_concept(pair.concept)].append((at, pair.run))
            observed = "".join(pair.observations.split())
            if len(observed) >= _FEWEST_LETTERS:
                observations[observed].append((at, pair.run))
            for picture in dict.fromkeys(one for seed in pair.seeds for one in (seed.simple, seed.expanded)):
                pictures[picture].append((at, pair.run))
    spoken = {same_concept(pair.concept): pair.concept for _, pair in reversed(list(room.pairs()))}
    named = {hand_in.student: hand_in.number or hand_in.name or hand_in.file for hand_in in room.hand_ins}

    def shared(places: list[tuple[int, str]]) -> bool:
        return len({room.hand_ins[at].student for at, _ in places}) > 1

    found = [Twice("student", named[key], tuple(places)) for key, places in students.items() if len(places) > 1]
    found += [Twice("observations", "", tuple(places)) for places in observations.values() if shared(places)]
    # Many pictures in the same places are one finding.
    together: dict[tuple[tuple[int, str], ...], list[str]] = defaultdict(list)
    for picture, places in pictures.items():
        if shared(places):
            together[tuple(places)].append(picture)
    found += [Twice("picture", " ".join(same), places) for places, same in together.items()]
    return found + [Twice("concept", spoken[key], tuple(places)) for key, places in concepts.items() if shared(places)]


def twice_texts(found: list[Twice], room: Class, at: int, run: str | None = None) -> list[str]:
    """All of it in words, seen from the hand-in at that place, or from a run of it if one is named; what reads the same
    is said once."""
    texts: dict[str, None] = {}
    for one in found:
        for here in one.places:
            if here[0] == at and (run is None or (run == here[1] and one.what != "student")):
                texts[_text(one, room, here, told_of="hand-in" if run is None else "run")] = None
    return list(texts)


def _text(one: Twice, room: Class, here: tuple[int, str], told_of: Literal["hand-in", "run"]) -> str:
    """A duplicate in words. Of many places it names the first: a concept that was set to all is everywhere."""
    said = sentences(room.language)["class"]["twice"]
    student = room.hand_ins[here[0]].student
    others = (
        place
        for place in one.places
        if (place != here if one.what == "student" else room.hand_ins[place[0]].student != student)
    )
    where = list(dict.fromkeys(_place(place, one, room, said) for place in others))
    text = said["joint"].join(where[:_MOST_NAMED])
    if len(where) > _MOST_NAMED:
        text = said["more"].format(where=text, count=len(where) - _MOST_NAMED)
    of = one.of if one.what == "student" else short_concept(_concept_of(here, room))
    return str(said[one.what if told_of == "hand-in" else f"{one.what}_here"].format(of=of, where=text))


def _place(place: tuple[int, str], one: Twice, room: Class, said: dict[str, Any]) -> str:
    """Whose it is; of a picture with its concept, where that is another one than here."""
    hand_in = room.hand_ins[place[0]]
    if one.what == "student":
        return hand_in.file
    if one.what == "concept" or len({same_concept(_concept_of(other, room)) for other in one.places}) == 1:
        return hand_in.label
    return str(said["place"].format(student=hand_in.label, concept=short_concept(_concept_of(place, room))))


def _concept_of(place: tuple[int, str], room: Class) -> str:
    return next(pair.concept for pair in room.hand_ins[place[0]].pairs if pair.run == place[1])


def short_concept(concept: str) -> str:
    """As much of a concept as tells it from others, for a line."""
    text = " ".join(concept.split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN].rstrip()}…"


def same_concept(concept: str) -> str:
    """What concepts have in common that differ only in case, spaces and punctuation.

    >>> same_concept("A dog,  running!") == same_concept("a dog running")
    True
    """
    text = unicodedata.normalize("NFKC", concept).casefold()
    return " ".join(word.text for word in words_of(text)) or " ".join(text.split())
