"""The screen itself: the idea and its buttons, the prompts, the settings, and below them the job or the result."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Callable

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.pair.faults import all_well, show_fault, show_what_is_to_be_mended
from compare.page.screens.pair.form import (
    both_prompts_are_there,
    first_values,
    notes_on_words,
    prompts_of_another,
    request_of_form,
    translation_of_form,
    unseen_translation,
    work_of,
)
from compare.page.screens.pair.known_words import show_known_words
from compare.page.screens.pair.prompts import (
    keep_prompts,
    leave_stale_prompts,
    let_prompts_go,
    open_prompts,
    show_prompts,
    untranslated,
    whose_prompts,
    write_prompts,
)
from compare.page.screens.pair.reels import draw_next, show_reels
from compare.page.screens.pair.result import show_result
from compare.page.screens.pair.settings import show_settings
from compare.page.text import model_title, plain
from compare.page.widgets.forms.kept_form import begin_form, held
from compare.page.widgets.in_browser.address import name_in_address
from compare.page.widgets.progress import show_notices, show_progress
from ideation import TwinseedError


def show_pair(page: PageContext) -> None:
    begin_form(page.visitor, "pair", first_values())
    leave_stale_prompts()
    _forget_what_is_mended(page)
    # Each part in a place of its own: a sentence that comes or goes above a field would have the browser make the field
    # anew, while somebody is typing in it.
    for part in (
        _ask,
        show_reels,
        _show_words,
        show_known_words,
        show_prompts,
        _show_settings,
        show_notices,
        show_progress,
        _show_run,
    ):
        with st.container():
            part(page)


def _show_settings(page: PageContext) -> None:
    with page.shown():
        show_settings(page)


def _show_words(page: PageContext) -> None:
    """How the concept will be read."""
    _show_translation(page)
    words = notes_on_words(page)
    if words and not both_prompts_are_there():  # else it is told of their words
        title = page.t["known_words"]["title"].format(model=model_title(st.session_state.model))
        st.caption("\n\n".join([*words, plain(page.t["known_words"]["instead"].format(title=title))]))


def _show_run(page: PageContext) -> None:
    if page.busy:
        return
    with page.shown():
        if (name := _run_to_show(page)) is not None:
            show_result(page, name)
        else:
            st.header(page.t["welcome"]["title"], anchor=False)
            st.html(f'<p class="tw-welcome">{html.escape(page.t["welcome"]["about"])}</p>')


def _run_to_show(page: PageContext) -> str | None:
    """The run in the address; without one there the last that this tab, or else this browser, has shown, if it still
    exists."""
    state, visitor = st.session_state, page.visitor
    name: str | None = st.query_params.get("run")
    if name is None:
        name = state.get("shown_run") or visitor.run
        if name is not None and _is_there(page, name):
            name_in_address("pair", name)
        else:
            name = None
    state.shown_run = visitor.run = name
    return name


def _ask(page: PageContext) -> None:
    """The concept and the buttons."""
    t, state = page.t, st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom", key="ask"):
        st.text_input(t["concept"], **held("concept"), placeholder=t["concept_example"])
        st.button(t["draw"], key="draw", icon=":material/casino:", on_click=draw_next, args=(page,))
        st.button(
            t["write"],
            key="write",
            icon=":material/edit_note:",
            help=t["write_help"],
            on_click=write_prompts,
            args=(page,),
        )
        st.button(
            t["generate"],
            key="generate",
            type="primary",
            shortcut="Mod+Enter",
            on_click=_generate,
            args=(page,),
            disabled=page.busy,
        )
    show_fault(page, "concept")
    show_what_is_to_be_mended(page)
    _ask_whose_prompts(page)
    if not state.writing:
        st.button(t["prompts"]["own"], key="own", type="tertiary", icon=":material/edit:", on_click=open_prompts)


def _ask_whose_prompts(page: PageContext) -> None:
    """After somebody asked for pictures of one concept while the fields have prompts of another."""
    t, other = page.t["whose"], prompts_of_another()
    if other is None or not st.session_state.get("asks_whose"):
        return
    st.warning(t["ask"].format(concept=plain(other)), icon=":material/help:")
    with st.container(horizontal=True, key="whose"):
        for name, then in (("anew", let_prompts_go), ("keep", keep_prompts)):
            st.button(t[name], key=f"whose-{name}", on_click=_decide, args=(page, then))


def _decide(page: PageContext, then: Callable[[], None]) -> None:
    then()
    _generate(page)


def _show_translation(page: PageContext) -> None:
    """What a concept in Chinese will be drawn as; where words or clauses of it are uncertain, to be corrected."""
    state, translation, t = st.session_state, translation_of_form(), page.t["translation"]
    if translation is None:
        return
    if not translation.unsure:
        st.caption(t["known"].format(english=plain(translation.english)))
        return
    if state.translated is None or state.translated_of != state.concept:
        state.translated, state.translated_of = translation.english, state.concept
    words = ", ".join(f"{word.chinese} = {word.english}" for word in translation.lookups)
    parts = t["separator"].join(translation.doubtful)
    told = [t["looked_up"].format(words=plain(words))] if words else []
    told += [t["doubtful"].format(parts=plain(parts))] if parts else []
    st.info("\n\n".join(told), icon=":material/translate:")
    st.text_area(t["english"], **held("translated"), height="content")
    show_fault(page, "translated")


def _is_there(page: PageContext, name: str) -> bool:
    with contextlib.suppress(TwinseedError):
        page.open(name)
        return True
    return False


def _forget_what_is_mended(page: PageContext) -> None:
    """A problem of no one field is told until something in the form is another one."""
    state = st.session_state
    problem, form = state.get("problem"), state["form-pair"]
    if problem is None or problem is not state.get("problem_told"):
        state.problem_told, state.form_of_problem = problem, form
    elif form != state.form_of_problem:
        page.forget_problem()


def _generate(page: PageContext) -> None:
    page.forget_problem()
    leave_stale_prompts()
    if not all_well() or unseen_translation() or untranslated() or whose_prompts():
        return  # it is shown now, for correction; pressed again, it is drawn
    with page.telling():
        request = request_of_form(page.language)
        page.add(work_of(request), request.concept.text)
        st.session_state.settings = False  # what is under way, and what comes of it, is below them
