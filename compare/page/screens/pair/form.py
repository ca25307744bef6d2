"""The form: what the widgets of the first screen hold, and the request that they make."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.page.context import PageContext
from compare.page.text import plain
from compare.page.typed_key import chosen_for, typed_key
from compare.page.worker import Work
from compare.request import PairOptions, PairRequest
from compare.runs.run import Run
from generate.choices import size_of_today
from generate.models import find_model, vocabulary_of
from generate.settings import RenderSettings, SettingsError
from ideation import (
    Concept,
    Translation,
    TwinseedError,
    guess_language,
    notes_on_unlearnt,
    translate,
)
from ideation.prompt import concept_as_prompt, concept_sentence
from templates import Language

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

MAX_IMAGES = 4
_MOST_DIGITS = 9
ARMS = ("simple", "expanded", "negative")

_USUAL = RenderSettings()
#: The widgets that a preset, a picture or a run sets, by the names of `RenderSettings`.
WIDGETS = {
    "model": "model",
    "scheduler": "scheduler",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "width": "width",
    "height": "height",
}
#: Numbers that may be left out, and stand in fields of text: a field of numbers either can be emptied again or goes
#: along with every run of the script (see `held`), not both.
OPTIONAL_NUMBERS = ("width", "height", "max_sequence_length")
#: What no widget shows; a picture or a run may bring it along. By the names of `PairOptions`.
_BESIDE: dict[str, Any] = {"like_notes": (), "like_more": {}}


def first_values() -> dict[str, Any]:
    """What the form holds, and what is in it before anybody has touched it."""
    return {
        "concept": "",
        "draw_seed": secrets.randbelow(2**32),
        "draws": 0,
        "drawn": None,
        "hold_topic": False,
        "hold_action": False,
        "hold_style": False,
        "preset": "",
        "performance": "",
        "model": _USUAL.model,
        "expander": "auto",
        "llm_model": "",
        "seed": str(secrets.randbelow(2**32)),
        "images": 1,
        "styles": [],
        "enhance": False,
        "scheduler": _USUAL.scheduler,
        "steps": _USUAL.num_inference_steps,
        "guidance": _USUAL.guidance_scale,
        "width": "",
        "height": "",
        "tokens": "fit",
        "aspect": "",
        "vae": "",
        "loras": [],
        "lora_weights": {},
        "device": "auto",
        "dtype": "auto",
        "max_sequence_length": "",
        "memory": "",
        "writing": False,
        "written": None,
        "written_of": None,
        "prompts_of": "",
        "kept_for": "",
        "picked": {},
        "picked_text": "",
        "simple": "",
        "expanded": "",
        "negative": "",
        "translated": None,
        "translated_of": None,
        **_BESIDE,
    }


def request_of_form(language: Language, *, own_prompts: bool = True, **other: Any) -> PairRequest:
    """What the widgets ask for; without `own_prompts` the expander writes both, whatever is in their fields. `other`
    options take the place of the form's.

    Raises `TwinseedError` for whatever can be seen to be wrong without a model.
    """
    state = st.session_state
    simple, expanded, negative = (" ".join(state[name].split()) or None for name in ARMS)
    if not own_prompts or as_written():
        simple = expanded = negative = None  # it writes the same again, and the record says who wrote it
    simple = simple or corrected_translation()
    drawn: Concept | None = drawn_concept()
    sides = number_in("width"), number_in("height")  # whatever a preset has: the widgets show it
    size = "x".join("" if side is None else str(side) for side in sides) if any(sides) else "native"
    options: dict[str, Any] = {
        "concept": state.concept if state.concept.strip() or not simple else None,
        "drawn": f"{drawn.index}@{drawn.seed}" if drawn is not None else None,
        "seed": state.seed,
        "images": state.images,
        "model": find_model(state.model.strip()).name,
        "scheduler": state.scheduler,
        "steps": state.steps,
        "guidance": float(state.guidance),
        "aspect": state.aspect or None,
        "size": None if state.aspect else size,
        "preset": state.preset or None,
        "style": tuple(state.styles) or ("none",),
        "enhance": state.enhance,
        "simple": simple,
        "expanded": expanded,
        "negative": negative,
        "expander": chosen_expander() if typed_key() is not None else state.expander,
        "llm_model": None if chosen_expander() == "offline" else state.llm_model.strip() or None,  # it has no field
        "tokens": state.tokens,
        "vae": state.vae.strip() or None,
        "lora": tuple(f"{name}:{state.lora_weights.get(name, 1.0)!r}" for name in state.loras),
        "device": state.device,
        "dtype": state.dtype,
        "max_sequence_length": number_in("max_sequence_length"),
        "memory": state.memory.strip() or None,
        "language": language,
    }
    request, _ = PairRequest.from_options(PairOptions(**{**options, **state.like_more, **other}))
    return request


def number_in(field: str) -> int | None:
    """The whole number in one of the `OPTIONAL_NUMBERS`, in whatever digits; None where there is none. Raises
    `SettingsError` for what is no number."""
    text = st.session_state[field].strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise SettingsError("{text!r} is no whole number", hint="give one such as 512, or leave it out", text=text[:40])
    return int(text)


def put_setting(widget: str, value: Any) -> None:
    """Puts a setting into its widget."""
    if widget in OPTIONAL_NUMBERS:
        value = "" if value is None else str(value)
    st.session_state[widget] = value


def work_of(request: PairRequest) -> Work:
    """The request as work for the worker: it brings torch along, so another thread does it."""

    def work(session: Session, **how: Any) -> Run:
        return session.run(request, **how)

    return work


def drawn_concept() -> Concept | None:
    """The concept in the field as it was drawn, None where it was typed or changed."""
    state = st.session_state
    drawn: Concept | None = state.drawn
    return drawn if drawn is not None and drawn.text == state.concept else None


def as_written() -> bool:
    """Whether the prompts that are shown are what the expander wrote for what the form asks for now, untouched."""
    state = st.session_state
    return state.written is not None and not edited() and state.written_of == key_of_form()


def edited() -> bool:
    """Whether somebody has changed a prompt since it was written."""
    state = st.session_state
    return any(state[arm] != getattr(state.written, arm) for arm in ARMS)


def concept_in_field() -> str:
    """The concept that somebody typed or drew, in one line."""
    return " ".join(st.session_state.concept.split())


def prompts_of_another() -> str | None:
    """The concept that the prompts in the fields belong to, where there is another one in its field by now."""
    state, concept = st.session_state, concept_in_field()
    there = any(state[arm].strip() for arm in ("simple", "expanded"))
    return state.prompts_of if there and concept and state.prompts_of not in ("", concept) else None


def both_prompts_are_there() -> bool:
    """Whether the expander has nothing to write any more."""
    return all(st.session_state[arm].strip() for arm in ("simple", "expanded"))


def key_of_form() -> tuple[Any, ...]:
    """All that decides what the expander writes."""
    state = st.session_state
    key = typed_key()
    return (
        state.concept,
        corrected_translation(),
        state.seed,
        state.model,
        chosen_expander(),
        key and key.address,
        state.llm_model,
        state.tokens,
    )


def notes_on_words(page: PageContext) -> list[str]:
    """What the chosen model makes of the words of the concept that it has never learnt, for Streamlit; nothing where
    nobody knows what it has learnt."""
    state = st.session_state
    vocabulary, translation = vocabulary_of(state.model), translation_of_form()
    if vocabulary is None or (guess_language(state.concept) != "en" and translation is None):
        return []  # of other languages only the English prompt can tell, and nobody has written that yet
    english = state.concept if translation is None else translation.english
    try:
        notes = notes_on_unlearnt(concept_as_prompt(english).text, "", vocabulary)
    except TwinseedError:
        return []  # what cannot be read is told beside its field
    return [plain(note.told(page.language)) for note in notes]


def translation_of_form() -> Translation | None:
    """The English of a typed concept in Chinese, where no LLM will translate it and no simple prompt is given.

    None also where it cannot be translated: that is an error for whoever presses Generate, not for who is typing.
    """
    state = st.session_state
    given = state.simple.strip() and state.written is None
    if chosen_expander() != "offline" or drawn_concept() or given or not guess_language(state.concept).startswith("zh"):
        return None
    try:
        return translate(concept_sentence(" ".join(state.concept.split())))
    except TwinseedError:
        return None


def unseen_translation() -> bool:
    """Whether the concept has uncertain words or clauses that nobody has had a chance to correct yet."""
    state, translation = st.session_state, translation_of_form()
    return translation is not None and translation.unsure and state.translated_of != state.concept


def corrected_translation() -> str | None:
    """The translation as somebody corrected it, None where it stands as it is."""
    state, translation = st.session_state, translation_of_form()
    if translation is None or not translation.unsure or state.translated_of != state.concept:
        return None
    corrected = " ".join((state.translated or "").split())
    return corrected if corrected and corrected != translation.english else None


def chosen_expander() -> str:
    """The expander that the form names, or that "automatic" stands for."""
    return chosen_for(st.session_state.expander)


def new_seed() -> None:
    st.session_state.seed = str(secrets.randbelow(2**32))


def fill_form(settings: RenderSettings) -> None:
    """Sets the widgets to those settings; what no widget shows is kept beside."""
    state = st.session_state
    for field, widget in WIDGETS.items():
        put_setting(widget, getattr(settings, field))
    state.seed, state.preset, state.performance, state.styles, state.aspect = str(settings.seed), "", "", [], ""
    state.enhance = False
    state.tokens = "chunk" if settings.long_prompts == "chunk" else "fit"
    state.vae, state.device, state.dtype = settings.vae or "", settings.device, settings.dtype
    put_setting("max_sequence_length", settings.max_sequence_length)
    state.memory = settings.memory or ""
    alike = all(one.text_encoder == one.unet for one in settings.adapters)  # a widget has one weight for both
    state.loras = [one.name for one in settings.adapters] if alike else []
    state.lora_weights = {one.name: one.unet for one in settings.adapters} if alike else {}
    more = {
        "clip_skip": settings.clip_skip or None,
        "fast": settings.fast,
        "compiled": settings.compiled,
        "batch": settings.pairs_per_batch,
        "attention_backend": settings.attention_backend,
        "lora": () if alike else tuple(f"{one.name}:{one.text_encoder!r}:{one.unet!r}" for one in settings.adapters),
    }
    state.like_more = {name: value for name, value in more.items() if value}


def fill_from_request(request: PairRequest, model_digest: str) -> None:
    """Sets the whole form to what was asked for once, of weights with that digest: concept, prompts and settings, to be
    changed and made again."""
    state = st.session_state
    settings, note = size_of_today(request.settings, model_digest)
    fill_form(settings)
    state.images = min(request.settings.images, MAX_IMAGES)
    state.concept = request.concept.text
    state.drawn = request.concept if request.concept.index is not None else None
    state.preset, state.styles, state.aspect = request.preset or "", list(request.styles), request.aspect or ""
    state.enhance = request.enhance
    state.expander, state.llm_model, state.tokens = request.expander, request.llm_model or "", request.tokens
    state.written = state.written_of = state.translated = state.translated_of = None
    state.like_notes = () if note is None else (note,)
    state.simple, state.expanded = request.simple or "", request.expanded or ""
    state.negative = request.negative or ""
    state.writing = any(state[arm] for arm in ARMS)
    state.prompts_of = " ".join(request.concept.text.split()) if state.writing else ""
