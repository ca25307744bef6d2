"""Marks carried over: what one prompt emphasises, another one emphasises on the same words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ideation.english import GLUE, WordSpan, as_written, common_words, stem, words_of
from ideation.prompt.plain_text import as_prompt, concept_as_prompt, tidied
from ideation.prompt.syntax import marks_in, name_of_embedding, weight_of


@dataclass(frozen=True)
class _Emphasis:
    """A pair of brackets, as they are written, with what they hold of the text, and how much that weighs; or what calls
    a name an embedding's."""

    opens: str
    closes: str
    factor: float
    begin: int
    end: int

    @property
    def is_name(self) -> bool:
        return not self.closes

    def holds(self, word: WordSpan) -> bool:
        return self.begin < word.end and word.start < self.end


@dataclass(frozen=True)
class MarkedText:
    """The words of a prompt, and the marks beside them: pairs of brackets, outer ones first, the places of its BREAKs
    in the text, and the adapters as they are written.

    >>> marked = MarkedText.of("a (red:1.4) dog <lora:ink:0.7>")
    >>> marked.text, marked.adapters, marked.weights
    ('a red dog', ('<lora:ink:0.7>',), (1.0, 1.4, 1.0))
    """

    text: str
    emphases: tuple[_Emphasis, ...] = ()
    breaks: tuple[int, ...] = ()
    adapters: tuple[str, ...] = ()

    @classmethod
    def of(cls, prompt: str) -> MarkedText:
        """Takes a prompt apart that `parse_prompt` can read. Raises `PromptSyntaxError` for weights out of range."""
        marks = marks_in(prompt)
        said = ""
        emphases: dict[int, _Emphasis] = {}
        begins: dict[int, int] = {}
        breaks: list[int] = []
        adapters: list[str] = []
        position = 0
        for place, mark in enumerate(marks.all):
            said += prompt[position : mark.start]
            position = mark.end
            partner = marks.partners.get(place)
            if mark.kind == "adapter":
                adapters.append(mark.text)
            elif mark.kind == "break":
                said = f"{said.rstrip(' ,')}, "
                breaks.append(len(said))
            elif mark.kind == "open":
                begins[place] = len(said)
            elif partner is not None:
                emphases[partner] = _Emphasis(
                    marks.all[partner].text, mark.text, weight_of(mark), begins.pop(partner), len(said)
                )
            elif mark.kind == "embedding":
                name = name_of_embedding(mark)
                emphases[place] = _Emphasis("embedding:", "", 1.0, len(said), len(said) + len(name))
                said += name
            elif mark.kind != "tag":
                said += mark.value if mark.kind == "escape" else mark.text
        said += prompt[position:]
        for place, begin in begins.items():  # what is never closed reaches to the end
            closing = ")" if marks.all[place].value == "(" else "]"
            factor = weight_of(marks_in(f"{marks.all[place].value}x{closing}").all[1])
            emphases[place] = _Emphasis(marks.all[place].text, closing, factor, begin, len(said))
        whole = tuple(emphases[place] for place in sorted(emphases))
        return cls(said.rstrip() if adapters else said, whole, tuple(breaks), tuple(adapters))

    @property
    def sentence(self) -> str:
        """The text, without what marks left behind that were taken out of it."""
        return tidied(self.text) if self.adapters or self.breaks else self.text

    @cached_property
    def words(self) -> list[WordSpan]:
        return words_of(self.text)

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """How much each of the words weighs."""
        found = []
        for word in self.words:
            weight = 1.0
            for emphasis in self.emphases:
                weight *= emphasis.factor if emphasis.holds(word) else 1.0
            found.append(round(weight, 9))
        return tuple(found)


def concept_sentence(concept: str) -> str:
    """The words of a concept, without the marks of a prompt that may be in it.

    >>> concept_sentence("a (red:1.4) clock (10:30) <lora:ink:0.7>")
    'a red clock (10:30)'
    """
    return MarkedText.of(concept_as_prompt(concept).text).sentence


@dataclass(frozen=True)
class Carried:
    """`prompts` have the marks; `missing` are the emphasised words that not all of them say, and "BREAK" if one is."""

    prompts: tuple[str, ...]
    missing: tuple[str, ...]


