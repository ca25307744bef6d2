"""Unlearnt words: what Seedling draws in the place of what it has never learnt, told as notes on a pair of prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from ideation.draw import built_in_words
from ideation.draw.vocabulary import MAX_NAMED, Named, Vocabulary, phrases_at, quoted
from ideation.english import WordSpan, content_stems, covers, merged, plain_words, plural, words_of
from ideation.errors import Clause
from ideation.expansion.notes import foreign_words
from ideation.faithfulness import NUMBERS, Requirement, requirements_of
from ideation.prompt import spoken

_SOMETHING_ELSE = "Seedling has never learnt {words}, so the picture may show something else there."
_AND_MORE = "Seedling has never learnt {words} and {more} more words, so the picture may show something else there."
_NEAR = "Seedling has never learnt {word}: in its place it draws {drawn}, the nearest that it knows."
_A_BOX = "Seedling has never learnt {word}: in its place it draws a box with a question mark."
_A_BOX_WITH = (
    "Seedling has never learnt {word} as a subject, only from {action}: as a rule it draws a box with a question "
    "mark and {word} beside it."
)
_A_BOX_BESIDE = "Seedling has never learnt {word}: instead it draws a box with a question mark beside the subject."
_HOW_MANY = "Seedling has learnt to draw one, two or three of a subject, and not {words}: how many it draws is chance."
_SEVERAL = (
    "Seedling has learnt to draw one kind of subject in a picture, and here are several ({words}): which of them it "
    "draws is chance."
)

#: Words for more than can be counted at a glance, in front of what there is so much of.
_CROWD = re.compile(
    r"\b(?:(?:a|an|the)\s+)?(?:some|many|several|countless|dozens|hundreds|thousands|lots|group|crowd|herd|pack|flock|swarm"
    r"|bunch|army|family|row)\b(?:\s+of)?\s+",
    re.IGNORECASE,
)
#: So many characters are between a word for a crowd and its subject, for colours and the like.
_NEARBY = 16
_CLAUSE_END = re.compile(r"[.,;:!?]")
#: A name of several words: "Li Bai".
_ONE_NAME = re.compile(r"[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*)+")
#: The name of somebody, which is no other subject: "a dog named Max".
_NAME = re.compile(r"\b(?:named|called)\s+([A-Z][\w'’-]*)")


def notes_on_unlearnt(simple: str, expanded: str, vocabulary: Vocabulary | None) -> tuple[Clause, ...]:
    """What a model of this vocabulary makes of words in two prompts that it has never learnt; of a model that knows any
    word, whose vocabulary is None, nothing. Where it is not clear what a word is for, it is only said that there may be
    something else in the picture. Raises `PromptSyntaxError`.

    >>> from ideation.draw import seedling_vocabulary
    >>> [note] = notes_on_unlearnt("a wolf riding a bicycle", "", seedling_vocabulary())
    >>> note
    'Seedling has never learnt "wolf": in its place it draws "dog", the nearest that it knows.'
    """
    if vocabulary is None:
        return ()
    reading = _Reading(spoken(simple), vocabulary)
    notes = [] if foreign_words(simple) else reading.notes()
    rest, unknown = reading.rest(), vocabulary.unknown_words(spoken(expanded))
    there = {word.key for word in reading.words}
    rest += [said for said in unknown if not there.issuperset(w.key for w in words_of(said))]
    return (*notes, *_on_rest(list(dict.fromkeys(rest))))


def is_on_unlearnt(note: str) -> bool:
    """Whether a note is one of those on words that were never learnt.

    >>> is_on_unlearnt('Seedling has never learnt "gnu": in its place it draws a box with a question mark.')
    True
    """
    return note.startswith(("Seedling has never learnt ", "Seedling has learnt to draw one"))


def says_no_more_than_unlearnt(note: str) -> bool:
    """Whether a note only says which words were never learnt, and not what is drawn for them.

    >>> says_no_more_than_unlearnt('Seedling has never learnt "gnu": in its place it draws a box with a question mark.')
    False
    """
    return is_on_unlearnt(note) and note.endswith(_SOMETHING_ELSE.rpartition("}")[2].rpartition(",")[2])


def _on_rest(words: Sequence[str]) -> tuple[Clause, ...]:
    if not words:
        return ()
    named, more = quoted(words[:MAX_NAMED]), len(words) - MAX_NAMED
    return (Clause(_AND_MORE, words=named, more=more) if more > 0 else Clause(_SOMETHING_ELSE, words=named),)


@dataclass
class _Reading:
    """A simple prompt, with what was told of its words in `told`, as spans of the text."""

    text: str
    vocabulary: Vocabulary
    told: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.named = self.vocabulary.named(self.text)
        self.mentions = [one for one in self.named if one.term.kind == "subject"]
        self.unknown = {word.casefold() for word in self.vocabulary.unknown_words(self.text)}
        self.words = words_of(self.text)
        self.asked = [_parts(one) for one in requirements_of(self.text)]

    def notes(self) -> list[Clause]:
        return [
            *self._of_relatives(),
            *self._of_the_subject(),
            *self._of_the_action(),
            *self._of_how_many(),
            *self._of_several(),
        ]

    def rest(self) -> list[str]:
        """The unknown phrases that nothing was told of, a name of several words as one."""
        told = merged(self.told)
        spans: list[tuple[int, int]] = []
        for begin, end in (span for span in self.vocabulary.unknown_spans(self.text) if not covers(told, *span)):
            if spans and _ONE_NAME.fullmatch(self.text[spans[-1][0] : end]):
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((begin, end))
        said = {phrase.casefold() for phrase in phrases_at(self.text, self.told)}
        return [phrase for phrase in phrases_at(self.text, spans) if phrase.casefold() not in said]

    def _of_relatives(self) -> list[Clause]:
        notes: dict[str, Clause] = {}
        for one in self.named:
            if one.near:
                said = self._said(one)
                self.told.append((one.start, one.end))
                several = said.casefold() in one.term.plurals
                drawn = plural(one.term.name) if several else one.term.name
                notes.setdefault(said.casefold(), Clause(_NEAR, word=quoted([said]), drawn=quoted([drawn])))
        return list(notes.values())

    def _of_the_subject(self) -> list[Clause]:
        """Where nothing that it knows stands in the subject's place, and it is clear which words do. Of a word that it
        read in other phrases, "among trees", nothing is promised: it stands for something, and not for a box."""
        subjects = self._subjects()
        if self.mentions or len(subjects) != 1 or (place := self._place(subjects[0])) is None:
            return []
        first, last = place
        if self.words[last].key not in self.unknown:
            return []
        numbers = {what.split()[0] for kind, what in self.asked if kind == "count"}
        while first and self._touches(first - 1) and self.words[first - 1].key in self.unknown - numbers:
            first -= 1
        span = self.words[first].start, self.words[last].end
        said = " ".join(self.text[slice(*span)].split())
        stems = content_stems(said)
        if (action := self._action_with(stems)) is not None:
            self.told.append(span)
            return [Clause(_A_BOX_WITH, word=quoted([said]), action=quoted([action]))]
        if len(stems) == 1 and stems[0] not in _listed_topics() and self._is_read_elsewhere(stems[0]):
            return []
        self.told.append(span)
        return [Clause(_A_BOX, word=quoted([said]))]

    def _action_with(self, thing: tuple[str, ...]) -> str | None:
        """The learnt action that is done with a thing: of "boat" it is "sailing a boat"."""
        for term in self.vocabulary.terms["action"]:
            for phrase in term.phrases:
                stems = content_stems(phrase)
                if thing and len(stems) > len(thing) and stems[-len(thing) :] == thing:
                    return phrase
        return None

    def _is_read_elsewhere(self, stem: str) -> bool:
        """Whether a word was learnt as part of something else: "tree" of "among trees"."""
        return any(
            stem in content_stems(phrase)
            for kind, terms in self.vocabulary.terms.items()
            if kind != "action"
            for term in terms
            for phrase in term.phrases
        )

    def _of_the_action(self) -> list[Clause]:
        """Where the subject does one thing, behind its name, and nothing in it is of what Seedling has learnt to do."""
        actions = [what for kind, what in self.asked if kind == "action"]
        if len(actions) != 1 or any(one.term.kind == "action" for one in self.named):
            return []
        if (place := self._place(actions[0])) is None:
            return []
        begin, end = self.words[place[0]], self.words[place[1]]
        before = [one.end for one in self.mentions[:1]] + [end for _, end in self.told[:1]]
        if not any(place <= begin.start for place in before) or any(
            begin.start <= one.start < end.end for one in self.named
        ):
            return []
        if actions[0] not in _listed_actions() and not self._is_quite_another(begin):
            return []
        span = begin.start, end.end
        self.told.append(span)
        return [Clause(_A_BOX_BESIDE, word=quoted([" ".join(self.text[slice(*span)].split())]))]

    def _is_quite_another(self, begin: WordSpan) -> bool:
        """Whether an action and what is said behind it share nothing with those that were learnt: "eating cold pizza"
        and "riding on a bicycle" do."""
        learnt = {
            stem
            for term in self.vocabulary.terms["action"]
            for phrase in term.phrases
            for stem in content_stems(phrase)[1:]
        }
        if not begin.key.endswith("ing") or begin.key not in self.unknown or begin.key == "being":
            return False
        if self.vocabulary.does_nothing(self.text, begin.start):
            return False
        return learnt.isdisjoint(content_stems(_CLAUSE_END.split(self.text[begin.end :])[0]))

    def _of_how_many(self) -> list[Clause]:
        """More than were learnt: of what is counted, and of crowds."""
        found: dict[str, Clause] = {}
        known = {word.casefold() for phrases in self.vocabulary.counts.values() for word in phrases}
        for what in (what for kind, what in self.asked if kind == "count"):
            number = what.split()[0]
            place = self._place(what) or self._place(number)
            if NUMBERS.get(number) == 1:
                continue
            if place is not None and number not in known and self.words[place[0]].key in self.unknown:
                self.told.append((self.words[place[0]].start, self.words[place[0]].end))
                found.setdefault(what, Clause(_HOW_MANY, words=quoted([what])))
        for match in _CROWD.finditer(self.text):
            of = next((one for one in self.mentions if 0 <= one.start - match.end() <= _NEARBY), None)
            if of is not None:
                self.told.append(match.span())
                said = " ".join(self.text[match.start() : of.end].split())
                found.setdefault(said, Clause(_HOW_MANY, words=quoted([said])))
        return list(found.values())

    def _of_several(self) -> list[Clause]:
        """More than one kind of subject; a robot dog is one."""
        apart = [
            one
            for one, after in pairwise([*self.mentions, None])
            if one is not None and (after is None or self.text[one.end : after.start].strip())
        ]
        said = list(dict.fromkeys(self._said(one).casefold() for one in apart))
        if len(said) < 2:
            names = {name.casefold() for name in _NAME.findall(self.text)}
            ends = {one.end for one in apart}
            said += [
                self._whole_name(what)
                for what in self._subjects()
                if what not in names
                and not any(what.endswith(one) or one.endswith(what) for one in said)
                and not self._stands_behind(what, ends)
            ]
        return [Clause(_SEVERAL, words=quoted(said[:MAX_NAMED]))] if len(said) > 1 else []

    def _stands_behind(self, what: str, ends: set[int]) -> bool:
        """Whether it is one thing with the word before it, which ends there: "professor" of "an owl professor"."""
        place = self._place(what)
        return (
            place is not None and place[0] > 0 and self._touches(place[0] - 1) and self.words[place[0] - 1].end in ends
        )

    def _whole_name(self, what: str) -> str:
        """ "Li Bai" for "bai" where the text says it so; anything else as it is."""
        place = self._place(what)
        if place is None:
            return what
        first, last = place
        while first and self._touches(first - 1) and self.words[first - 1].text[:1].isupper():
            first -= 1
        whole = self.text[self.words[first].start : self.words[last].end]
        return whole if _ONE_NAME.fullmatch(whole) else what

    def _subjects(self) -> list[str]:
        """What is asked for as subject; "a bowl of noodles" is one."""
        found: list[str] = []
        for what in (what for kind, what in self.asked if kind == "subject"):
            joined = (
                re.search(
                    rf"(?<!\w){re.escape(found[-1])}\s+of\s+(?:[\w-]+\s+){{0,3}}?{re.escape(what)}(?!\w)",
                    self.text,
                    re.IGNORECASE,
                )
                if found
                else None
            )
            if joined:
                found[-1] = " ".join(joined.group().split())
            else:
                found.append(what)
        return found

    def _place(self, what: str) -> tuple[int, int] | None:
        """The numbers of the first and the last word of a phrase in the text, if it is there word for word."""
        wanted, keys = plain_words(what), [" ".join(plain_words(word.text)) for word in self.words]
        for first in range(len(keys)):
            for last in range(first, min(len(keys), first + len(wanted))):
                if " ".join(keys[first : last + 1]).split() == wanted:
                    return first, last
        return None

    def _touches(self, number: int) -> bool:
        """Whether only white space stands between a word and the next one."""
        return not self.text[self.words[number].end : self.words[number + 1].start].strip()

    def _said(self, one: Named) -> str:
        return " ".join(self.text[one.start : one.end].split())


@lru_cache(maxsize=1)
def _listed_topics() -> frozenset[str]:
    """The stems of the topics of one word that ideas are drawn from: of these Seedling has learnt to draw a box."""
    stems = (content_stems(word.en) for word in built_in_words().topics)
    return frozenset(one[0] for one in stems if len(one) == 1)


@lru_cache(maxsize=1)
def _listed_actions() -> frozenset[str]:
    """The actions that ideas are drawn from: what Seedling has not learnt of them, it has learnt to leave alone."""
    return frozenset(word.en.casefold() for word in built_in_words().actions)


def _parts(one: Requirement) -> tuple[str, str]:
    kind, _, what = one.name.partition(": ")
    return kind, what
