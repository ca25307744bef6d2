"""The settings: everything about a pair but its words, folded away until somebody wants it."""

from __future__ import annotations

import html

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.pair.faults import fault_of, show_fault
from compare.page.screens.pair.form import (
    MAX_IMAGES,
    WIDGETS,
    chosen_expander,
    fill_form,
    new_seed,
    put_setting,
)
from compare.page.text import plain
from compare.page.widgets.forms.kept_form import held, held_number
from compare.page.widgets.forms.localized_state import kept
from compare.page.widgets.forms.own_key import show_own_key
from compare.page.widgets.in_browser.style_picker import sample_of_preset, style_picker
from generate.choices.performance import all_performance, combined_settings
from generate.choices.presets import PRESETS, chosen_styles, find_preset, negative_parts
from generate.choices.styles import all_styles
from generate.families import InTurn
from generate.files import likeness_of, parse_picture
from generate.models import embedded_loras, family_of, known_models, usual_settings
from generate.schedulers.table import FLOW_SCHEDULERS, SCHEDULERS
from generate.settings import MAX_STEPS, MEMORY_MODES, RenderSettings
from ideation import TwinseedError
from templates import render

ASPECTS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16")
_DEVICES = ("auto", "cpu", "cuda", "mps")
_DTYPES = ("auto", "float32", "float16", "bfloat16")


def show_settings(page: PageContext) -> None:
    """All widgets but the concept's and the prompts', in a box that is folded at first."""
    s = page.t["settings"]
    # Open or closed is known to the server, which opens the boxes of fields that are to be mended.
    with st.expander(s["title"], key="settings", icon=":material/tune:", on_change="rerun"):
        what, words, how = st.columns(3, gap="large")
        with what:
            _show_preset(page)
            _show_model(page)
        with words:
            _show_expander(page)
            _show_styles(page)
        with how:
            _show_seeds(page)
            _show_size(page)
        with st.expander(s["sampling"], key="sampling", on_change="rerun"):
            _show_sampling(page)
        with st.expander(s["extras"], key="extras", on_change="rerun"):
            _show_extras(page)
        with st.expander(s["like"], key="like_box"):
            _show_likeness(page)


def _show_preset(page: PageContext) -> None:
    state, s, language = st.session_state, page.t["settings"], page.language
    st.selectbox(
        s["preset"],
        list(dict.fromkeys(["", *PRESETS, state.preset])),
        format_func=lambda name: name or s["no_preset"],
        **kept("preset", language, _take_preset),
    )
    if not show_fault(page, "preset") and state.preset:
        preset = PRESETS[state.preset]
        about = preset.zh if language == "zh-TW" and preset.zh else preset.description
        sample = sample_of_preset(preset.name)
        picture = f'<img src="{sample}" alt="{html.escape(s["sample"])}">' if sample else ""
        st.html(f'<div class="tw-sample">{picture}<p>{html.escape(about)}</p></div>')
        for part in negative_parts("", preset, ()):
            st.caption(s["negative_of_preset"].format(words=plain(part.text)))
    if changes := state.get("preset_changes"):
        told = ", ".join(f"{s['fields'].get(name, name)} {before} → {after}" for name, before, after in changes)
        st.caption(s["preset_changed"].format(changes=plain(told)))
    levels = all_performance()
    st.selectbox(
        s["performance"],
        list(dict.fromkeys(["", *levels, state.performance])),
        format_func=lambda name: (
            s["no_level"]
            if not name
            else levels[name].zh
            if language == "zh-TW" and name in levels and levels[name].zh
            else name
        ),
        **kept("performance", language, _take_preset),
    )
    show_fault(page, "performance")


def _show_model(page: PageContext) -> None:
    s = page.t["settings"]
    models = list(dict.fromkeys([*(one.name for one in known_models() if one.renders), st.session_state.model]))
    st.selectbox(
        s["model"],
        models,
        models.index(st.session_state.model),
        key="model",
        accept_new_options=True,
        help=s["model_help"],
        on_change=_take_model,
    )
    show_fault(page, "model")


def _take_model() -> None:
    """Puts the usual settings of the model's family into the widgets where it cannot be drawn with what is in them."""
    state = st.session_state
    if fault_of("max_sequence_length"):
        state.max_sequence_length = ""
    if fault_of("memory"):
        state.memory = ""
    if state.scheduler not in _schedulers(state.model or ""):
        usual = usual_settings(family_of((state.model or "").strip()))
        state.scheduler, state.steps, state.guidance = usual.scheduler, usual.num_inference_steps, usual.guidance_scale


def _schedulers(model: str) -> tuple[str, ...]:
    """Those that the model with that name can be drawn with, as far as its family is known."""
    in_turn = _in_turn(model)
    return in_turn.schedulers if in_turn is not None else tuple(SCHEDULERS)


def _in_turn(model: str) -> InTurn | None:
    """How the model with that name draws, where it has a transformer."""
    family = family_of(model.strip())
    return family.in_turn if family is not None else None


