"""The vocabulary: every word that Seedling, the embedded model, has learnt to draw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from ideation.concept import Word
from ideation.english import as_written, content_stems, covers, merged, plural, words_of
from ideation.errors import Clause
from ideation.prompt import marks_in
from templates import own_yaml

VOCABULARY_FILE = Path(__file__).parent / "lists" / "seedling.yaml"

#: The attributes of a scene, in the order in which a caption usually names them.
KINDS = ("subject", "action", "style", "setting", "time", "weather", "colour")

#: So many unknown words are named in a note; a pasted page would have hundreds.
MAX_NAMED = 12

_UNDRAWN = "Seedling draws none of the added words ({words}), so what they change in its picture is little or chance."

#: What ends the phrase of something that is done ("playing the piano"), and how many words it has at most.
_ENDS_CLAUSE = re.compile(r"[.,;:!?()\[\]]")
_BETWEEN = frozenset(
    "and or but while with without in on at by from to into onto of for under over near through across during who "
    "that".split()
)
_LONGEST_DOING = 5
#: So many characters before a noun are read for what it is in its clause.
_CLAUSE = 120
_LAST_GLUE = re.compile(r"(?:\s+(?:a|an|the|its|his|her|their|as|is|was|are|were))+$", re.IGNORECASE)

#: Words of grammar and of picture-making that carry nothing to be drawn.
_GLUE = frozenset(
    "a an the one of in on at by with and or to for from its his her their is are was it as that this under near "
    "over style styled painting picture drawing image illustration print art artwork".split()
)


@dataclass(frozen=True)
class Term:
    """One thing that Seedling can draw: its usual name in both languages and its synonyms in English. `near` are other
    things, which it draws as this one, for want of anything nearer."""

    kind: str
    word: Word
    also: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.word.en

    @property
    def phrases(self) -> tuple[str, ...]:
        return (self.word.en, *self.also)

    @cached_property
    def plurals(self) -> tuple[str, ...]:
        """Several of a subject: the plurals of its name, its synonyms and its relatives, in this order."""
        return tuple(map(plural, (*self.phrases, *self.near))) if self.kind == "subject" else ()


@dataclass(frozen=True)
class Named:
    """A term that a text names in its `[start:end]`: by a word for it, or by that for something `near` it."""

    term: Term
    start: int
    end: int
    near: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """All terms by kind, and the filler words that change little. `counts` are the words for so many of a subject,
    `sides` ("left", "right") those for where in the picture it stands. Inside a phrase of `unlike` a word of a term
    names something else: a hot dog is no dog. Who does what is `still` is drawn as who does nothing."""

    terms: dict[str, tuple[Term, ...]]
    filler: tuple[str, ...]
    counts: dict[int, tuple[str, ...]]
    sides: dict[str, tuple[str, ...]]
    unlike: tuple[str, ...] = ()
    still: tuple[str, ...] = ()

    def names(self, kind: str) -> list[str]:
        return [term.name for term in self.terms[kind]]

    def find(self, text: str) -> dict[str, Term]:
        """The first term of each kind that `text` names; longer phrases win over the words inside them. What is named
        by its plural or by a relative is found as well."""
        found: dict[str, Term] = {}
        for named in self.named(text):
            found.setdefault(named.term.kind, named.term)
        return found

    def named(self, text: str) -> list[Named]:
        """All terms that `text` names, in its order, each where it stands. A relative of a subject counts where the
        subject stands alone: who feeds the pigeons is no pigeon, and nothing is drawn in the place of those."""
        return [one for one in self._mentioned(text) if not _is_company(one, text)]

    def _mentioned(self, text: str) -> Iterator[Named]:
        """All terms and relatives that a text has, the relatives beside its subject too."""
        for match in self._pattern.finditer(text):
            term, near = self._by_phrase.get(_key(match.group()), (None, False))
            if term is not None:
                yield Named(term, match.start(), match.end(), near)

    def unknown_words(self, text: str) -> list[str]:
        """The words of `text`, in order and once each, that Seedling never learnt; weights and adapters are none. The
        name of a relative is one of them, be it of several words: "bear" is known, and "polar bear" is not."""
        mentioned = list(self._mentioned(text))
        relatives = [(one.start, one.end) for one in mentioned if one.near]
        known = [(one.start, one.end) for one in mentioned]
        known += marks_in(text).spans("weight", "adapter", "embedding", "tag", "break")
        known += [match.span() for match in self._plain_pattern.finditer(text)]
        covered = merged(known)
        unknown = [
            word for word in words_of(text) if word.key not in _GLUE and not covers(covered, word.start, word.end)
        ]
        found = [(word.start, word.text) for word in as_written(unknown)]
        found += [(start, " ".join(text[start:end].split())) for start, end in relatives]
        return list(dict.fromkeys(said for _, said in sorted(found)))

    def unknown_phrases(self, text: str) -> list[str]:
        """As `unknown_words`, but what is done is named as a whole: Seedling has learnt to play the guitar, so it is
        not "playing" that it has never learnt. So is what is near to something that it knows."""
        return phrases_at(text, self.unknown_spans(text))

    def unknown_spans(self, text: str) -> list[tuple[int, int]]:
        """Where the phrases of `unknown_phrases` stand, with glue at their ends, each as often as it is there."""
        unknown = {word.casefold() for word in self.unknown_words(text)}
        named = self.named(text)
        known = merged(
            (one.start, one.end) for one in named if one.term.kind not in ("subject", "colour") and not one.near
        )
        near = {one.start: one.end for one in named if one.near}
        company = {one.start: one.end for one in self._mentioned(text) if _is_company(one, text)}
        spans: list[tuple[int, int]] = []
        doing, before, article = 0, 0, False
        for word in as_written(words_of(text)):
            if spans and word.end <= spans[-1][1]:  # inside a relative's name
                before = word.end
                continue
            learnt = covers(known, word.start, word.end)
            # "a sleeping cat" is a cat
            begins = word.key.endswith("ing") and word.text.casefold() in unknown and not article
            apart = bool(_ENDS_CLAUSE.search(text, before, word.start)) or word.key in _BETWEEN or learnt
            before, article = word.end, word.key in ("a", "an", "the")
            if word.start in near:
                doing = 0
                spans.append((word.start, near[word.start]))
                continue
            if doing and not apart and not begins and doing < _LONGEST_DOING:
                doing += 1
                spans[-1] = (spans[-1][0], word.end)
                continue
            doing = int(begins)
            if word.text.casefold() in unknown or word.start in company:
                spans.append((word.start, company.get(word.start, word.end)))
        return spans

    def does_nothing(self, text: str, start: int) -> bool:
        """Whether what is done, as `text` says it from `start` on, leaves the subject as it is without an action."""
        return self._still_pattern.match(text, start) is not None

    def note_on_added(self, simple: str, expanded: str) -> Clause | None:
        """A note on words that the expanded prompt has besides and of which Seedling draws none; None where there is
        nothing to say of them."""
        added = self.undrawn(simple, expanded)
        return Clause(_UNDRAWN, words=quoted(added[:MAX_NAMED])) if added else None

    def undrawn(self, simple: str, expanded: str) -> tuple[str, ...]:
        """What the expanded prompt has besides, if Seedling draws nothing of it; empty where it draws any of that,
        where the expanded prompt has lost something drawn, and where nothing was added."""
        if self._drawn(simple) != self._drawn(expanded):
            return ()
        there, unknown = {word.key for word in words_of(simple)}, set(self.unknown_words(expanded))
        spans = [match.span() for match in self._filler_pattern.finditer(expanded)]
        spans += [
            (word.start, word.end) for word in words_of(expanded) if word.text in unknown and word.key not in there
        ]
        spans += [(one.start, one.end) for one in self._mentioned(expanded) if _is_company(one, expanded)]
        added = [expanded[start:end] for start, end in sorted(spans)]
        return tuple(phrase for phrase in dict.fromkeys(added) if phrase.casefold() not in simple.casefold())

    def _drawn(self, text: str) -> set[str | int]:
        """All of a text that is to be seen in its picture: terms, how many, on which side."""
        drawn: set[str | int] = {one.term.name for one in self.named(text)}
        drawn.update(number for number, phrases in self.counts.items() if _any_of(phrases).search(text))
        return drawn | {side for side, phrases in self.sides.items() if _any_of(phrases).search(text)}

    @cached_property
    def _by_phrase(self) -> dict[str, tuple[Term, bool]]:
        """Every phrase for a term, its plurals too, and whether it stands for something near it."""
        table: dict[str, tuple[Term, bool]] = {}
        for term in (term for terms in self.terms.values() for term in terms):
            known = len(term.phrases)
            for phrases in ((*term.phrases, *term.near), term.plurals):
                for place, phrase in enumerate(phrases):
                    table.setdefault(_key(phrase), (term, place >= known))
        return table

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _any_of((*self._by_phrase, *self.unlike), between=rf"\s+(?:(?:{_ARTICLES})\s+)?")

    @cached_property
    def _plain_pattern(self) -> re.Pattern[str]:
        """What is neither a term nor unknown: filler, so many of it, on this side."""
        told = (self.filler, *self.counts.values(), *self.sides.values())
        return _any_of(phrase for phrases in told for phrase in phrases)

    @cached_property
    def _still_pattern(self) -> re.Pattern[str]:
        return _any_of(self.still)

    @cached_property
    def _filler_pattern(self) -> re.Pattern[str]:
        return _any_of(self.filler)


def phrases_at(text: str, spans: Iterable[tuple[int, int]]) -> list[str]:
    """What stands in the spans of a text, once each, on one line and without glue at its end.

    >>> phrases_at("a gnu is on a sofa", [(2, 8), (12, 18)])
    ['gnu', 'a sofa']
    """
    found = (_LAST_GLUE.sub("", text[start:end]) for start, end in spans)
    return list(dict.fromkeys(" ".join(phrase.split()) for phrase in found))


def quoted(phrases: Iterable[str]) -> str:
    """Words that a note names, each in quotation marks.

    >>> quoted(["gnu", "sofa"])
    '"gnu", "sofa"'
    """
    return ", ".join(f'"{phrase}"' for phrase in phrases)


def _is_company(one: Named, text: str) -> bool:
    """Whether a relative stands beside the subject: what is before it, in its clause, makes it part of what the subject
    does or has about it."""
    if not one.near or one.term.kind != "subject":
        return False
    clause = _ENDS_CLAUSE.split(text[max(0, one.start - _CLAUSE) : one.start])[-1]
    return bool(_DOING_OR_BESIDE.search(clause))


_ABOUT_THE_SUBJECT = "|".join(sorted(_BETWEEN - {"of", "and", "or", "but", "who", "that", "while"}))
#: "with a", "feeding the", "chasing" at the beginning; "a smiling" and "a painting of" are not.
_DOING_OR_BESIDE = re.compile(
    rf"\w+ing\s+(?:a|an|the|his|her|its|their|at|up|out|off|and|{_ABOUT_THE_SUBJECT})\s"
    rf"|\w\s+(?:{_ABOUT_THE_SUBJECT})\s"
    r"|^\s*(?!(?:painting|drawing|etching|engraving)\b)\w+ing\s",
    re.IGNORECASE,
)

#: What may stand before the thing that is played, ridden, read, held: "playing her guitar" is playing the guitar.
_ARTICLES = "a|an|the|his|her|its|their|my|your|our"
_AN_ARTICLE = re.compile(rf"\s+(?:(?:{_ARTICLES})\s+)?", re.IGNORECASE)


def _key(phrase: str) -> str:
    """A phrase as it is looked up: without the articles inside it, as one writes them."""
    return _AN_ARTICLE.sub(" ", phrase.casefold())


def _any_of(phrases: Iterable[str], between: str = r"\s+") -> re.Pattern[str]:
    """Matches any of the phrases as whole words, the longest first, with a pattern `between` their words."""
    longest_first = sorted(phrases, key=len, reverse=True)
    either = "|".join(between.join(map(re.escape, phrase.split())) for phrase in longest_first)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=1)
def seedling_vocabulary() -> Vocabulary:
    """What the shipped model knows, read from `draw/lists/seedling.yaml`.

    >>> vocabulary = seedling_vocabulary()
    >>> {kind: term.name for kind, term in vocabulary.find("a puppy cycling at dusk").items()}
    {'subject': 'dog', 'action': 'riding a bicycle', 'time': 'at sunset'}
    >>> vocabulary.unknown_words("a (purple:1.2) gnu")
    ['gnu']
    """
    content = own_yaml(VOCABULARY_FILE)
    terms = {
        kind: tuple(
            Term(
                kind,
                Word(entry["en"], entry["zh"], entry.get("measure", "")),
                tuple(entry.get("also", ())),
                tuple(entry.get("near", ())),
            )
            for entry in content[kind]
        )
        for kind in KINDS
    }
    counts = {entry["number"]: (entry["en"], *entry["also"]) for entry in content["count"]}
    sides = {entry["side"]: (entry["en"], *entry["also"]) for entry in content["side"]}
    unlike, still = tuple(content["unlike"]), tuple(content["still"])
    return Vocabulary(terms, tuple(content["filler"]), counts, sides, unlike, still)


def phrasings(phrase: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """The stems of a phrase and those of every phrase that Seedling was taught to mean the same.

    >>> sorted(phrasings(("rain",)))
    [('rain',), ('rainstorm',)]
    """
    return _phrasings().get(phrase, frozenset()) | {phrase}


@lru_cache(maxsize=1)
def _phrasings() -> dict[tuple[str, ...], frozenset[tuple[str, ...]]]:
    table: dict[tuple[str, ...], frozenset[tuple[str, ...]]] = {}
    for term in (term for terms in seedling_vocabulary().terms.values() for term in terms):
        # "with a book" names the thing only, which is too little to say that it is read.
        bare = ("with ", "in ", "on ", "under ") if term.kind == "action" else ()
        told = [phrase for phrase in term.phrases if not phrase.startswith(bare)]
        together = frozenset(filter(None, map(content_stems, told)))
        for phrase in together:
            table[phrase] = table.get(phrase, frozenset()) | together
    return table
