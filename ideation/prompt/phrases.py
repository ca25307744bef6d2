"""Phrases: an expanded prompt cut into the pieces that one can look for in a picture, one by one."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from ideation.english import WordSpan, is_inside, words_of
from ideation.prompt.syntax import Marks, marks_in

_QUOTED = re.compile(r'"[^"\n]{1,100}"|“[^”\n]{1,100}”|「[^」\n]{1,100}」')
_SEPARATOR = re.compile(
    r"""
    ,(?!(?<=\d,)\d{3}\b) | [;\n|、。，；！？] | (?<![!?])[!?]++(?=\s|$) | \s[-–—]+\s | —
    | (?<![A-Z])(?<!\b[MDS]rs)(?<!\b[MDS][rts])\.(?=[\s)\]]|$) | :(?=\s)
    """,
    re.VERBOSE,
)

#: Words without a meaning of their own.
ARTICLES = frozenset("a an the".split())
#: Groups that begin with these say where, when, in which weather or with what.
_PLACES = frozenset(
    "in on at by under underneath beneath near beside behind among amongst amid amidst over above below inside outside "
    "atop next during".split()
)
_OTHERS = frozenset(
    "with without along across around beyond between before after against through within while wearing surrounded lit "
    "illuminated bathed".split()
)
_PARTICLES = frozenset("out up down high deep low far just right all away back off close".split())
#: What a preposition clings to: "oil on canvas", "lit by candles", "focus on the eyes", "a painting by".
_TAKES_ANY = frozenset(
    "of oil ink acrylic gouache tempera charcoal chalk pastel focus emphasis accent accents and or as from to into "
    "like than".split()
)
_TAKES_MEANS = frozenset("lit made done drawn seen set shot cut woven hung worn built sunk spun strewn".split())
_MEANS = frozenset("by with in".split())
_OWN = frozenset("its his her their it him them".split())
_TIMES = frozenset("noon sunset sunrise dusk dawn night midnight midday twilight daybreak nightfall daytime".split())
#: Groups that say how a thing is, not where it is: "in bloom", "a castle in the background".
_BOUND = re.compile(
    r"(?:in (?:the |full )?(?:background|foreground|distance|middle distance|bloom|flight|motion|mid-air|air|detail"
    r"|hand|focus|progress|love|profile|place)|on (?:fire|top|display|guard)|at (?:work|play|rest|hand|once|peace)"
    r"|by (?:hand|side)|under construction|over (?:it|them))\b"
)
_LONGEST_BOUND = 60
#: Phrases with a preposition inside that name one thing. Seedling was taught them: a test holds that none is missing.
SET_PHRASES = ("sitting in a car", "flying on a rocket", "playing with a kite", "oil on canvas")
_KEPT_TOGETHER = re.compile(r"\b(?:" + "|".join(SET_PHRASES) + r")\b", re.IGNORECASE)
#: Behind the first comma, groups are cut off short pieces only where they tell a place or a time.
_SHORT = 6


def phrases_of(text: str) -> list[tuple[str, int, int]]:
    """The phrases of a prompt in order, each with its characters: `text[start:end]` is the phrase.

    Cut at commas, ends of sentences, BREAK and `<lora:...>`, and before the groups that tell a place, a time, weather
    or what is held: "a dog riding a bicycle", "on a snowy beach", "at sunset". Quoted words stay together. Brackets and
    weights stay with their phrase when they are around all of it or inside it, and fall between phrases when they are
    around several. Phrases without a word are left out.

    >>> [phrase for phrase, _, _ in phrases_of("a dog on a (snowy:1.2) beach at night, ink wash")]
    ['a dog', 'on a (snowy:1.2) beach', 'at night', 'ink wash']
    """
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    marks = marks_in(text)
    apart = marks.spans("adapter", "tag", "break")
    brackets = _brackets(marks)
    weights = {place for a, b in marks.spans("weight") for place in range(a, b)}
    words = [word for word in words_of(text) if word.start not in weights]
    separators = (match.span() for match in _SEPARATOR.finditer(text) if match.start() not in weights)
    apart += [(a, b) for a, b in separators if not is_inside(quoted, a)]
    cuts: list[int] = []
    for number, (a, b) in enumerate(_between(apart, len(text))):
        inside = words[bisect_left(words, a, key=_start) : bisect_left(words, b, key=_start)]
        cuts += _group_starts(text, b, inside, quoted, first=number == 0)
    opens = {b: a for (a, b), *_ in brackets if text[a] in "(["}
    cuts = sorted(_before_brackets(cut, text, opens) for cut in cuts)
    ends = sorted(a for a, _ in apart)
    for pair in brackets:
        # A pair of brackets that does not stay within one phrase belongs to none of them.
        (_, begin), (end, _) = pair[0], pair[-1]
        is_cut = bisect_left(ends, begin) < bisect_left(ends, end) or bisect_right(cuts, begin) < bisect_left(cuts, end)
        if len(pair) == 1 or is_cut:
            apart += pair
            for a, _ in pair:
                insort(ends, a)
    said = [word.start for word in words if word.key not in ARTICLES]
    found = [_trimmed(text, a, b) for a, b in _between([*apart, *((cut, cut) for cut in cuts)], len(text))]
    return [(text[a:b], a, b) for a, b in found if bisect_left(said, a) < bisect_left(said, b)]


def _start(word: WordSpan) -> int:
    return word.start


def _brackets(marks: Marks) -> list[list[tuple[int, int]]]:
    """The places of both brackets of a pair, or of one that is alone."""
    found = []
    for place, mark in enumerate(marks.all):
        partner = marks.partners.get(place)
        if partner is not None and partner < place:
            opened = marks.all[partner]
            found.append([(opened.start, opened.end), (mark.start, mark.end)])
        elif partner is None and mark.kind in ("open", "close", "weight"):
            found.append([(mark.start, mark.end)])
    return found


def _between(apart: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """The stretches that are left when those in `apart` are taken out."""
    left, position = [], 0
    for a, b in sorted(apart):
        if a > position or (a == b and a == position):
            left.append((position, a))
        position = max(position, b)
    left.append((position, length))
    return [(a, b) for a, b in left if a < b]


def _group_starts(
    text: str, stop: int, words: list[WordSpan], quoted: list[tuple[int, int]], *, first: bool
) -> Iterator[int]:
    """Where among the words of the stretch that ends at `stop` a new group begins, the first word apart."""
    if not words:
        return
    kept = [match.span() for match in _KEPT_TOGETHER.finditer(text, words[0].start, stop)]
    spoken = [word.key for word in words]
    said = next((k for k, word in enumerate(spoken) if word not in ARTICLES), len(spoken))
    heads = _PLACES | _OTHERS if first or len(words) > _SHORT else _PLACES
    for k in range(1, len(words)):
        begin = k - 1 if spoken[k - 1] in _PARTICLES and k > 1 else k
        if (
            spoken[k] in heads
            and k + 1 < len(words)
            and not _clings(spoken[begin - 1], spoken[k], spoken[k + 1])
            and not _BOUND.match(text[words[k].start : min(stop, words[k].start + _LONGEST_BOUND)].casefold())
            and not is_inside(quoted, words[k].start)
            and not is_inside(kept, words[k].start)
            and said < begin
            and not (spoken[k] in ("lit", "illuminated", "bathed", "surrounded") and spoken[k + 1] not in _MEANS)
        ):
            yield words[begin].start


def _clings(last: str, head: str, after: str) -> bool:
    """Whether the word before a preposition wants it: "dressed in red", "looking at the sea", "oil on canvas"."""
    if after in _OWN:
        return True
    if head == "at" and after in _TIMES:
        return False
    if last in _TAKES_ANY or last in _PLACES or last in _OTHERS:
        return True
    if head in _MEANS and (last in _TAKES_MEANS or (last.endswith("ed") and len(last) > 4)):
        return True
    return head in ("at", "by", "with") and last.endswith("ing") and len(last) > 5


def _before_brackets(cut: int, text: str, opens: dict[int, int]) -> int:
    """A group that begins right behind an opening bracket begins in front of it; `opens` are their beginnings by their
    ends."""
    position = cut
    while position and (position in opens or text[position - 1].isspace()):
        position = opens.get(position, position - 1)
        cut = position if text[position] in "([" else cut
    return cut


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    stretch = text[start:end]
    return start + len(stretch) - len(stretch.lstrip(" \t\r\n.,")), end - len(stretch) + len(
        stretch.rstrip(" \t\r\n.,")
    )
