"""Words: how text is cut into them. Everything that counts, compares or looks for words cuts here, and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Chinese and Japanese put no spaces between words, so each of their characters stands alone; so does a pictogram.
_ALONE = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
    "\u2600-\u27bf\U0001f000-\U0001faff"
)
_LETTER = rf"[^\W_{_ALONE}][\u0300-\u036f]*"
#: What joins letters into one word. A dot does too ("v1.5"), unless a capital says that a sentence lost its space.
_JOINT = r"[-'\u2019_]|\.(?![A-Z])"
#: A pictogram may be made of several: a woman, joined to a rocket, is an astronaut.
_SIGN = rf"[{_ALONE}](?:\ufe0f|\u200d[{_ALONE}])*"
_WORD = re.compile(rf"{_SIGN}|{_LETTER}(?:{_LETTER}|(?:{_JOINT})(?={_LETTER}))*")
#: What stands in quotation marks; the group that matched is what they hold.
QUOTED = re.compile(
    r"\"(?P<a>[^\"]+)\"|“(?P<b>[^“”]+)”|「(?P<c>[^「」]+)」|『(?P<d>[^『』]+)』|‘(?P<e>[^‘’]+)’"
    r"|(?<!\w)'(?P<f>[^']+)'(?!\w)"
)
_PARTS = re.compile(r"[-'\u2019_.]")
_POSSESSIVE = re.compile(r"['\u2019]s?\b")
_PLAIN = re.compile(r"[a-z0-9]+")
_PIECES = re.compile(r"[^\W\d_]+|\d|[^\w\s]")


@dataclass(frozen=True, slots=True)
class WordSpan:
    """A word where it stands: `text` is the whole text's `[start:end]`."""

    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """The word without upper case: two words with one key are the same word."""
        return self.text.casefold()

    @property
    def parts(self) -> tuple[str, ...]:
        """The key, taken apart at what joins it: "d'un" is d and un, "ice-cream" ice and cream."""
        return tuple(_PARTS.split(self.key))


def is_inside(spans: Sequence[tuple[int, int]], place: int) -> bool:
    """Whether the place is within one of the spans, behind its first character; they stand in order.

    >>> is_inside([(2, 5), (7, 9)], 3), is_inside([(2, 5), (7, 9)], 5)
    (True, False)
    """
    before = bisect_right(spans, place, key=lambda span: span[1])
    return before < len(spans) and spans[before][0] < place


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that overlap as one.

    >>> merged([(7, 9), (2, 5), (4, 6)])
    [(2, 6), (7, 9)]
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def covers(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether one of the spans, which stand in order and apart, has all from `start` to `end`.

    >>> covers([(2, 6), (7, 9)], 2, 5), covers([(2, 6), (7, 9)], 5, 8)
    (True, False)
    """
    before = bisect_right(spans, start, key=lambda span: span[0])
    return before > 0 and end <= spans[before - 1][1]


def words_of(text: str) -> list[WordSpan]:
    """The words of a text in order, without the marks and spaces between them.

    What a hyphen, an apostrophe, a dot or a low line joins is one word; a Chinese or Japanese character and a pictogram
    are one each.

    >>> [word.text for word in words_of("An ice-cream's 2.5 scoops, 狗狗!")]
    ['An', "ice-cream's", '2.5', 'scoops', '狗', '狗']
    """
    return [WordSpan(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]


def as_written(words: Iterable[WordSpan]) -> list[WordSpan]:
    """The same words, with those that touch each other as one: Chinese is read in runs, not by the character.

    >>> [word.text for word in as_written(words_of("狗在海灘上 dog"))]
    ['狗在海灘上', 'dog']
    """
    runs: list[list[WordSpan]] = []
    for word in words:
        if runs and runs[-1][-1].end == word.start:
            runs[-1].append(word)
        else:
            runs.append([word])
    return [WordSpan("".join(word.text for word in run), run[0].start, run[-1].end) for run in runs]


def segments(text: str) -> list[tuple[WordSpan | None, str]]:
    """The words, each with all that stands up to the next: joined, the strings give the text back exactly.

    What stands before the first word is there without a word.

    >>> [(word.key if word else "", stretch) for word, stretch in segments("(A dog, running")]
    [('', '('), ('a', 'A '), ('dog', 'dog, '), ('running', 'running')]
    """
    words = words_of(text)
    begins = [word.start for word in words] + [len(text)]
    found: list[tuple[WordSpan | None, str]] = [(None, text[: begins[0]])] if begins[0] else []
    return found + [(word, text[begin:end]) for word, (begin, end) in zip(words, pairwise(begins), strict=True)]


def plain_words(text: str) -> list[str]:
    """The words in plain lower-case letters, without accents and possessives, joined ones taken apart.

    Letters of other scripts are left out, and English is spelled as in America where Seedling learnt it so.

    >>> plain_words("The café's well-known COLOURS")
    ['the', 'cafe', 'well', 'known', 'colors']
    """
    return [part for word in words_of(text) for part in _plain_parts(word.key)]


def _plain_parts(key: str) -> list[str]:
    if not key.isascii():
        # Each by itself: a long row of marks that belong in another order would be sorted first, which takes its time.
        letters = (part for letter in key for part in unicodedata.normalize("NFKD", letter))
        key = "".join(part for part in letters if not unicodedata.combining(part))
    return _PLAIN.findall(_POSSESSIVE.sub("", key).replace("colour", "color"))


def encoder_pieces(text: str) -> list[str]:
    """The pieces in which CLIP's tokenizer looks for tokens: runs of letters, single digits, single marks.

    >>> encoder_pieces("a dog's 12 hats")
    ['a', 'dog', "'", 's', '1', '2', 'hats']
    """
    return _PIECES.findall(text)
