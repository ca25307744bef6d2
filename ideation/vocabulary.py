"""The vocabulary: every word that Seedling, the embedded model, has learnt to draw."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from ideation.concept import Word
from ideation.english import as_written, content_stems, words_of
from ideation.errors import Clause
from ideation.prompt_syntax import marks_in
from templates import own_yaml

VOCABULARY_FILE = Path(__file__).parent / "draw" / "lists" / "seedling.yaml"

#: The attributes of a scene, in the order in which a caption usually names them.
KINDS = ("subject", "action", "style", "setting", "time", "weather", "colour")

#: So many unknown words are named in a note; a pasted page would have hundreds.
MAX_NAMED = 12

_UNKNOWN = "Seedling has never learnt {words}, so the picture may show something else there."
_MANY_UNKNOWN = "Seedling has never learnt {words} and {more} more words, so the picture may show something else there."

_UNDRAWN = "Seedling draws none of the added words ({words}), so what they change in its picture is little or chance."

#: What ends the phrase of something that is done ("playing the piano"), and how many words it has at most.
_ENDS_CLAUSE = re.compile(r"[.,;:!?()\[\]]")
_BETWEEN = frozenset(
    "and or but while with without in on at by from to into onto of for under over near through across during who "
    "that".split()
)
_LONGEST_DOING = 5
_LAST_GLUE = re.compile(r"(?:\s+(?:a|an|the|its|his|her|their|as|is|was|are|were))+$", re.IGNORECASE)

#: Words of grammar and of picture-making that carry nothing to be drawn.
_GLUE = frozenset(
    "a an the of in on at by with and or to for from its his her their is are was it as that this under near "
    "over style styled painting picture drawing image illustration print art artwork".split()
)


@dataclass(frozen=True)
class Term:
    """One thing that Seedling can draw: its usual name in both languages and its synonyms in English."""

    kind: str
    word: Word
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.word.en

    @property
    def phrases(self) -> tuple[str, ...]:
        return (self.word.en, *self.also)


@dataclass(frozen=True)
class Vocabulary:
    """All terms by kind, and the filler words that change little."""

    terms: dict[str, tuple[Term, ...]]
    filler: tuple[str, ...]

    def names(self, kind: str) -> list[str]:
        return [term.name for term in self.terms[kind]]

    def find(self, text: str) -> dict[str, Term]:
        """The first term of each kind that `text` names; longer phrases win over the words inside them."""
        found: dict[str, Term] = {}
        for term, _ in self._matches(text):
            found.setdefault(term.kind, term)
        return found

    def unknown_words(self, text: str) -> list[str]:
        """The words of `text`, in order and once each, that Seedling never learnt; weights and adapters are none."""
        known = [span for _, span in self._matches(text)] + marks_in(text).spans(
            "weight", "adapter", "embedding", "tag", "break"
        )
        known += [match.span() for match in self._filler_pattern.finditer(text)]
        unknown = [
            word
            for word in words_of(text)
            if word.key not in _GLUE and not any(start <= word.start and word.end <= end for start, end in known)
        ]
        return list(dict.fromkeys(word.text for word in as_written(unknown)))

    def unknown_phrases(self, text: str) -> list[str]:
        """As `unknown_words`, but what is done is named as a whole: Seedling has learnt to play the guitar, so it is
        not "playing" that it has never learnt."""
        unknown = {word.casefold() for word in self.unknown_words(text)}
        known = [span for term, span in self._matches(text) if term.kind not in ("subject", "colour")]
        phrases: list[tuple[int, int]] = []
        doing, before = 0, 0
        for word in as_written(words_of(text)):
            learnt = any(start <= word.start and word.end <= end for start, end in known)
            begins = word.key.endswith("ing") and word.text.casefold() in unknown
            apart = bool(_ENDS_CLAUSE.search(text, before, word.start)) or word.key in _BETWEEN or learnt
            before = word.end
            if doing and not apart and not begins and doing < _LONGEST_DOING:
                doing += 1
                phrases[-1] = (phrases[-1][0], word.end)
                continue
            doing = int(begins)
            if word.text.casefold() in unknown:
                phrases.append((word.start, word.end))
        named = (_LAST_GLUE.sub("", text[start:end]) for start, end in phrases)
        return list(dict.fromkeys(" ".join(phrase.split()) for phrase in named))

    def note_on_added(self, simple: str, expanded: str) -> Clause | None:
        """A note on words that the expanded prompt has besides and of which Seedling draws none; None where there is
        nothing to say of them."""
        added = self.undrawn(simple, expanded)
        return Clause(_UNDRAWN, words=_quoted(added[:MAX_NAMED])) if added else None

    def undrawn(self, simple: str, expanded: str) -> tuple[str, ...]:
        """What the expanded prompt has besides, if Seedling draws nothing of it; empty where it draws any of that,
        where the expanded prompt has lost something drawn, and where nothing was added."""
        drawn, drawn_too = ({term.name for term, _ in self._matches(prompt)} for prompt in (simple, expanded))
        if drawn != drawn_too:
            return ()
        there, unknown = {word.key for word in words_of(simple)}, self.unknown_words(expanded)
        spans = [match.span() for match in self._filler_pattern.finditer(expanded)]
        spans += [
            (word.start, word.end) for word in words_of(expanded) if word.text in unknown and word.key not in there
        ]
        added = [expanded[start:end] for start, end in sorted(spans)]
        return tuple(phrase for phrase in dict.fromkeys(added) if phrase.casefold() not in simple.casefold())

    def note_on(self, text: str) -> Clause | None:
        """A note on the words of `text` that Seedling never learnt; None where it has learnt all."""
        unknown = self.unknown_phrases(text)
        if not unknown:
            return None
        words, more = _quoted(unknown[:MAX_NAMED]), len(unknown) - MAX_NAMED
        return Clause(_MANY_UNKNOWN, words=words, more=more) if more > 0 else Clause(_UNKNOWN, words=words)

    @staticmethod
    def tells(note: str) -> bool:
        """Whether a note is one of those on words that were never learnt."""
        return note.startswith(_UNKNOWN.partition("{")[0])

    def _matches(self, text: str) -> list[tuple[Term, tuple[int, int]]]:
        return [(self._by_phrase[m.group().casefold()], m.span()) for m in self._pattern.finditer(text)]

    @cached_property
    def _by_phrase(self) -> dict[str, Term]:
        return {phrase.casefold(): term for terms in self.terms.values() for term in terms for phrase in term.phrases}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _any_of(list(self._by_phrase))

    @cached_property
    def _filler_pattern(self) -> re.Pattern[str]:
        return _any_of(list(self.filler))


def _quoted(phrases: Iterable[str]) -> str:
    return ", ".join(f'"{phrase}"' for phrase in phrases)


def _any_of(phrases: list[str]) -> re.Pattern[str]:
    """Matches any of the phrases as whole words, the longest first."""
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.IGNORECASE)


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
            Term(kind, Word(entry["en"], entry["zh"], entry.get("measure", "")), tuple(entry.get("also", ())))
            for entry in content[kind]
        )
        for kind in KINDS
    }
    return Vocabulary(terms, tuple(content["filler"]))


#: Seedling draws them as it draws their cousins, and yet who asks for a hamster does not ask for a mouse.
_OTHER_ANIMALS = frozenset(("hamster", "rat", "squid"))


def phrasings(phrase: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """The stems of a phrase and those of every phrase that Seedling was taught to mean the same."""
    return _phrasings().get(phrase, frozenset()) | {phrase}


@lru_cache(maxsize=1)
def _phrasings() -> dict[tuple[str, ...], frozenset[tuple[str, ...]]]:
    table: dict[tuple[str, ...], frozenset[tuple[str, ...]]] = {}
    for term in (term for terms in seedling_vocabulary().terms.values() for term in terms):
        # "with a book" names the thing only, which is too little to say that it is read.
        bare = ("with ", "in ", "on ", "under ") if term.kind == "action" else ()
        told = [phrase for phrase in term.phrases if not phrase.startswith(bare) and phrase not in _OTHER_ANIMALS]
        together = frozenset(filter(None, map(content_stems, told)))
        for phrase in together:
            table[phrase] = table.get(phrase, frozenset()) | together
    return table
