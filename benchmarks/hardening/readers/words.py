"""What people and language models say: prompts, concepts, patterns, answers, options."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.hardening.readers.reader import Reader, plain
from commands.console import visible
from compare.page.text import plain as on_the_page
from compare.request import PairOptions, PairRequest
from generate.choices import find_performance, find_preset, find_style, match_aspect_ratio
from generate.schedulers import find_scheduler
from generate.seedling import SEEDLING_TOKENIZER
from ideation import (
    Concept,
    DraftRequest,
    OfflineExpander,
    PatternPlan,
    TokenBudget,
    TwinseedError,
    Word,
    built_in_wildcards,
    built_in_words,
    guess_language,
    marks_in,
    parse_prompt,
    pinned,
    require_prompt,
    seedling_vocabulary,
    typed_concept,
)
from ideation.chinese import translate
from ideation.english import (
    as_written,
    content_stems,
    diff,
    encoder_pieces,
    plain_words,
    segments,
    style_phrase,
    with_article,
    words_of,
)
from ideation.expanders.errors import shortened
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.response import read_response
from ideation.expanders.llm.server import server_of, without_key
from ideation.expansion.notes import notes_on
from ideation.faithfulness import check
from ideation.prompt import MarkedText, carry_marks, concept_as_prompt, phrases_of, plain_answer, self_contained

ANSWER = {
    "language": "en",
    "simple": "a dog, ink",
    "expanded": "a (red:1.2) dog on a beach at night, ink wash",
    "negative": "blurry",
    "reasons": ["red, for the ink"],
}


PATTERN = "{2::a red|a blue} ${who=!{dog|cat}}${who} {1-2$$ and $$x|y|z} on \\{a\\} __topics__"


def _answer(text: str) -> None:
    read_response(json.dumps(ANSWER | {"simple": text, "expanded": text, "reasons": [text]}))


def _english(text: str) -> None:
    words = words_of(text)
    as_written(words)
    segments(text)
    plain_words(text)
    encoder_pieces(text)
    content_stems(text)
    with_article(text)
    style_phrase(text)


def _kept(text: str) -> None:
    typed_concept(text)
    for language in ("en", "zh-TW"):
        check(Concept(text, language), text, text[::-1])
    word = Word(text, text)
    check(Concept(text, "en", word, word, word), text, "a dog")


def _notes(text: str) -> None:
    require_prompt("simple", text)
    self_contained(text)
    notes_on(text)


def _offline(text: str) -> None:
    concept = typed_concept(text)
    for vocabulary in (None, seedling_vocabulary()):
        OfflineExpander().draft(DraftRequest(concept, 7, 77, vocabulary))


def _pattern(text: str) -> None:
    list(PatternPlan(text, built_in_wildcards(built_in_words())).draw(7, 0, 2))


def _sentence(text: str) -> None:
    """A concept with marks, which are carried over to what others make of it; the same as an LLM's answer."""
    concept = typed_concept(text).text
    marked = MarkedText.of(concept_as_prompt(concept).text)
    carry_marks(marked, marked.sentence, plain_answer(concept[::-1]).text)


def _budget() -> TokenBudget:
    return TokenBudget(SEEDLING_TOKENIZER, vectors={"glow": 3, "glow-2": 2})


def _tokens(_: Path) -> Callable[[str], Any]:
    budget = _budget()
    return lambda text: budget.measure(text, text)


TALK: tuple[Reader, ...] = (
    plain("a prompt", lambda text: (marks_in(text), parse_prompt(text)), "a (red:1.3) [dog] BREAK <lora:ink:0.7> \\("),
    plain("a typed prompt", _notes, "a red dog AND (a cat), {a|b} --ar 1"),
    plain("marks in a concept", _sentence, "a (red:1.4) clock (10:30) BREAK [[a]] <lora:ink:0.7>"),
    plain("English words", _english, "the dogs' well-known café, 2.5 scoops"),
    plain("phrases", phrases_of, ANSWER["expanded"]),  # type: ignore[arg-type]
    plain("two prompts compared", lambda text: diff(text, text[::-1]), "a dog at night"),
    plain("two prompts compared, nearly alike", lambda text: diff(text, f"a {text} b"), "a dog at night"),
    plain("what is kept of a concept", _kept, "three red dogs without hats in the style of Joan Miro, no cats"),
    Reader("tokens", _tokens, ("a glow dog",)),
    plain("a concept", lambda text: (typed_concept(text), guess_language(text)), "a dog", "一隻狗", "un chien"),
    plain("a part of a concept", lambda text: pinned(built_in_words(), topic=text), "dog"),
    plain("the offline expander", _offline, "a red dog riding a bicycle at night, Joan Miro style"),
    plain("Chinese", lambda text: translate(typed_concept(text).text), "一隻紅色的狗在海灘上騎腳踏車，水彩風格"),
    plain("a pattern", _pattern, PATTERN),
    plain("an LLM's answer", read_response, json.dumps(ANSWER), "Simple: a dog\nExpanded: a red dog", str(ANSWER)),
    plain("the prompts in an LLM's answer", _answer, "a (red:1.3) dog"),
    plain("an LLM's error", lambda text: shortened(without_key(text, "sk-1")), "the key sk-1234567 is wrong"),
    plain("the address of an LLM", lambda text: server_of(text, "OPENAI_BASE_URL"), "http://127.0.0.1:11434/v1"),
    plain("what an LLM is told", lambda text: instruction_for(DraftRequest(typed_concept(text), 7, 77)), "a dog"),
)


def _options(*names: str) -> Callable[[str], Any]:
    """The options of a pair, each with the text in it. What the last of them refuses is refused."""

    def read(text: str) -> None:
        refusals = []
        for name in names:
            value = (text,) if name in ("lora", "style", "instruments", "set_options") else text
            try:
                PairRequest.from_options(PairOptions(**{"concept": "a dog", name: value}))
            except TwinseedError as refusal:
                refusals.append(refusal)
        if len(refusals) == len(names):
            raise refusals[-1]

    return read


def _names(text: str) -> None:
    """What is known by names, of which none has this one."""
    for find in (find_style, find_preset, find_performance, find_scheduler, partial(match_aspect_ratio, model=512)):
        with suppress(TwinseedError):
            find(text)


WORDS: tuple[Reader, ...] = (
    plain("texts among the options of a pair", _options("concept", "simple", "negative"), "a dog, at night"),
    plain("numbers among them", _options("seed", "size", "aspect", "drawn"), "7", "64x64", "16:9", "12@7"),
    plain("names of files among them", _options("lora", "vae", "template", "model"), "ink:0.7", "concise", "seedling"),
    plain("other names among them", _options("scheduler", "preset", "style", "performance", "expander"), "watercolor"),
    plain("instruments among them", _options("instruments", "set_options"), "ladder,sweep", "sweep.steps=5,10"),
    plain("names and ratios", _names, "watercolor", "DPM++ 2M", "16:9"),
    plain("what the terminal prints", visible, "a dog"),
    plain("what the page shows", on_the_page, "a dog"),
)
