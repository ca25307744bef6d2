"""What was handed in more than once: the same picture, the same concept, or two files of one student."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from compare.homework.classroom.content import Class
from compare.report import sentences
from ideation.english import words_of

What = Literal["picture", "concept", "student"]

_MOST_NAMED = 3


@dataclass(frozen=True)
class Twice:
    """One thing that is in several places: `places` are hand-ins, by their place in the class, and runs in them, ""
    where it is the hand-in as a whole."""

    what: What
    of: str
    places: tuple[tuple[int, str], ...]


def found_twice(room: Class) -> list[Twice]:
    """What is in the class more than once. Equal pictures prove nothing by themselves: the same concept with the same
    seed gives them to everybody, on the same model. A concept is the same whatever its case, spaces and punctuation."""
    pictures, concepts, students = (defaultdict[str, list[tuple[int, str]]](list) for _ in range(3))
    for at, hand_in in enumerate(room.hand_ins):
        students[hand_in.student].append((at, ""))
        for pair in hand_in.pairs:
            concepts[same_concept(pair.concept)].append((at, pair.run))
            for picture in dict.fromkeys(one for seed in pair.seeds for one in (seed.simple, seed.expanded)):
                pictures[picture].append((at, pair.run))
    spoken = {same_concept(pair.concept): pair.concept for _, pair in reversed(list(room.pairs()))}
    named = {hand_in.student: hand_in.number or hand_in.name or hand_in.file for hand_in in room.hand_ins}
    found = [Twice("student", named[key], tuple(places)) for key, places in students.items() if len(places) > 1]
    # Many pictures in the same places are one finding.
    together: dict[tuple[tuple[int, str], ...], list[str]] = defaultdict(list)
    for picture, places in pictures.items():
        if len(places) > 1:
            together[tuple(places)].append(picture)
    found += [Twice("picture", " ".join(same), places) for places, same in together.items()]
    return found + [Twice("concept", spoken[key], tuple(places)) for key, places in concepts.items() if len(places) > 1]


def of_hand_in(found: list[Twice], at: int) -> list[Twice]:
    """What of it touches the hand-in at that place of the class."""
    return [one for one in found if any(place == at for place, _ in one.places)]


def twice_text(one: Twice, room: Class, at: int, run: str | None = None) -> str:
    """A duplicate in words, seen from the hand-in at that place, and from a run of it if one is named. Of many places
    it names the first: a concept that was set to all is everywhere."""
    said = sentences(room.language)["class"]["twice"]
    here = next((place for place in one.places if place[0] == at and run in (None, place[1])), None)
    where = list(dict.fromkeys(_place(place, one, room, said) for place in one.places if place != here))
    text = said["joint"].join(where[:_MOST_NAMED])
    if len(where) > _MOST_NAMED:
        text = said["more"].format(where=text, count=len(where) - _MOST_NAMED)
    of = one.of if here is None or not here[1] else _concept_of(here, room)
    return str(said[one.what if run is None else f"{one.what}_here"].format(of=of, where=text))


def _place(place: tuple[int, str], one: Twice, room: Class, said: dict[str, Any]) -> str:
    """Whose it is; of a picture with its concept, where that is another one than here."""
    hand_in = room.hand_ins[place[0]]
    if one.what == "student":
        return hand_in.file
    if one.what == "concept" or len({same_concept(_concept_of(other, room)) for other in one.places}) == 1:
        return hand_in.label
    return str(said["place"].format(student=hand_in.label, concept=_concept_of(place, room)))


def _concept_of(place: tuple[int, str], room: Class) -> str:
    return next(pair.concept for pair in room.hand_ins[place[0]].pairs if pair.run == place[1])


def same_concept(concept: str) -> str:
    """What concepts have in common that differ only in case, spaces and punctuation.

    >>> same_concept("A dog,  running!") == same_concept("a dog running")
    True
    """
    text = unicodedata.normalize("NFKC", concept).casefold()
    return " ".join(word.text for word in words_of(text)) or " ".join(text.split())
