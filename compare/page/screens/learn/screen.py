"""The screen itself: a page for each part, with its text, its experiment, a question and the answer."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.learn.experiments import EXPERIMENTS, MODEL, Bench, Experiment, Panel, open_tools
from compare.page.text import plain
from compare.page.widgets.forms.kept_form import begin_form, held
from compare.page.widgets.forms.localized_state import kept
from compare.page.widgets.in_browser.drawing import drawing
from compare.page.widgets.progress import show_notices, show_progress
from compare.report import sentences
from generate.models import embedded_loras, known_models
from ideation import (
    OfflineExpander,
    TwinseedError,
    guess_language,
    notes_on_unlearnt,
    require_prompt,
    seedling_vocabulary,
    told,
    translate,
    typed_concept,
)
from templates import LANGUAGES, Language

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

_WORDS = 300


def show_learn(page: PageContext) -> None:
    t, state = page.t["learn"], st.session_state
    begin_form(page.visitor, "learn", {"learn-page": next(iter(EXPERIMENTS)), **_first_values(page.language)})
    _put_first_words_into(page.language)
    st.header(t["title"], anchor=False)
    st.segmented_control(
        t["title"],
        list(EXPERIMENTS),
        required=True,
        label_visibility="collapsed",
        format_func=lambda name: t[name]["short"],
        **kept("learn-page", page.language),
    )
    experiment = EXPERIMENTS[state["learn-page"]]
    said = t[experiment.name]
    st.subheader(said["title"], anchor=False)
    st.html(f'<p class="tw-welcome">{html.escape(said["about"])}</p>')
    drawing(f"learn/{experiment.name}.svg", said["figure"])
    held = _show_widgets(experiment, page)
    st.button(
        t["try"],
        key="try",
        type="primary",
        icon=":material/science:",
        on_click=_try,
        args=(page, experiment, held),
        disabled=page.busy,
    )
    show_notices(page)
    show_progress(page)
    panels: tuple[Panel, ...] = page.visitor.panels.get(experiment.name, ())
    if panels and not page.busy:
        _show_panels(panels, said)
    st.markdown(f"**{plain(said['question'])}**")
    with st.expander(t["show"], key=f"answer-{experiment.name}"):
        st.markdown(plain(said["answer"]))


def _first_values(language: Language) -> dict[str, Any]:
    """What the widgets hold at first: words in the reader's language, which can be read."""
    said = sentences(language)["page"]["learn"]
    return {
        f"learn-{one.name}-{name}": value
        for one in EXPERIMENTS.values()
        for name, value in {**one.first, **said[one.name]["first"]}.items()
    }


def _put_first_words_into(language: Language) -> None:
    """The first words of another language, which nobody has touched, are said in this one."""
    state, own = st.session_state, _first_values(language)
    for other in LANGUAGES:
        for key, value in _first_values(other).items():
            if isinstance(value, str) and state[key] == value:
                state[key] = own[key]


def _show_widgets(experiment: Experiment, page: PageContext) -> dict[str, Any]:
    """What can be moved in the experiment; returns what is held by it now."""
    w, state = page.t["learn"]["widgets"], st.session_state
    for name in experiment.first:
        key = f"learn-{experiment.name}-{name}"
        match name:
            case "words" | "prompt":
                st.text_input(w[name], **held(key), max_chars=_WORDS)
                with st.container():
                    _show_how_it_is_read(experiment, state[key], page)
            case "noise":
                st.slider(w[name], 0.0, 2.0, step=0.1, **held(key))
            case "guidance":
                st.slider(w[name], 1.0, 20.0, step=0.5, **held(key))
            case "steps":
                st.slider(w[name], 2, 20, **held(key))
            case "weight":
                st.slider(w[name], 0.0, 1.5, step=0.05, **held(key))
            case "lora":
                # What fits Seedling, its own first.
                there = [*embedded_loras(), *known_models()]
                loras = list(dict.fromkeys(one.name for one in there if (one.kind, one.family) == ("lora", MODEL)))
                if state[key] not in loras:
                    state[key] = loras[0]
                st.selectbox(w[name], loras, key=key)
    return {name: state[f"learn-{experiment.name}-{name}"] for name in experiment.first}


def _show_how_it_is_read(experiment: Experiment, text: str, page: PageContext) -> None:
    """The English of words in Chinese, and which ones Seedling has never learnt; an error where they cannot be read."""
    with page.shown():
        english, told_words = in_english(text), list[str]()
        if english != text:
            told_words.append(page.t["translation"]["known"].format(english=plain(english)))
        if experiment.name != "clip":
            notes = notes_on_unlearnt(english, "", seedling_vocabulary())
            told_words += [plain(told(note, page.language)) for note in notes]
        elif unknown := seedling_vocabulary().unknown_words(english):
            quoted, between = page.t["translation"]["quoted"], page.t["translation"]["separator"]
            words = between.join(quoted.format(word=word) for word in unknown)
            told_words.append(plain(page.t["learn"]["clip"]["unlearnt"].format(words=words)))
        if told_words:
            st.caption("\n\n".join(told_words))


def in_english(text: str) -> str:
    """What Seedling is given: it reads English alone. Raises `TwinseedError` for what it cannot be told."""
    concept = typed_concept(text)
    if guess_language(text).startswith("zh"):
        return translate(concept.text).english
    OfflineExpander().require_readable(concept)
    require_prompt("simple", concept.text)
    return concept.text


def _try(page: PageContext, experiment: Experiment, held: Mapping[str, Any]) -> None:
    page.forget_problem()
    with contextlib.suppress(TwinseedError):  # it is told at its field
        read = {name: in_english(value) if name in ("words", "prompt") else value for name, value in held.items()}
        page.add(_work(page, experiment, read), page.t["learn"][experiment.name]["title"])


def _work(page: PageContext, experiment: Experiment, held: Mapping[str, Any]) -> Callable[..., object]:
    visitor = page.visitor

    def work(_: Session, *, on_progress: Callable[..., None]) -> None:
        from compare.session import Progress

        on_progress(Progress("open", "seedling"))
        bench = Bench(open_tools(), on_progress)
        visitor.panels[experiment.name] = tuple(experiment.make(bench, held))

    return work


def _show_panels(panels: tuple[Panel, ...], said: Mapping[str, Any]) -> None:
    """The pictures in one row, or in as many as the experiment has."""
    for row in sorted({panel.row for panel in panels}):
        with st.container(horizontal=True, gap="small", key=f"strip-learn-{row}"):
            for number, panel in enumerate(panel for panel in panels if panel.row == row):
                caption = "" if panel.said is None else said["panels"][panel.said].format(**(panel.values or {}))
                with st.container(width=200, gap="xsmall", key=f"shot-learn-{row}-{number}"):
                    st.image(panel.png, width="stretch", alt=caption)
                    st.caption(plain(caption))
