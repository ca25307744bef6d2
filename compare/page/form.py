"""The form: the widgets that a job is made of, and the job that they ask for."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.page.localized_state import kept
from compare.page.text import plain
from compare.page.worker import Work
from compare.runs.run import Run
from generate.choices.performance import combined_settings
from generate.choices.presets import PRESETS, chosen_styles, find_preset, negative_parts
from generate.choices.styles import all_styles
from generate.files import likeness_of, parse_picture
from generate.models import find_model, known_models, known_words, vocabulary_of
from generate.schedulers.table import SCHEDULERS
from generate.settings import MAX_SIDE, MAX_STEPS, RenderSettings
from ideation import (
    EXPANDERS,
    Concept,
    Translation,
    TwinseedError,
    choose_expander,
    draw,
    guess_language,
    translate,
)
from templates import Language

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

MAX_IMAGES = 4
MAX_PROMPT_CHARACTERS = 5_000

_USUAL = RenderSettings()
_FIELDS = {  # the widgets that a preset sets, by the names of `RenderSettings`
    "model": "model",
    "scheduler": "scheduler",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "width": "width",
    "height": "height",
}


def begin_form() -> None:
    """Gives every widget its first value. Comes before any of them is made."""
    first = {
        "concept": "",
        "draw_seed": secrets.randbelow(2**32),
        "draws": 0,
        "drawn": None,
        "preset": "",
        "model": _USUAL.model,
        "expander": "auto",
        "seed": str(secrets.randbelow(2**32)),
        "images": 1,
        "styles": [],
        "scheduler": _USUAL.scheduler,
        "steps": _USUAL.num_inference_steps,
        "guidance": _USUAL.guidance_scale,
    }
    for name, value in first.items():
        st.session_state.setdefault(name, value)


def draw_concept(language: Language) -> None:
    """Puts this session's next concept into the field, drawn from what the chosen model knows, if that is known."""
    state = st.session_state
    words = known_words(state.model)
    state.drawn = draw(words, seed=state.draw_seed, index=state.draws % words.size, language=language)
    state.draws += 1
    state.concept = state.drawn.text


