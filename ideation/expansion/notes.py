"""Notes for the user on both prompts: what of them means nothing here, and what could not be kept or carried over."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable

from ideation.draw import Vocabulary
from ideation.english import common_words
from ideation.errors import Clause
from ideation.expanders import PromptTarget
from ideation.faithfulness import Faithfulness
from ideation.prompt import (
    EstimatedBudget,
    MarkedText,
    PlainText,
    TokenBudget,
    TokenCount,
    marks_in,
    parse_prompt,
    spoken,
)

#: What other programs read as syntax, and an encoder as words.
_OF_OTHERS = re.compile(
    r"""
      (?<=[a-z0-9.,)\]>])\s+AND(?=\s) | \sAND(?=\s+[a-z(\[<])           # several prompts for one picture,
    | \s:\s?\d+(?:\.\d+)?(?=\s+AND\b|\s*\Z)                            # and their weights
    | \bADD(?:COMM|ROW|COL|BASE)\b                                      # regions of a picture
    | \{[^{}|]*\|[^{}]*\} | (?<!\{)\{\{++[^{}]+\}\}+ | \{\w[^{}|]*\}              # a choice of words, emphasis
    | (?<!\w)__[\w/*.-]+__(?!\w)                                        # a word list
    | \)(?:\d+\.\d+|\+{1,9}|-{2,9})(?![\w)]) | \b[a-z]{3,}(?:\+\+|--)(?![\w+-])   # weights behind their words
    | \b\w+::\s?-?\d+(?:\.\d+)? | \d\.\d+::[^:]+::                      # weights with two colons
    | \s--[a-z]+(?:\s+[\d.:]+)?(?=\s|$)                                 # switches
    | （[^（）]{1,60}[：:]\s*\d+(?:\.\d+)?）                              # weights in full-width brackets
    | \.(?:swap|blend|and)\(                                            # prompts joined
    | <[A-Za-z]\w+:(?!//)[^<>]+>                                        # a tag that is not known here
    """,
    re.VERBOSE,
)
#: What stands in quotation marks is to be drawn as it is.
_IN_QUOTES = re.compile(r"“[^”]*”|「[^」]*」|『[^』]*』|\"[^\"]*\"|'[^']*'")
#: Runs of letters, and of Han characters, kana and Hangul, of which one is a word.
_WORDS = re.compile(r"[^\W\d_]+")
#: Text encoders that have learnt English, and next to nothing else.
_READ_ENGLISH = ("CLIP", "T5")
_TIME_OR_RATIO = re.compile(r"(?<!\\)\([^()]*\d:\d+\)")
#: So many words or pieces of syntax are named in a note, of so many characters each.
_MOST_NAMED, _LONGEST = 8, 60


def notes_on(prompt: str) -> tuple[Clause, ...]:
    """What a user should know of a prompt that is taken as it is. Raises `PromptSyntaxError`.

    >>> notes_on("a cat AND a dog <hypernet:ink:1>")[0]
    'Left out, because it means nothing here: <hypernet:ink:1>.'
    """
    notes = []
    if left_out := parse_prompt(prompt).left_out:
        notes.append(Clause("Left out, because it means nothing here: {pieces}.", pieces=_named(left_out)))
    known = [mark.text for mark in marks_in(prompt).all if mark.kind in ("adapter", "tag", "embedding")]
    others = [match.group().strip() for match in _OF_OTHERS.finditer(prompt) if match.group() not in known]
    if others:
        notes.append(
            Clause("Other programs read this as syntax; here it is drawn as words: {pieces}.", pieces=_named(others))
        )
    if numbers := _TIME_OR_RATIO.findall(prompt):
        notes.append(
            Clause(
                "The number at the end is read as a weight: {pieces}. For a time or a ratio, write \\( and \\).",
                pieces=_named(numbers),
            )
        )
    return tuple(notes)


def foreign_words(prompt: str) -> tuple[str, ...]:
    """The words of a prompt that are written in no Latin letters, but for texts in quotation marks.

    >>> foreign_words("a dog, 水彩風格, with a sign that says “你好”")
    ('水彩風格',)
    """
    found = _WORDS.findall(_IN_QUOTES.sub(" ", spoken(prompt)))
    return tuple(dict.fromkeys(word for word in found if _is_foreign(word)))


def reads_english_alone(target: PromptTarget | None) -> bool:
    """Whether prompts have to be in English; None stands for Stable Diffusion, which CLIP reads for.

    >>> reads_english_alone(None)
    True
    """
    return target is None or target.reads in _READ_ENGLISH


def notes_on_language(simple: str, expanded: str, target: PromptTarget | None = None) -> tuple[Clause, ...]:
    """What of two typed prompts the text encoder cannot read, so that its picture is drawn without it.

    >>> notes_on_language("一隻狗", "a dog on a beach")[0]
    'This is no fair comparison: CLIP reads English alone, and the simple prompt has other words: 一隻狗.'
    """
    if not reads_english_alone(target):
        return ()
    return tuple(
        Clause(
            "This is no fair comparison: {reader} reads English alone, and the {name} prompt has other words: {words}.",
            name=Clause(name),
            words=_named(words),
            reader="CLIP" if target is None else target.reads,
        )
        for name, prompt in (("simple", simple), ("expanded", expanded))
        if (words := foreign_words(prompt))
    )


def notes_on_concept(read: PlainText, *, unmarked: bool) -> tuple[Clause, ...]:
    """What looked like a weight in a concept and is none; and its marks where no prompt gets them (`unmarked`)."""
    notes = []
    if read.taken:
        notes.append(Clause("No weights, and so taken as words of the concept: {pieces}.", pieces=_named(read.taken)))
    marked = MarkedText.of(read.text)
    if unmarked and (marked.emphases or marked.breaks or marked.adapters):
        notes.append(
            Clause("The concept's weights, breaks and adapters are left out: the expanded prompt stands as typed.")
        )
    return tuple(notes)


def notes_on_weights(simple: str, expanded: str) -> tuple[Clause, ...]:
    """Of two typed prompts, which words that both have weigh more in one of them."""
    one, other = MarkedText.of(simple), MarkedText.of(expanded)
    if not one.emphases and not other.emphases:
        return ()
    keys = [[word.key for word in side.words] for side in (one, other)]
    unlike = [
        f"{one.words[a].text} ({one.weights[a]:g} / {other.weights[b]:g})"
        for a, b in common_words(*keys)
        if one.weights[a] != other.weights[b]
    ]
    if not unlike:
        return ()
    return (
        Clause(
            "These words weigh differently in the simple and in the expanded prompt: {words}.", words=_named(unlike)
        ),
    )


def notes_on_added(simple: str, expanded: str, vocabulary: Vocabulary | None) -> tuple[Clause, ...]:
    """That a model of this vocabulary draws none of the words that the expanded prompt has besides. None stands for one
    that knows any word."""
    note = None if vocabulary is None else vocabulary.note_on_added(spoken(simple), spoken(expanded))
    return () if note is None else (note,)


def notes_on_draft(answers: Iterable[PlainText], missing: Iterable[str], given: Container[str]) -> tuple[Clause, ...]:
    """What became of an LLM's syntax, and which marks found no words in what was written; prompts that were `given`
    stand as they are."""
    notes = []
    if taken := [piece.strip() for answer in answers for piece in answer.taken]:
        notes.append(
            Clause(
                "What an LLM writes is text and no syntax; this became plain words or was taken out: {pieces}.",
                pieces=_named(taken),
            )
        )
    if missing and "simple" in given:
        notes.append(
            Clause(
                "Marked in the simple prompt alone, for the expanded one does not say it in these words: {words}.",
                words=_named(missing),
            )
        )
    elif missing and "expanded" not in given:  # what an expanded prompt weighs besides is its own
        notes.append(
            Clause(
                "Not marked, for not both prompts say it in the concept's words: {words}.",
                words=_named(missing),
            )
        )
    return tuple(notes)


def notes_on_target(target: PromptTarget, negative: str, budget: TokenBudget | EstimatedBudget) -> tuple[Clause, ...]:
    """What cannot be known of a family that is written for, and which of what was written it does not read."""
    notes = []
    if isinstance(budget, EstimatedBudget):
        notes.append(
            Clause(
                "The tokens are estimated: the tokenizer of {family} ({reads}) is not on this machine.",
                family=target.name,
                reads=target.reads,
            )
        )
    if negative and not target.negative:
        notes.append(Clause("{family} reads no negative prompt, so there is none.", family=target.name))
    return tuple(notes)


def notes_on_loss(
    faithfulness: Faithfulness, tokens: TokenCount, budget: TokenBudget | EstimatedBudget
) -> tuple[Clause, ...]:
    """What is not said any more, and what is not read."""
    warnings = []
    if faithfulness.lost:
        warnings.append(Clause("Not said in both prompts any more: {lost}.", lost="; ".join(faithfulness.lost)))
    if tokens.dropped:
        warnings.append(
            Clause(
                "The expanded prompt takes {expanded} tokens and the model reads {limit}; "
                "these words fall off its end: {dropped}.",
                expanded=tokens.expanded,
                limit=tokens.limit,
                dropped=" ".join(tokens.dropped),
            )
        )
    if tokens.simple_dropped:
        warnings.append(
            Clause(
                "The simple prompt takes {simple} tokens and the model reads {limit}; "
                "these words fall off its end: {dropped}.",
                simple=tokens.simple,
                limit=tokens.limit,
                dropped=" ".join(tokens.simple_dropped),
            )
        )
    elif tokens.simple > tokens.limit and not budget.chunked:
        warnings.append(
            Clause(
                "The simple prompt takes {simple} tokens and the model reads {limit}.",
                simple=tokens.simple,
                limit=tokens.limit,
            )
        )
    if tokens.unread:
        warnings.append(Clause("Asked for and not read by the model: {unread}.", unread="; ".join(tokens.unread)))
    return tuple(warnings)


def _is_foreign(word: str) -> bool:
    """A Greek letter or two in the middle of English are none."""
    names = [unicodedata.name(letter, "") for letter in word]
    if any(name.startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL")) for name in names):
        return True
    return len(word) > 2 and not any(name.startswith("LATIN") for name in names)


def _named(pieces: Iterable[str]) -> str:
    unlike = list(dict.fromkeys(piece if len(piece) <= _LONGEST else f"{piece[: _LONGEST - 1]}…" for piece in pieces))
    return ", ".join(unlike[:_MOST_NAMED]) + (" …" if len(unlike) > _MOST_NAMED else "")