def _show_expander(page: PageContext) -> None:
    state, s, language = st.session_state, page.t["settings"], page.language
    from ideation import EXPANDERS

    st.selectbox(
        s["expander"],
        list(EXPANDERS),
        format_func=lambda name: s["expanders"].get(name, name),
        **kept("expander", language),
    )
    name = chosen_expander()
    if state.expander == "auto":
        st.caption(s["auto_took"].format(name=s["expanders"].get(name, name)))
    if name == "offline":
        st.caption(s["offline_about"])
    else:
        st.text_input(s["llm_model"], **held("llm_model"), placeholder=s["llm_model_auto"])
    show_fault(page, "expander")
    show_own_key(page)


def _show_styles(page: PageContext) -> None:
    s, language, styles = page.t["settings"], page.language, all_styles()
    st.multiselect(
        s["styles"],
        list(dict.fromkeys([*styles, *st.session_state.styles])),
        placeholder=s["styles_none"],
        help=s["styles_help"],
        format_func=lambda name: (
            styles[name].zh if language == "zh-TW" and name in styles and styles[name].zh else name
        ),
        **kept("styles", language),
    )
    show_fault(page, "styles")
    # Open or closed is known to the server: the pictures go to somebody who looks at them.
    with st.popover(
        s["pick"]["open"], icon=":material/palette:", width="stretch", key="pick-styles", on_change="rerun"
    ) as box:
        if box.open:
            st.caption(s["pick"]["about"])
            style_picker(s["pick"], language, st.session_state.styles, _press_style)
    st.toggle(s["enhance"], **held("enhance"), help=s["enhance_help"].format(words=render("prompts/enhance.txt.j2")))


def _press_style(name: str) -> None:
    """Takes a style, or lets go of it."""
    state = st.session_state
    state.styles = [one for one in state.styles if one != name] if name in state.styles else [*state.styles, name]


def _show_seeds(page: PageContext) -> None:
    s = page.t["settings"]
    with st.container(horizontal=True, vertical_alignment="bottom", wrap=False, gap="small"):
        st.text_input(s["seed"], **held("seed"), max_chars=19)
        st.button("", key="new_seed", icon=":material/casino:", help=s["new_seed"], on_click=new_seed)
    show_fault(page, "seed")
    st.segmented_control(
        s["images"],
        range(1, MAX_IMAGES + 1),
        **held("images", "default"),
        required=True,
        help=s["images_help"],
        width="stretch",
    )


def _show_size(page: PageContext) -> None:
    state, s, language = st.session_state, page.t["settings"], page.language
    own = [state.aspect] if state.aspect and state.aspect not in ASPECTS else []
    st.selectbox(
        s["aspect"],
        ["", *ASPECTS, *own],
        format_func=lambda ratio: ratio or s["aspect_none"],
        help=s["aspect_help"],
        **kept("aspect", language),
    )
    show_fault(page, "aspect")


def _show_sampling(page: PageContext) -> None:
    state, s, language = st.session_state, page.t["settings"], page.language
    first, second, third = st.columns([2, 1, 1])
    known = FLOW_SCHEDULERS | SCHEDULERS
    with first:
        st.selectbox(
            s["scheduler"],
            list(dict.fromkeys([*_schedulers(state.model or ""), state.scheduler])),
            help=s["scheduler_help"],
            **kept("scheduler", language),
            format_func=lambda name: (s["settles"] if known[name].converges else s["wanders"]).format(name=name),
        )
        show_fault(page, "scheduler")
    with second:
        st.number_input(s["steps"], 1, MAX_STEPS, **held_number("steps", 1, MAX_STEPS), help=s["steps_help"])
        show_fault(page, "steps")
    with third:
        st.number_input(
            s["guidance"], 0.0, 100.0, step=0.5, format="%g", **held_number("guidance", 0, 100), help=s["guidance_help"]
        )
        show_fault(page, "guidance")
    first, second, third = st.columns([2, 1, 1])  # a row of their own: on a phone, the fields stand in this order
    with first:
        if state.scheduler in SCHEDULERS and SCHEDULERS[state.scheduler].recommended_steps:
            fewest, most = SCHEDULERS[state.scheduler].recommended_steps or (0, 0)
            st.caption(s["recommended_steps"].format(fewest=fewest, most=most))
    for column, side in ((second, "width"), (third, "height")):
        with column:
            st.text_input(
                s[side],
                **held(side),
                placeholder=s["native"],
                help=s["side_help"],
                disabled=bool(state.aspect),
            )
            show_fault(page, side)