def show_settings(t: dict[str, Any], language: Language) -> None:
    """All widgets but the concept's. `t` is the page's table of sentences."""
    s, state = t["settings"], st.session_state
    st.selectbox(
        s["preset"],
        ["", *PRESETS],
        format_func=lambda name: name or s["no_preset"],
        **kept("preset", language, _take_preset),
    )
    if state.preset:
        preset = PRESETS[state.preset]
        st.caption(plain(preset.zh if language == "zh-TW" and preset.zh else preset.description))
        for part in negative_parts("", preset, ()):
            st.caption(s["negative_of_preset"].format(words=plain(part.text)))
    models = list(dict.fromkeys([*(model.name for model in known_models() if model.renders), state.model]))
    st.selectbox(s["model"], models, key="model", accept_new_options=True, help=s["model_help"])
    st.selectbox(
        s["expander"],
        list(EXPANDERS),
        format_func=lambda name: s["expanders"].get(name, name),
        **kept("expander", language),
    )
    if state.expander == "auto":
        name = automatic_expander()
        st.caption(s["auto_took"].format(name=s["expanders"].get(name, name)))
    elif state.expander != "offline":
        st.text_input(s["llm_model"], key="llm_model", placeholder=s["llm_model_auto"])
    with st.container(horizontal=True, vertical_alignment="bottom", wrap=False, gap="small"):
        st.text_input(s["seed"], key="seed", max_chars=19)
        st.button("", key="new_seed", icon=":material/casino:", help=s["new_seed"], on_click=_new_seed)
    st.segmented_control(
        s["images"], range(1, MAX_IMAGES + 1), key="images", required=True, help=s["images_help"], width="stretch"
    )
    st.multiselect(
        s["styles"],
        list(all_styles()),
        placeholder=s["styles_none"],
        help=s["styles_help"],
        format_func=lambda name: all_styles()[name].zh if language == "zh-TW" else name,
        **kept("styles", language),
    )
    with st.expander(s["sampling"], key="sampling"):
        st.selectbox(
            s["scheduler"],
            list(SCHEDULERS),
            **kept("scheduler", language),
            format_func=lambda name: name if SCHEDULERS[name].converges else s["wanders"].format(name=name),
        )
        if SCHEDULERS[state.scheduler].recommended_steps:
            fewest, most = SCHEDULERS[state.scheduler].recommended_steps or (0, 0)
            st.caption(s["recommended_steps"].format(fewest=fewest, most=most))
        left, right = st.columns(2)
        left.number_input(s["steps"], 1, MAX_STEPS, key="steps")
        right.number_input(s["guidance"], 0.0, 100.0, step=0.5, format="%g", key="guidance")
        for column, side in ((left, "width"), (right, "height")):
            column.number_input(s[side], 8, MAX_SIDE, None, step=8, key=side, placeholder=s["native"])
    with st.expander(s["like"], key="like_box"):
        st.file_uploader(s["like_about"], ["png", "jpg", "jpeg", "webp"], key="like", on_change=_take_picture)
        for note in state.get("like_notes", ()):
            st.caption(plain(note.told(language)))
        if state.get("like_more"):
            more = ", ".join(f"{name} {value}" for name, value in state.like_more.items())
            st.caption(s["like_more"].format(more=plain(more)))
    with st.expander(s["own"], key="own"):
        st.caption(s["own_about"])
        st.text_area(s["simple"], key="simple", height="content", max_chars=MAX_PROMPT_CHARACTERS)
        st.text_area(s["expanded"], key="expanded", height="content", max_chars=MAX_PROMPT_CHARACTERS)
        st.text_area(
            s["negative"],
            key="negative",
            height="content",
            max_chars=MAX_PROMPT_CHARACTERS,
            placeholder=s["negative_auto"],
        )


def unknown_words() -> list[str]:
    """The words of the concept that the chosen model has never learnt; none where nobody knows what it has learnt."""
    state = st.session_state
    vocabulary, translation = vocabulary_of(state.model), translation_of_form()
    if vocabulary is None or (guess_language(state.concept) != "en" and translation is None):
        return []  # of other languages only the English prompt can tell, and nobody has written that yet
    return vocabulary.unknown_words(state.concept if translation is None else translation.english)


def translation_of_form() -> Translation | None:
    """The English of a typed concept in Chinese, where no LLM will translate it and no simple prompt is given.

    None also where it cannot be translated: that is an error for whoever presses Generate, not for who is typing.
    """
    state = st.session_state
    expander = automatic_expander() if state.expander == "auto" else state.expander
    drawn = state.drawn is not None and state.drawn.text == state.concept
    if expander != "offline" or drawn or state.simple.strip() or not guess_language(state.concept).startswith("zh"):
        return None
    try:
        return translate(" ".join(state.concept.split()))
    except TwinseedError:
        return None


def show_translation(t: dict[str, Any]) -> None:
    """What a concept in Chinese will be drawn as; where words or clauses of it are uncertain, to be corrected."""
    state, translation = st.session_state, translation_of_form()
    if translation is None:
        return
    if not translation.unsure:
        st.caption(t["translation"]["known"].format(english=plain(translation.english)))
        return
    if state.get("translated") is None or state.get("translated_of") != state.concept:
        state.translated, state.translated_of = translation.english, state.concept
    words = ", ".join(f"{word.chinese} = {word.english}" for word in translation.lookups)
    parts = t["translation"]["separator"].join(translation.doubtful)
    told = [t["translation"]["looked_up"].format(words=plain(words))] if words else []
    told += [t["translation"]["doubtful"].format(parts=plain(parts))] if parts else []
    st.info("\n\n".join(told), icon=":material/translate:")
    st.text_area(t["translation"]["english"], key="translated", height="content", max_chars=MAX_PROMPT_CHARACTERS)


