"""The prompts before anything is rendered: written by an expander or by hand, each with what the text encoder will see
of it."""

from __future__ import annotations

import contextlib
import html
from dataclasses import dataclass

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.pair.faults import all_well, fault_of, show_fault
from compare.page.screens.pair.form import (
    ARMS,
    as_written,
    both_prompts_are_there,
    chosen_expander,
    concept_in_field,
    corrected_translation,
    edited,
    key_of_form,
    prompts_of_another,
    request_of_form,
)
from compare.page.text import plain
from compare.page.typed_key import environ_of_tab
from compare.page.widgets.forms.kept_form import held
from compare.page.widgets.marked import marked_html
from compare.page.widgets.other_model import show_other_model
from compare.report import sentences
from compare.request import enhanced_prompts, styled_prompts, written_prompts
from compare.view import marked_prompt
from generate.choices.presets import NegativePart, find_preset, negative_parts
from generate.choices.styles import find_style
from generate.models import family_of, find_tokenizer, find_writing_target, token_budget, vocabulary_of
from generate.picture import ARMS as PICTURED
from generate.picture import Arm
from ideation import (
    EstimatedBudget,
    ExpansionCache,
    PromptPair,
    PromptTarget,
    TokenBudget,
    TwinseedError,
    Vocabulary,
    cache_folder,
    choose_expander,
    foreign_words,
    given_pair,
    guess_language,
    is_on_unlearnt,
    notes_on_unlearnt,
    reads_english_alone,
    told,
    translate,
)
from ideation.english import diff


def write_prompts(page: PageContext) -> None:
    """Has the expander write both prompts and shows them, in the place of what it wrote before. What somebody typed
    without it stays as it is."""
    page.forget_problem()
    state = st.session_state
    if not all_well():
        return
    with page.telling():
        request = request_of_form(page.language, own_prompts=state.written is None)
        cache = ExpansionCache(cache_folder()) if request.cache else None
        expander = choose_expander(request.expander, llm_model=request.llm_model, environ=environ_of_tab(), cache=cache)
        reader = _reader()
        prompts = written_prompts(request, reader.budget, expander, target=reader.target)
        _take(prompts)


def open_prompts() -> None:
    st.session_state.writing = True


def close_prompts() -> None:
    state = st.session_state
    state.writing, state.written, state.written_of, state.prompts_of = False, None, None, ""
    for arm in ARMS:
        state[arm] = ""


def leave_stale_prompts() -> None:
    """Prompts that nobody has touched go when the concept, or its English, is another one: they are written anew.

    Comes before anything is done with them: a button may be pressed together with the change of the concept.
    """
    state = st.session_state
    if state.written is None or edited():
        return
    if state.written.source != concept_in_field() or state.written_of[1] != corrected_translation():
        close_prompts()


def whose_prompts() -> bool:
    """Whether somebody has to say first if prompts of another concept, which are typed or changed, are to be drawn."""
    state = st.session_state
    state.asks_whose = prompts_of_another() is not None and state.kept_for != concept_in_field()
    return bool(state.asks_whose)


def keep_prompts() -> None:
    """They are to be drawn for the concept that is in its field now."""
    st.session_state.kept_for = concept_in_field()


def let_prompts_go() -> None:
    """Both are to be written for the concept that is in its field now. A negative prompt stays that somebody typed."""
    state = st.session_state
    own = "" if state.written is not None and state.negative == state.written.negative else state.negative
    close_prompts()
    state.negative, state.writing = own, bool(own)