def _show_extras(page: PageContext) -> None:
    state, s, language = st.session_state, page.t["settings"], page.language
    known = known_models()
    there = [one.name for one in (*known, *embedded_loras()) if one.kind == "lora"]
    loras = dict.fromkeys([*there, *state.loras])
    left, right = st.columns(2)
    with left:
        st.multiselect(
            s["loras"],
            list(loras),
            **held("loras", "default"),
            placeholder=s["loras_none"],
            help=s["loras_help"],
            accept_new_options=True,
        )
        show_fault(page, "loras")
        for name in state.loras:
            key = f"weight-{name}"
            state.setdefault(key, float(state.lora_weights.get(name, 1.0)))
            weight = st.slider(s["weight"].format(name=plain(name)), -2.0, 2.0, step=0.05, key=key)
            state.lora_weights = {**state.lora_weights, name: weight}
        vaes = dict.fromkeys(["", *(one.name for one in known if one.kind == "vae"), state.vae])
        st.selectbox(
            s["vae"],
            list(vaes),
            format_func=lambda name: name or s["native"],
            accept_new_options=True,
            **kept("vae", language),
        )
        show_fault(page, "vae")
    with right:
        st.selectbox(
            s["tokens"],
            ["fit", "chunk", "truncate"],
            format_func=lambda name: s["token_modes"][name],
            help=s["tokens_help"],
            **kept("tokens", language),
        )
        _show_length(page)
        devices = dict.fromkeys([*_DEVICES, state.device])
        st.selectbox(
            s["device"],
            list(devices),
            format_func=lambda name: s["auto"] if name == "auto" else name,
            **kept("device", language),
        )
        st.selectbox(
            s["dtype"],
            list(_DTYPES),
            format_func=lambda name: s["auto"] if name == "auto" else name,
            **kept("dtype", language),
        )
        _show_memory(page)


def _show_length(page: PageContext) -> None:
    """For models that leave it open; for others where it was set all the same, so that it can be taken back."""
    state, s, in_turn = st.session_state, page.t["settings"], _in_turn(st.session_state.model or "")
    own = in_turn.arguments.get("max_sequence_length") if in_turn is not None else None
    if own is not None or state.max_sequence_length:
        st.text_input(
            s["length"],
            **held("max_sequence_length"),
            placeholder=s["native"] if own is None else s["length_own"].format(number=own),
            help=s["length_help"],
        )
        show_fault(page, "max_sequence_length")


def _show_memory(page: PageContext) -> None:
    """For models with a transformer; for others where it was set all the same, so that it can be taken back."""
    state, s = st.session_state, page.t["settings"]
    if _in_turn(state.model or "") is not None or state.memory:
        st.selectbox(
            s["memory"],
            list(dict.fromkeys(["", *MEMORY_MODES, state.memory])),
            format_func=lambda mode: (
                s["memory_mode"].format(mode=mode, about=about)
                if (about := s["memory_modes"].get(mode))
                else mode or s["auto"]
            ),
            help=s["memory_help"],
            accept_new_options=True,
            **kept("memory", page.language),
        )
        show_fault(page, "memory")


def _show_likeness(page: PageContext) -> None:
    state, s = st.session_state, page.t["settings"]
    st.file_uploader(s["like_about"], ["png", "jpg", "jpeg", "webp"], key="like", on_change=_take_picture, args=(page,))
    for note in state.like_notes:
        st.caption(plain(note.told(page.language)))
    if state.like_more:
        more = ", ".join(f"{name} {value}" for name, value in state.like_more.items())
        st.caption(s["like_more"].format(more=plain(more)))


def _take_picture(page: PageContext) -> None:
    state, upload = st.session_state, st.session_state.like
    state.like_notes, state.like_more = (), {}
    if upload is not None:
        with page.telling():
            fill_from_picture(page, upload.getvalue(), upload.name)


def fill_from_picture(page: PageContext, content: bytes, name: str) -> None:
    """Sets the widgets to what a picture says of itself. Raises `TwinseedError` for a file that is none."""
    page.forget_problem()
    state, like = st.session_state, likeness_of(parse_picture(content, name), RenderSettings())
    fill_form(like.settings)
    state.written = state.written_of = None
    state.simple, state.expanded, state.negative = like.simple, like.expanded or "", like.negative
    state.writing, state.like_notes, state.prompts_of = True, like.notes, ""
    if like.simple:
        state.concept, state.drawn = "", None  # what was in its field is not what these prompts are about


def _take_preset() -> None:
    """Sets the widgets to what the preset and the level have in them, and remembers what they replaced: it is told.
    Styles that somebody chose stay; those of the preset before go with it."""
    state = st.session_state
    try:
        preset = find_preset(state.preset) if state.preset else None
        settings = combined_settings(preset, state.performance or None)
    except TwinseedError:  # it is told at its field, and nothing is changed
        state.preset_changes = []
        return
    before = {**{widget: state[widget] for widget in WIDGETS.values()}, "styles": tuple(state.styles)}
    for field, value in settings.items():
        put_setting(WIDGETS[field], value)
    old = state.get("styles_of_preset", ())
    of_preset = () if preset is None else tuple(style.name for style in chosen_styles(preset))
    state.styles = list(dict.fromkeys([*of_preset, *(name for name in state.styles if name not in old)]))
    state.styles_of_preset = of_preset
    after = {**{widget: state[widget] for widget in WIDGETS.values()}, "styles": tuple(state.styles)}
    state.preset_changes = [
        (name, _shown(before[name]), _shown(after[name])) for name in before if before[name] != after[name]
    ]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " + ".join(value) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value) or "–"