def unseen_translation() -> bool:
    """Whether the concept has uncertain words or clauses that nobody has had a chance to correct yet."""
    state, translation = st.session_state, translation_of_form()
    return translation is not None and translation.unsure and state.get("translated_of") != state.concept


def _corrected() -> str | None:
    """The translation as somebody corrected it, None where it stands as it is."""
    state, translation = st.session_state, translation_of_form()
    if translation is None or not translation.unsure or state.get("translated_of") != state.concept:
        return None
    corrected = " ".join((state.get("translated") or "").split())
    return corrected if corrected and corrected != translation.english else None


def work_of_form(language: Language) -> Work:
    """What the widgets ask for, as work for the worker: it brings torch along, so another thread does it.

    Raises `TwinseedError` at once for whatever can be seen to be wrong without a model.
    """
    from compare.request import PairOptions, PairRequest

    state = st.session_state
    simple, expanded, negative = (" ".join(state[name].split()) or None for name in ("simple", "expanded", "negative"))
    simple = simple or _corrected()
    drawn: Concept | None = state.drawn if state.drawn is not None and state.drawn.text == state.concept else None
    sides = state.width, state.height  # whatever a preset has: the widgets show it
    options = PairOptions(
        concept=state.concept if state.concept.strip() or not simple else None,
        drawn=f"{drawn.index}@{drawn.seed}" if drawn is not None else None,
        seed=state.seed,
        images=state.images,
        model=find_model(state.model.strip()).name,
        scheduler=state.scheduler,
        steps=state.steps,
        guidance=float(state.guidance),
        size="x".join("" if side is None else str(side) for side in sides) if any(sides) else "native",
        preset=state.preset or None,
        style=tuple(state.styles) or ("none",),
        simple=simple,
        expanded=expanded,
        negative=negative,
        expander=state.expander,
        llm_model=state.get("llm_model", "").strip() or None,
        language=language,
        **state.get("like_more", {}),
    )
    request, _ = PairRequest.from_options(options)

    def work(session: Session, **how: Any) -> Run:
        return session.run(request, **how)

    return work


@lru_cache(maxsize=1)
def automatic_expander() -> str:
    """Which expander "auto" stands for. The environment is that of the server, which does not change."""
    return choose_expander("auto", llm_model=None, environ=os.environ).name


def _new_seed() -> None:
    st.session_state.seed = str(secrets.randbelow(2**32))


def _take_picture() -> None:
    """Sets the widgets to what a picture that was dropped in says of itself; what no widget shows is kept beside."""
    state, upload = st.session_state, st.session_state.like
    state.like_notes, state.like_more = (), {}
    if upload is None:
        return
    try:
        like = likeness_of(parse_picture(upload.getvalue(), upload.name), RenderSettings())
    except TwinseedError as problem:
        state.problem = problem
        return
    settings = like.settings
    for field, widget in _FIELDS.items():
        state[widget] = getattr(settings, field)
    state.seed, state.preset, state.styles = str(settings.seed), "", []
    state.simple, state.expanded, state.negative = like.simple, like.expanded or "", like.negative
    usual = RenderSettings()
    more = {
        "clip_skip": settings.clip_skip or None,
        "vae": settings.vae,
        "lora": tuple(f"{one.name}:{one.text_encoder!r}:{one.unet!r}" for one in settings.adapters),
        "tokens": "chunk" if settings.long_prompts == "chunk" else "fit",
        "fast": settings.fast,
        "compiled": settings.compiled,
        "device": settings.device,
        "dtype": settings.dtype,
    }
    state.like_more = {name: value for name, value in more.items() if value and value != getattr(usual, name, "fit")}
    state.like_notes = like.notes


def _take_preset() -> None:
    """Sets the widgets to what the preset, and the level that it asks for, have in them."""
    if st.session_state.preset:
        preset = find_preset(st.session_state.preset)
        for field, value in combined_settings(preset).items():
            st.session_state[_FIELDS[field]] = value
        st.session_state.styles = [style.name for style in chosen_styles(preset)]
