"""The faults of the form: what is wrong with which field, told beside it for as long as it is wrong."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.pair.form import chosen_expander, drawn_concept, number_in
from compare.page.typed_key import environ_of_tab
from generate.choices.performance import combined_settings
from generate.choices.presets import find_preset
from generate.choices.sizes import match_aspect_ratio
from generate.choices.styles import find_style
from generate.models import check_family, family_of, find_model, find_part, find_vae, usual_settings
from generate.settings import RenderSettings, SettingsError
from ideation import (
    OfflineExpander,
    TwinseedError,
    choose_expander,
    guess_language,
    parse_prompt,
    require_prompt,
    seed_of,
    typed_concept,
)
from ideation.prompt import concept_sentence


@dataclass(frozen=True)
class _Field:
    """A field's check, which raises `TwinseedError`, the path of its label among the page's sentences, and the boxes
    that it is folded into, by their keys."""

    check: Callable[[], object]
    label: tuple[str, ...]
    boxes: tuple[str, ...] = ("settings",)


def show_fault(page: PageContext, field: str) -> bool:
    """Says below a field what is wrong with it; returns whether anything is."""
    problem = fault_of(field)
    with st.container(key=f"fault-{field}"):  # there in any case: what stands below stays where it is
        if problem is not None:
            page.error(problem)
    return problem is not None


def show_what_is_to_be_mended(page: PageContext) -> None:
    """After somebody asked for pictures in vain: the names of the fields, until the last of them is mended."""
    if not st.session_state.get("asked_in_vain"):
        return
    faulty = faulty_fields()
    if not faulty:
        st.session_state.asked_in_vain = False
        return
    names = page.t["translation"]["separator"].join(_label(page, field) for field in faulty)
    st.html(f'<p class="tw-fault" role="alert">{html.escape(page.t["to_mend"].format(fields=names))}</p>')


def all_well() -> bool:
    """Whether no field has a fault, for somebody who asks for pictures now; the boxes of those that have one open."""
    state = st.session_state
    state.asked_in_vain = True
    faulty = faulty_fields()
    for field in faulty:
        for box in _FIELDS[field].boxes:
            state[box] = True
    state.asked_in_vain = bool(faulty)
    return not faulty


def faulty_fields() -> list[str]:
    return [field for field in _FIELDS if fault_of(field) is not None]


def fault_of(field: str) -> TwinseedError | None:
    try:
        _FIELDS[field].check()
    except TwinseedError as problem:
        return problem
    return None


def _label(page: PageContext, field: str) -> str:
    found: Any = page.t
    for name in _FIELDS[field].label:
        found = found[name]
    return str(found)


def _concept() -> None:
    """An empty one is no fault while nobody has asked for anything. Offline it must be in a language that is read
    here, unless the simple prompt is typed."""
    state = st.session_state
    text = state.concept
    typed = state.simple.strip() if state.written is None else ""
    if not text.strip() and (typed or not state.get("asked_in_vain")):
        return
    concept = typed_concept(text)
    if chosen_expander() == "offline" and not typed and not drawn_concept() and guess_language(text) != "en":
        OfflineExpander().require_readable(typed_concept(concept_sentence(concept.text)))


def _prompt(arm: str) -> Callable[[], None]:
    def check() -> None:
        prompt = st.session_state[arm] or ""
        if prompt.strip():
            require_prompt(arm, prompt, may_be_empty=arm == "negative")
            parse_prompt(" ".join(prompt.split()))

    return check


def _translated() -> None:
    if prompt := (st.session_state.translated or "").strip():
        require_prompt("simple", prompt)


def _expander() -> None:
    name = st.session_state.expander
    if name not in ("auto", "offline"):
        choose_expander(name, llm_model=st.session_state.llm_model.strip() or None, environ=environ_of_tab())


def _model() -> None:
    find_model(st.session_state.model.strip())


def _scheduler() -> None:
    state = st.session_state
    if (family := family_of(state.model.strip())) is not None:
        check_family(RenderSettings(scheduler=state.scheduler), family)


def _seed() -> None:
    RenderSettings(seed=seed_of(st.session_state.seed), images=st.session_state.images)


def _side(side: str) -> Callable[[], None]:
    def check() -> None:
        if not st.session_state.aspect:  # with a ratio the model decides on the size
            held: dict[str, Any] = {side: number_in(side)}
            RenderSettings(**held)

    return check


def _number(widget: str, field: str) -> Callable[[], None]:
    def check() -> None:
        value = st.session_state[widget]
        if value is None:
            raise SettingsError("there is no number in this field", hint="type one")
        RenderSettings(**{field: value})

    return check


def _loras() -> None:
    for name in st.session_state.loras:
        parse_prompt(f"<lora:{name}:1>")
        find_part("lora", name)


def _vae() -> None:
    if name := (st.session_state.vae or "").strip():
        find_vae(name)


def _of_transformers(setting: str, held: Callable[[], Any]) -> Callable[[], None]:
    """Of a setting that models with a transformer have alone; `held` is what its field holds, None for nothing."""

    def check() -> None:
        state = st.session_state
        family = family_of((state.model or "").strip())
        changed: dict[str, Any] = {setting: held()}
        asked = replace(usual_settings(family), **changed)
        if family is not None:
            check_family(asked, family)

    return check


def _styles() -> None:
    for name in st.session_state.styles:
        find_style(name)


def _preset() -> None:
    if name := st.session_state.preset:
        find_preset(name)


def _performance() -> None:
    state = st.session_state
    if state.performance:
        there = state.preset and fault_of("preset") is None
        combined_settings(find_preset(state.preset) if there else None, state.performance)


def _aspect() -> None:
    if ratio := st.session_state.aspect:
        match_aspect_ratio(ratio, 512)


#: All fields that can be wrong, in the order in which they stand on the page.
_FIELDS: dict[str, _Field] = {
    "concept": _Field(_concept, ("concept",), ()),
    "translated": _Field(_translated, ("translation", "english"), ()),
    "simple": _Field(_prompt("simple"), ("prompts", "simple"), ()),
    "expanded": _Field(_prompt("expanded"), ("prompts", "expanded"), ()),
    "negative": _Field(_prompt("negative"), ("prompts", "negative"), ()),
    "preset": _Field(_preset, ("settings", "preset")),
    "performance": _Field(_performance, ("settings", "performance")),
    "model": _Field(_model, ("settings", "model")),
    "expander": _Field(_expander, ("settings", "expander")),
    "styles": _Field(_styles, ("settings", "styles")),
    "seed": _Field(_seed, ("settings", "seed")),
    "aspect": _Field(_aspect, ("settings", "aspect")),
    "scheduler": _Field(_scheduler, ("settings", "scheduler"), ("settings", "sampling")),
    "steps": _Field(_number("steps", "num_inference_steps"), ("settings", "steps"), ("settings", "sampling")),
    "guidance": _Field(_number("guidance", "guidance_scale"), ("settings", "guidance"), ("settings", "sampling")),
    "width": _Field(_side("width"), ("settings", "width"), ("settings", "sampling")),
    "height": _Field(_side("height"), ("settings", "height"), ("settings", "sampling")),
    "loras": _Field(_loras, ("settings", "loras"), ("settings", "extras")),
    "vae": _Field(_vae, ("settings", "vae"), ("settings", "extras")),
    "max_sequence_length": _Field(
        _of_transformers("max_sequence_length", lambda: number_in("max_sequence_length")),
        ("settings", "length"),
        ("settings", "extras"),
    ),
    "memory": _Field(
        _of_transformers("memory", lambda: st.session_state.memory or None),
        ("settings", "memory"),
        ("settings", "extras"),
    ),
}