def carry_marks(source: MarkedText, *texts: str) -> Carried:
    r"""The plain texts as prompts with the marks of `source` on the same words: on those that all of the texts say.

    >>> carry_marks(MarkedText.of(r"a (red:1.4) dog, artist \(fate\)"), "a red dog, artist (fate), at night").prompts
    ('a (red:1.4) dog, artist \\(fate\\), at night',)
    >>> carry_marks(MarkedText.of("a (red:1.4) dog"), "a red dog", "a crimson dog at night").missing
    ('red',)
    """
    targets = [words_of(text) for text in texts]
    marked = {k for k, word in enumerate(source.words) if any(one.holds(word) for one in source.emphases)}
    found: list[dict[int, int]] = [{} for _ in texts]
    if marked or source.breaks:
        found = [_places(source.words, words, marked) for words in targets]
    shared = set(range(len(source.words))).intersection(*found)
    heads = _heads_of_sections(source, shared, found)
    prompts = tuple(
        _written(text, words, places, source, shared, [head for head in heads if head is not None])
        for text, words, places in zip(texts, targets, found, strict=True)
    )
    missing = [source.words[k] for k in sorted(marked - shared) if source.words[k].key not in GLUE]
    names = dict.fromkeys(word.text for word in as_written(missing))
    return Carried(prompts, (*names, *(("BREAK",) if None in heads else ())))


def _places(source: list[WordSpan], target: list[WordSpan], marked: set[int]) -> dict[int, int]:
    """Where in the target each word of the source stands, by its number. Marked words are also found out of order."""
    before, after = ([stem(word.key) for word in words] for words in (source, target))
    places = dict(common_words(before, after))
    taken = set(places.values())
    free: dict[str, dict[int, None]] = {}
    for at, word in enumerate(after):
        if at not in taken:
            free.setdefault(word, {})[at] = None
    for k in sorted(marked - places.keys()):
        if here := free.get(before[k]):
            behind = places.get(k - 1, -2) + 1
            places[k] = behind if behind in here else next(iter(here))
            del here[places[k]]
    return places


def _heads_of_sections(source: MarkedText, shared: set[int], found: list[dict[int, int]]) -> list[int | None]:
    """For each BREAK the first shared word behind it that says something; None if there is no such word before the
    next BREAK, or if no word from in front of the BREAK stands before it in all targets."""
    ends = [*source.breaks[1:], len(source.text) + 1] if source.breaks else []
    said = [k for k in sorted(shared) if source.words[k].key not in GLUE]
    heads: list[int | None] = []
    for begin, end in zip(source.breaks, ends, strict=True):
        before = [k for k in said if source.words[k].start < begin]
        head = next((k for k in said if begin <= source.words[k].start < end), None)
        if head is not None and not all(any(places[k] < places[head] for k in before) for places in found):
            head = None
        heads.append(head)
    return heads


def _written(
    text: str,
    words: list[WordSpan],
    places: dict[int, int],
    source: MarkedText,
    shared: set[int],
    heads: list[int],
) -> str:
    opens: dict[int, str] = {}  # what is written in front of and behind a character
    closes: dict[int, str] = {}
    for emphasis in source.emphases:  # outer ones first
        held = [k for k, word in enumerate(source.words) if emphasis.holds(word)]
        standing = {places[k]: source.words[k] for k in held if k in shared}
        runs = list(_runs(sorted(standing)))
        if emphasis.is_name and (len(runs) > 1 or len(standing) < len(held)):
            continue  # half a name is none
        for first, last in runs:
            # Signs at its ends that the brackets hold, as in "(dog \\(shiba\\):1.3)", belong to it.
            before = source.text[emphasis.begin : standing[first].start]
            behind = source.text[standing[last].end : emphasis.end]
            begin, end = words[first].start, words[last].end
            begin -= len(before) if text[:begin].endswith(before) else 0
            end += len(behind) if text.startswith(behind, end) else 0
            opens[begin] = opens.get(begin, "") + emphasis.opens
            closes[end] = emphasis.closes + closes.get(end, "")
    said = {places[k] for k in shared if source.words[k].key not in GLUE}
    for head in heads:
        begin = words[_begin_of_phrase(text, words, places[head], said)].start
        opens[begin] = "BREAK " + opens.get(begin, "")
    written = ""
    position = 0
    for place in sorted({*opens, *closes}):
        written += as_prompt(text[position:place]) + closes.get(place, "") + opens.get(place, "")
        position = place
    return " ".join([written + as_prompt(text[position:]), *source.adapters])


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each row of places side by side."""
    there = set(places)
    for place in places:
        if place - 1 not in there:
            last = place
            while last + 1 in there:
                last += 1
            yield place, last


def _begin_of_phrase(text: str, words: list[WordSpan], at: int, said: set[int]) -> int:
    """The place of the first word of the phrase with the word at that place: "on" of "on a sunny beach". It begins
    behind a comma, or behind the last word that the source says."""
    while at > 1 and at - 1 not in said and not text[words[at - 1].end : words[at].start].strip():
        at -= 1
    return at