def show_prompts(page: PageContext) -> None:
    """Both prompts to be read and changed, and the negative one. Comes after `leave_stale_prompts`."""
    p, state = page.t["prompts"], st.session_state
    if not state.writing:
        return
    with st.container(key="prompts", border=True):
        st.subheader(p["title"], anchor=False)
        with st.container():
            _show_origin(page)
        rendered: PromptPair | None = None
        if not any(map(fault_of, (*ARMS, "concept", "model", "preset", "styles"))):
            with page.shown():
                rendered = _as_rendered()
        for column, arm in zip(st.columns(2, gap="medium"), PICTURED, strict=True):
            with column:
                st.text_area(
                    p[arm],
                    **held(arm),
                    height="content",
                    placeholder=p["left_empty"],
                    on_change=_remember_concept,
                )
                if not show_fault(page, arm):
                    _show_language(arm, page)
                if rendered is not None:
                    _show_ruler(arm, rendered, page)
        with st.container():
            if rendered is not None:
                _show_notes(rendered, page)
        st.text_area(
            p["negative"],
            **held("negative"),
            height="content",
            placeholder=p["no_negative" if both_prompts_are_there() else "left_empty"],
            help=p["negative_help"],
        )
        show_fault(page, "negative")
        for part in _of_preset_and_styles():
            st.caption(
                p["negative_from"].format(origin=plain(told(part.origin, page.language)), words=plain(part.text))
            )
        with st.container(horizontal=True):
            st.button(p["again"], key="write-again", icon=":material/refresh:", on_click=write_prompts, args=(page,))
            st.button(p["close"], key="close-prompts", icon=":material/close:", on_click=close_prompts)
        if state.simple.strip() and fault_of("simple") is None:
            with page.shown():
                show_other_model(state.simple, "new", page.t, seed=0)


def _show_origin(page: PageContext) -> None:
    """Who wrote the prompts, and for which concept."""
    p, written, other = page.t["prompts"], st.session_state.written, prompts_of_another()
    if written is None:
        st.caption(p["own_about"])
    else:
        name = page.t["settings"]["expanders"].get(written.expander, written.expander)
        st.caption(p["by"].format(name=plain(" ".join(filter(None, (name, written.llm_model))))))
        if other is None and not as_written():
            st.caption(p["kept_as_shown"])
    if other is not None:
        st.info(p["of_another"].format(concept=plain(other)), icon=":material/info:")


def _show_notes(rendered: PromptPair, page: PageContext) -> None:
    others = [note for note in rendered.warnings if not is_on_unlearnt(note)]
    notes = [*others, *notes_on_unlearnt(rendered.simple, rendered.expanded, _vocabulary())]
    if notes:
        st.caption("\n\n".join(plain(told(note, page.language)) for note in notes))


def _of_preset_and_styles() -> tuple[NegativePart, ...]:
    """What they add to the negative prompt; nothing while one of them is not there."""
    state = st.session_state
    if fault_of("preset") or fault_of("styles"):
        return ()
    preset = find_preset(state.preset) if state.preset else None
    return negative_parts("", preset, [find_style(name) for name in state.styles])


def untranslated() -> bool:
    """Puts prompts in Chinese into English, where the model reads nothing else and it can be done here. Returns whether
    somebody should read first what came of it: words of it were looked up, or could be read in another way."""
    doubtful = False
    for arm in PICTURED:
        if _is_foreign(arm) and not _expander_translates(arm):
            with contextlib.suppress(TwinseedError):  # then the pair is drawn as it is, and called unfair
                doubtful |= _translate(arm)
    return doubtful


def _is_foreign(arm: str) -> bool:
    prompt = st.session_state[arm]
    return bool(foreign_words(prompt)) and reads_english_alone(_reader().target)


def _expander_translates(arm: str) -> bool:
    """A simple prompt that is to be expanded is put into English by the LLM that expands it."""
    return arm == "simple" and not st.session_state.expanded.strip() and chosen_expander() != "offline"


def _show_language(arm: str, page: PageContext) -> None:
    """Text encoders read English: a prompt in Chinese is to be translated, or told of."""
    state, p = st.session_state, page.t["prompts"]
    english, original = state.get(f"translation-of-{arm}", ("", ""))
    if english and state[arm] == english:
        st.caption(p["translated_from"].format(original=plain(original)))
    if not _is_foreign(arm):
        return
    st.warning(p["expander_translates" if _expander_translates(arm) else "not_english"], icon=":material/translate:")
    if guess_language(state[arm]).startswith("zh"):
        st.button(p["translate"], key=f"translate-{arm}", on_click=_translate_on_demand, args=(arm, page))


