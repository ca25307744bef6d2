"""The screen itself: a page for each part, with its text, its experiment, a question and the answer."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.learn.experiments import EXPERIMENTS, MODEL, Bench, Experiment, Panel, open_tools
from compare.page.text import plain
from compare.page.widgets.forms.kept_form import begin_form
from compare.page.widgets.forms.localized_state import kept
from compare.page.widgets.in_browser.drawing import drawing
from compare.page.widgets.progress import show_notices, show_progress
from generate.models import embedded_loras, known_models

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

_WORDS = 300


def show_learn(page: PageContext) -> None:
    t, state = page.t["learn"], st.session_state
    begin_form(page.visitor, "learn", {"learn-page": next(iter(EXPERIMENTS)), **_first_values()})
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


def _first_values() -> dict[str, Any]:
    return {f"learn-{one.name}-{name}": value for one in EXPERIMENTS.values() for name, value in one.first.items()}


def _show_widgets(experiment: Experiment, page: PageContext) -> dict[str, Any]:
    """What can be moved in the experiment; returns what is held by it now."""
    w, state = page.t["learn"]["widgets"], st.session_state
    for name in experiment.first:
        key = f"learn-{experiment.name}-{name}"
        match name:
            case "words" | "prompt":
                st.text_input(w[name], key=key, max_chars=_WORDS)
            case "noise":
                st.slider(w[name], 0.0, 2.0, step=0.1, key=key)
            case "guidance":
                st.slider(w[name], 1.0, 20.0, step=0.5, key=key)
            case "steps":
                st.slider(w[name], 2, 20, key=key)
            case "weight":
                st.slider(w[name], 0.0, 1.5, step=0.05, key=key)
            case "lora":
                # What fits Seedling, its own first.
                there = [*embedded_loras(), *known_models()]
                loras = list(dict.fromkeys(one.name for one in there if (one.kind, one.family) == ("lora", MODEL)))
                if state[key] not in loras:
                    state[key] = loras[0]
                st.selectbox(w[name], loras, key=key)
    return {name: state[f"learn-{experiment.name}-{name}"] for name in experiment.first}


def _try(page: PageContext, experiment: Experiment, held: Mapping[str, Any]) -> None:
    page.add(_work(page, experiment, dict(held)), page.t["learn"][experiment.name]["title"])


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
