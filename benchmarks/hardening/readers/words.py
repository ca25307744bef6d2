"""What people and language models say: prompts, concepts, patterns, answers, options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.hardening.readers.reader import Reader, plain
from commands.console import visible
from compare.page.text import plain as on_the_page
from compare.request import PairOptions, PairRequest
from generate.choices import find_style, match_aspect_ratio
from generate.schedulers import find_scheduler
from generate.seedling import SEEDLING_TOKENIZER
from ideation import (
    Concept,
    DraftRequest,
    OfflineExpander,
    PatternPlan,
    TokenBudget,
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
    MarkedText,
    as_written,
    carry_marks,
    concept_as_prompt,
    content_stems,
    diff,
    encoder_pieces,
    phrases_of,
    plain_answer,
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
from ideation.prompt_syntax import self_contained

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
    plain("Chinese", translate, "一隻紅色的狗在海灘上騎腳踏車，水彩風格"),
    plain("a pattern", _pattern, PATTERN),
    plain("an LLM's answer", read_response, json.dumps(ANSWER), "Simple: a dog\nExpanded: a red dog", str(ANSWER)),
    plain("the prompts in an LLM's answer", _answer, "a (red:1.3) dog"),
    plain("an LLM's error", lambda text: shortened(without_key(text, "sk-1")), "the key sk-1234567 is wrong"),
    plain("the address of an LLM", lambda text: server_of(text, "OPENAI_BASE_URL"), "http://127.0.0.1:11434/v1"),
    plain("what an LLM is told", lambda text: instruction_for(DraftRequest(typed_concept(text), 7, 77)), "a dog"),
)


def _option(name: str) -> Callable[[str], Any]:
    """A field of the options, with the text in it; several for those that take several."""
    several = name in ("lora", "style", "instruments", "set_options")

    def read(text: str) -> None:
        PairRequest.from_options(PairOptions(**{"concept": "a dog"} | {name: (text,) if several else text}))

    return read


WORDS: tuple[Reader, ...] = (
    *(
        plain(f"the option {name}", _option(name), *samples)
        for name, samples in {
            "concept": ("a dog",),
            "simple": ("a dog",),
            "negative": ("blurry",),
            "seed": ("7",),
            "size": ("64x64",),
            "aspect": ("16:9",),
            "lora": ("ink:0.7",),
            "scheduler": ("DPM++ 2M Karras",),
            "preset": ("hyper",),
            "style": ("watercolor",),
            "performance": ("speed",),
            "vae": ("fine",),
            "template": ("concise",),
            "expander": ("offline",),
            "set_options": ("sweep.steps=5,10",),
            "instruments": ("ladder,sweep",),
            "drawn": ("12@7",),
            "model": ("seedling",),
        }.items()
    ),
    plain("the name of a style", find_style, "watercolor"),
    plain("the name of a scheduler", find_scheduler, "DPM++ 2M"),
    plain("an aspect ratio", lambda text: match_aspect_ratio(text, 512), "16:9"),
    plain("what the terminal prints", visible, "a dog"),
    plain("what the page shows", on_the_page, "a dog"),
)