def _translate_on_demand(arm: str, page: PageContext) -> None:
    with page.telling():
        _translate(arm)


def _translate(arm: str) -> bool:
    """Returns whether the translation is doubtful. Raises `TwinseedError` where there is none."""
    state = st.session_state
    original = " ".join(state[arm].split())
    translation = translate(original)
    state[arm] = translation.english
    state[f"translation-of-{arm}"] = translation.english, original
    return translation.unsure


def _show_ruler(arm: Arm, prompts: PromptPair, page: PageContext) -> None:
    """What the text encoder will see of a prompt, styles and all: its tokens counted, words past its end struck
    through, added ones underlined, and what the model never learnt marked."""
    state, p, budget = st.session_state, page.t["prompts"], _reader().budget
    prompt, count, limit = getattr(prompts, arm), getattr(prompts.tokens, arm), prompts.tokens.limit
    dropped = budget.dropped(prompt) if isinstance(budget, TokenBudget) else ()
    marked = marked_html(
        marked_prompt(diff(prompts.simple, prompts.expanded), arm, dropped),
        sentences(page.language)["report"],
        _unknown_words(prompts),
        language=page.language,
    )
    over = " over" if count > limit and state.tokens != "chunk" else ""
    told_count = html.escape(p["tokens"].format(count=count, limit=limit))
    st.html(
        f'<div class="tw-ruler{over}" role="img" aria-label="{told_count}">'
        f'<i style="width:{min(100, 100 * count / limit):.1f}%"></i></div>'
        f'<p class="tw-line" title="{html.escape(p["tokens_about"])}">{told_count}</p>{marked}'
    )


def _vocabulary() -> Vocabulary | None:
    """All words that the chosen model knows; None where nobody knows them."""
    return vocabulary_of(st.session_state.model)


def _unknown_words(prompts: PromptPair) -> list[str]:
    """The words of both that the chosen model never learnt, as far as that is known."""
    vocabulary = _vocabulary()
    words = [] if vocabulary is None else [vocabulary.unknown_words(getattr(prompts, arm)) for arm in PICTURED]
    return list(dict.fromkeys(word for of_arm in words for word in of_arm))


def _as_rendered() -> PromptPair | None:
    """The prompts in the fields with their styles; None while one of them is left for the expander to write."""
    state = st.session_state
    simple, expanded = (" ".join(state[arm].split()) for arm in ("simple", "expanded"))
    if not simple or not expanded:
        return None
    budget = _reader().budget
    prompts = state.written
    if prompts is None or edited():
        prompts = given_pair(state.concept, simple, expanded, state.negative, budget)
    if state.enhance:
        prompts = enhanced_prompts(prompts, budget)
    preset = find_preset(state.preset) if state.preset else None
    return styled_prompts(prompts, budget, tuple(find_style(name) for name in state.styles), preset)


def _remember_concept() -> None:
    """What somebody types belongs to the concept of that moment; what was written, to its own, changed or not."""
    if st.session_state.written is None:
        st.session_state.prompts_of = concept_in_field()


def _take(prompts: PromptPair) -> None:
    state = st.session_state
    state.writing, state.prompts_of = True, prompts.source
    for arm in ARMS:
        state[arm] = getattr(prompts, arm)
    state.written = prompts
    state.written_of = key_of_form()


@dataclass(frozen=True)
class _Reader:
    """How the chosen model reads prompts: its tokens, and what it takes other prompts for than Stable Diffusion."""

    budget: TokenBudget | EstimatedBudget
    target: PromptTarget | None


def _reader() -> _Reader:
    state = st.session_state
    reader: _Reader = _reader_of(state.model.strip(), state.tokens == "chunk")
    return reader


@st.cache_resource(max_entries=4, show_spinner=False)  # type: ignore[untyped-decorator]
def _reader_of(model: str, chunked: bool) -> _Reader:
    family = family_of(model)
    if family is None or family.in_turn is None:
        return _Reader(token_budget(find_tokenizer(model), chunked=chunked), None)
    target = find_writing_target(model)
    return _Reader(target.budget(chunked=chunked), target.facts)
