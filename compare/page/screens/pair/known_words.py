"""The known words: all that a model has learnt, where that is known, to be put together into a concept by clicks."""

from __future__ import annotations

from functools import partial

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.pair.form import drawn_concept
from compare.page.text import model_title
from compare.page.widgets.forms.localized_state import kept
from generate.models import vocabulary_of
from ideation import Vocabulary, Word
from ideation.english import style_phrase, with_article
from templates import Language

#: The kinds of words in the order in which they are shown, and in which they stand in a concept.
_KINDS = ("subject", "colour", "action", "setting", "time", "weather", "style")


def show_known_words(page: PageContext) -> None:
    """A folded box with the words, one row for each kind; nothing for a model that knows any word."""
    state, k, vocabulary = st.session_state, page.t["known_words"], vocabulary_of(st.session_state.model)
    if vocabulary is None:
        return
    title = k["title"].format(model=model_title(state.model))
    # Open or closed is known to the server: nobody needs them who does not look at them.
    with st.expander(title, key="known-words", icon=":material/category:", on_change="rerun") as box:
        if not box.open:
            return
        st.caption(k["about"])
        picked = picked_words()
        for kind in _KINDS:
            state[f"known-{kind}"] = picked.get(kind)
            words = {term.name: term.word for term in vocabulary.terms[kind]}
            st.pills(
                k["kinds"][kind],
                list(words),
                format_func=lambda name, words=words: words[name].zh if page.language == "zh-TW" else name,
                **kept(f"known-{kind}", page.language, partial(_pick, kind, vocabulary, page.language)),
            )


def picked_words() -> dict[str, str]:
    """The words that the concept in its field was put together of, by kind; of a drawn one, its parts."""
    state, drawn = st.session_state, drawn_concept()
    if drawn is not None:
        parts = {"subject": drawn.topic, "action": drawn.action, "style": drawn.style}
        return {kind: word.en for kind, word in parts.items() if word is not None}
    return dict(state.picked) if state.concept and state.concept == state.picked_text else {}


def _pick(kind: str, vocabulary: Vocabulary, language: Language) -> None:
    """Puts the word that was clicked into the concept, or takes it out. What somebody typed stays before it."""
    state, name = st.session_state, st.session_state[f"known-{kind}"]
    typed = "" if picked_words() else state.concept.strip()
    picked = {one: word for one, word in {**picked_words(), kind: name}.items() if word is not None}
    words = {one: term.word for one, name in picked.items() for term in vocabulary.terms[one] if term.name == name}
    text = composed(words, language)
    if typed:
        state.concept, state.picked, state.picked_text = f"{typed}{_COMMA[language]}{text}", {}, ""
    else:
        state.concept = state.picked_text = text
        state.picked = picked


_COMMA: dict[Language, str] = {"en": ", ", "zh-TW": "，"}


def composed(words: dict[str, Word], language: Language) -> str:
    """A concept of those words, which are given by their kinds.

    >>> words = {"subject": Word("owl", "貓頭鷹", "隻"), "colour": Word("red", "紅色"), "style": Word("neon", "霓虹")}
    >>> composed(words, "en"), composed(words, "zh-TW")
    ('a red owl, neon style', '一隻紅色的貓頭鷹，霓虹風格')
    >>> composed({"action": Word("reading a book", "看書"), "time": Word("at night", "夜晚")}, "en")
    'reading a book at night'
    """
    around = [words[kind] for kind in ("setting", "time", "weather") if kind in words]
    subject, colour, action, style = (words.get(kind) for kind in ("subject", "colour", "action", "style"))
    if language == "zh-TW":
        shade = f"{colour.zh}的" if colour is not None and subject is not None else colour.zh if colour else ""
        who = f"一{subject.measure}{shade}{subject.zh}" if subject is not None else shade
        does = "" if action is None else action.zh if not who or "著" in action.zh[:3] else f"在{action.zh}"
        in_style = [] if style is None else [style.zh if style.zh.endswith("風") else f"{style.zh}風格"]
        return "，".join(filter(None, [who + does, *(word.zh for word in around), *in_style]))
    shade = colour.en if colour is not None else ""
    who = with_article(f"{shade} {subject.en}".strip(), counted=bool(subject.measure)) if subject is not None else shade
    said = " ".join(filter(None, [who, action.en if action is not None else "", *(word.en for word in around)]))
    return ", ".join(filter(None, [said, style_phrase(style.en) if style is not None else ""]))
