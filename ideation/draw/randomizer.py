"""The randomizer: a seeded order of all concepts, in which none comes twice until all have come."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from math import gcd

from ideation.concept import Concept, Word, concept_text
from ideation.draw.word_lists import MAX_ENTRY_CHARACTERS, WordLists
from ideation.errors import Clause, TwinseedError, nearest
from ideation.files import MAX_SEED
from templates import Language

#: So many neighbouring concepts are put in order together, so that no two in a row share a part.
WINDOW = 64

_MASK = (1 << 64) - 1

_Triple = tuple[int, int, int]


class DrawError(TwinseedError):
    """A draw that cannot be made: a negative seed, or a place beyond the last concept."""


def seed_of(given: int | str | None) -> int:
    """The seed that somebody gave; where none was, one that is drawn. Raises `DrawError` for what is no whole number.

    >>> seed_of(" 7 ")
    7
    """
    if given is None:
        return secrets.randbelow(2**32)
    text = str(given).strip()
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise DrawError(
            "seed is {seed!r}",
            hint="give a whole number from 0 to {most}, as in --seed 7",
            seed=text[:40],
            most=MAX_SEED,
        )
    return int(text)


def draw(words: WordLists, *, seed: int, index: int, language: Language = "en") -> Concept:
    """The concept at place `index`, from 0, of the order that belongs to `seed`. Raises `DrawError`.

    >>> from ideation.draw.word_lists import built_in_words
    >>> draw(built_in_words(), seed=7, index=0).text
    'a dragon walking a tightrope, Claude Monet style'
    """
    return next(draw_many(words, seed, index, 1, language))


def draw_many(words: WordLists, seed: int, start: int, count: int, language: Language = "en") -> Iterator[Concept]:
    """The concepts at places `start` to `start + count - 1`. Raises `DrawError` at once, before the first is taken.

    >>> from ideation.draw.word_lists import built_in_words
    >>> [concept.text for concept in draw_many(built_in_words(), 7, 0, 2, "zh-TW")]
    ['一條龍在走鋼索，莫內風格', '一隻北極熊在等看牙醫，霍普風格']
    """
    if seed < 0:
        raise DrawError("the seed is {seed}", hint="give a whole number from 0 up", seed=seed)
    if start < 0:
        raise DrawError("start is {start}", hint="give a whole number from 0 up; 0 is the first concept", start=start)
    if count < 1:
        raise DrawError("{count} concepts were asked for", hint="give a whole number from 1 up", count=count)
    if start + count > words.size:
        raise DrawError(
            "concepts {start:,} to {start_2:,} were asked for, but these word lists give {size:,}, numbered from 0",
            hint="ask for fewer, start earlier, take another seed for a new order, or pin less",
            start=start,
            start_2=start + count - 1,
            size=words.size,
        )
    return _concepts(words, seed, start, count, language)


def pinned(
    words: WordLists,
    *,
    topic: str | None = None,
    action: str | None = None,
    style: str | None = None,
    exclude: Sequence[str] = (),
) -> WordLists:
    """The same lists with each given part cut down to that one entry, found by its English or Chinese name.

    A name that is not in the list is the user's own word and is taken as it was typed. The entries named in `exclude`,
    of whatever part, are left out. Raises `DrawError` on one that is in no list, and where nothing is left of a part.

    >>> from ideation.draw.word_lists import built_in_words
    >>> words = pinned(built_in_words(), topic="貓", style="my own")
    >>> draw(words, seed=7, index=0).text
    'a cat shopping for hats, my own style'
    """
    known = {
        name.casefold() for part in (words.topics, words.actions, words.styles) for w in part for name in (w.en, w.zh)
    }
    unwanted = {" ".join(name.split()).casefold(): name for name in exclude}
    for folded, name in unwanted.items():
        if folded not in known:
            raise DrawError(
                "{name!r} is to be left out, but no list has it",
                hint="{suggestion}",
                name=name[:40],
                suggestion=_suggestion(name, words),
            )

    def left(part: str, entries: tuple[Word, ...], name: str | None) -> tuple[Word, ...]:
        kept = _only(entries, name, part)
        kept = tuple(word for word in kept if not {word.en.casefold(), word.zh.casefold()} & unwanted.keys())
        if not kept:
            raise DrawError("nothing is left of the {part}s", hint="leave out less with --exclude", part=part)
        return kept

    return replace(
        words,
        topics=left("topic", words.topics, topic),
        actions=left("action", words.actions, action),
        styles=left("style", words.styles, style),
    )


def _suggestion(name: str, words: WordLists) -> str:
    hint = nearest(name, [word.en for part in (words.topics, words.actions, words.styles) for word in part])
    return hint if hint.startswith("did you mean") else Clause("`twinseed list words` names the built-in ones")


def _only(entries: tuple[Word, ...], name: str | None, part: str) -> tuple[Word, ...]:
    if name is None:
        return entries
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > MAX_ENTRY_CHARACTERS:
        raise DrawError(
            "the {part} is {count:,} characters long" if cleaned else "the {part} is empty",
            hint='give a few words, as in --{part} "{en}", or leave it out to draw one',
            part=part,
            count=len(cleaned),
            en=entries[0].en,
        )
    folded = cleaned.casefold()
    for word in entries:
        if folded in (word.en.casefold(), word.zh.casefold()):
            return (word,)
    return (Word(cleaned, cleaned),)


def _concepts(words: WordLists, seed: int, start: int, count: int, language: Language) -> Iterator[Concept]:
    order = _order(seed, len(words.topics), len(words.actions), len(words.styles))
    topics, actions, styles = words.topics, words.actions, words.styles
    index, end = start, start + count
    while index < end:
        window, offset = divmod(index, WINDOW)
        for t, a, s in order.window(window)[offset : offset + end - index]:
            topic, action, style = topics[t], actions[a], styles[s]
            text = concept_text(topic, action, style, language)
            yield Concept(text, language, topic, action, style, index, seed)
            index += 1


@lru_cache(maxsize=8)
def _order(seed: int, topics: int, actions: int, styles: int) -> _Order:
    return _Order(seed, topics, actions, styles)


class _Order:
    """A keyed bijection from places 0 .. topics x actions x styles - 1 to (topic, action, style).

    Place k is round k // topics: every round names every topic once, each in another order, so topics are used evenly
    from the first round on. The r-th time that a topic comes it takes action r mod actions of its own order, and a
    style that moves on whenever its actions have all been used: all pairs in turn, none twice. Integers only, so it is
    the same on every machine. Memory is that of the lists.
    """

    def __init__(self, seed: int, topics: int, actions: int, styles: int) -> None:
        self._size = topics * actions * styles
        self._varied = (topics > 1, actions > 1, styles > 1)
        key = int.from_bytes(hashlib.blake2b(str(seed).encode(), digest_size=8).digest(), "big")
        self._round_key, self._action_key, style_key, self._offset_key = (mix(key + n) for n in range(1, 5))
        self._style_keys = [mix(style_key + topic) for topic in range(topics)]
        self._topics = _Shuffle(topics, mix(key + 5))
        self._actions = _Shuffle(actions, mix(key + 6))
        self._styles = _Shuffle(styles, mix(key + 7))

    def window(self, number: int) -> list[_Triple]:
        """Places `number * WINDOW` and on, the last one excepted moved about so that neighbours differ in every part.

        The last stays where it is, so that the next window can be joined to it without knowing this one. Lists of one
        or two entries cannot always differ; then as much as can be does.
        """
        first = number * WINDOW
        *pending, last = (self._raw(k) for k in range(first, min(first + WINDOW, self._size)))
        line = [self._raw(first - 1)] if number else []
        held: list[_Triple] = []
        for triple in pending:
            if line and self._shared(line[-1], triple):
                held.append(triple)
            else:
                line.append(triple)
        while len(line) > 1 and self._shared(line[-1], last):
            held.append(line.pop())
        line.append(last)
        for triple in held:
            # Gap g lies before line[g]; before the very first place only when there is no window before this one.
            gaps = range(1 if number else 0, len(line))
            line.insert(min(gaps, key=lambda gap: self._cost(line, gap, triple)), triple)
        return line[1:] if number else line

    def _cost(self, line: list[_Triple], gap: int, triple: _Triple) -> int:
        before = self._shared(line[gap - 1], triple) if gap else 0
        parted = self._shared(line[gap - 1], line[gap]) if gap else 0
        return before + self._shared(triple, line[gap]) - parted

    def _shared(self, one: _Triple, other: _Triple) -> int:
        """How many parts are the same, of those that could differ."""
        topics, actions, styles = self._varied
        return (topics and one[0] == other[0]) + (actions and one[1] == other[1]) + (styles and one[2] == other[2])

    def _raw(self, k: int) -> _Triple:
        turn, position = divmod(k, self._topics.size)
        topic = self._topics.at(position, mix(self._round_key + turn))
        sweep, step = divmod(turn, self._actions.size)
        action = self._actions.at(step, mix(self._action_key + sweep * 0x1_0000_0001 + topic))
        start = self._styles.at(sweep, self._style_keys[topic])
        offset = mix(self._offset_key + action * 0x1_0000_0001 + topic)
        return topic, action, (start + offset) % self._styles.size


class _Shuffle:
    """Many keyed permutations of 0 .. size - 1 that share two tables: table, then x -> m x + c, then table."""

    def __init__(self, size: int, key: int) -> None:
        self.size = size
        self._before, self._after = _shuffled(size, key), _shuffled(size, mix(key))
        self._multipliers = [m for m in range(1, max(size, 2)) if gcd(m, size) == 1]

    def at(self, position: int, key: int) -> int:
        multiplier = self._multipliers[(key >> 32) % len(self._multipliers)]
        return self._after[(self._before[position] * multiplier + key) % self.size]


def _shuffled(size: int, key: int) -> list[int]:
    """Fisher and Yates's shuffle, driven by `mix`, because `random.shuffle` may change between Python versions."""
    items = list(range(size))
    for last in range(size - 1, 0, -1):
        other = mix(key + last) % (last + 1)
        items[last], items[other] = items[other], items[last]
    return items


def mix(number: int) -> int:
    """64 bits to 64 well-mixed bits: the output function of SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = (number + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
