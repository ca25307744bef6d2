"""The offline expander: templates and word tables, no LLM, no network, the same answer for the same seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import templates
from ideation.details import Light, Medium, Scene, built_in_details, phrase_pattern
from ideation.draft import Draft, DraftRequest
from ideation.grammar import indefinite_article
from ideation.reading import Reading, read
from ideation.vocabulary import Vocabulary

#: A prompt beyond this many words reads like a list, whatever the encoder could still take.
MAX_WORDS = 60

_NO_STYLE = Medium(family="picture", medium=("fine natural detail", "rich lifelike texture", "carefully observed surfaces"))
_COLOUR_WORDS = ("silvery", "honey-colored", "colored", "neon")


@dataclass(frozen=True)
class _Detail:
    kind: str
    text: str


class OfflineExpander:
    """Adds setting, medium, light, props, view and colours that fit the words of the concept.

    Reads English, and 繁體中文 made of known words; anything else raises `TranslationError`. For a request with a
    vocabulary (the embedded model) every added word is one of that vocabulary.
    """

    @property
    def name(self) -> str:
        return "offline"

    @property
    def llm_model(self) -> str | None:
        return None

    def draft(self, request: DraftRequest) -> Draft:
        reading = read(request.concept)
        chooser = _Chooser(request.seed, reading.text)
        if request.vocabulary:
            return _seedling_draft(request, request.vocabulary, reading, chooser)
        medium = built_in_details().media.get(reading.style or "", _NO_STYLE)
        scene, light = _scene_and_light(reading, chooser)
        candidates = _details(reading, medium, scene, light, chooser)
        expanded, kept = _fitted(reading, candidates, request.token_limit)
        return Draft(
            language=request.concept.language,
            simple=reading.text,
            expanded=expanded,
            negative=_negative(reading, medium, expanded),
            reasons=tuple(_reason(detail, reading, scene, light) for detail in kept),
            warnings=_warnings(kept, request.token_limit),
        )


class _Chooser:
    """Choices that depend on the seed, the concept and the kind of detail alone, on every machine and Python."""

    def __init__(self, seed: int, text: str) -> None:
        self._start = f"{seed}\0{text}\0"

    def number(self, slot: str) -> int:
        return int.from_bytes(hashlib.blake2b((self._start + slot).encode(), digest_size=8).digest(), "big")

    def pick(self, slot: str, options: Sequence[str]) -> str:
        return options[self.number(slot) % len(options)]

    def fresh(self, slot: str, options: Sequence[str], so_far: Sequence[str]) -> str | None:
        """One of the options that repeats no word of what stands there already; None when all of them do."""
        used = {word for text in so_far for word in _stems(text)}
        unused = [option for option in options if not used & _stems(option)]
        return self.pick(slot, unused) if unused else None


def _stems(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[^\W\d_]{4,}", text.lower())} - {"with", "from", "into", "over"}


def _scene_and_light(reading: Reading, chooser: _Chooser) -> tuple[Scene | None, Light]:
    """A scene that the concept points to, and a light that falls there and agrees with what the concept says."""
    tables = built_in_details()
    names = reading.scenes or (() if "place" in reading.said else tables.anywhere)
    scene = tables.scenes[chooser.pick("scene", names)] if names else None
    note = tables.actions.get(reading.action or "")
    weather = next((w for w in ("rain", "snow", "fog") if w in reading.said), note.weather if note else None)
    night = {reading.topic, reading.action} & set(tables.nocturnal)
    time = next((t for t in ("night", "dusk", "day") if t in reading.said), "night" if night else None)
    lights = [tables.lights[name] for name in (scene.lights if scene else ("plain",))]
    every = list(tables.lights.values())
    # What the concept says counts for more than what the place usually has; below water and in space there is neither.
    if any(light.time or light.weather for light in lights) or not scene:
        if weather:
            lights = [x for x in lights if x.weather == weather] or [x for x in every if x.weather == weather]
        elif time:
            lights = [x for x in lights if not x.weather] or lights
        if time:
            lights = [x for x in lights if x.time == time] or (
                lights if weather or night else [x for x in every if x.time == time and not x.weather]
            )
    return scene, lights[chooser.number("light") % len(lights)]


def _details(
    reading: Reading, medium: Medium, scene: Scene | None, light: Light, chooser: _Chooser
) -> list[_Detail]:
    """All details that fit, the most important first; none repeats a word of another."""
    tables = built_in_details()
    note = tables.actions.get(reading.action or "")
    view = tables.views[reading.pace]
    options: list[tuple[str, Sequence[str]]] = []
    if scene and "place" not in reading.said:
        options.append(("place", note.places if note and note.places else scene.places))
    surface = "medium" if reading.style else "finish"
    options.append((surface, medium.medium))
    if "light" not in reading.said:
        options.append(("light", _light_phrases(light, medium)))
    if note:
        options.append(("prop", note.details))
    if "view" not in reading.said:
        options.append(("view", getattr(view, medium.family)))
    if scene:
        options.append(("scenery", scene.details))
    if medium.colours == "fitting" and "colour" not in reading.said:
        options.append(("palette", light.palette))
    if reading.style:
        options.append((surface, medium.medium))
    if "mood" not in reading.said:
        options.append(("mood", tables.moods[reading.pace]))
    details: list[_Detail] = []
    for number, (kind, phrases) in enumerate(options):
        so_far = [reading.head, *(detail.text for detail in details)]
        chosen = chooser.fresh(f"{kind}{number}", phrases, so_far) if phrases else None
        if chosen:
            details.append(_Detail(kind, chosen))
    return details


def _light_phrases(light: Light, medium: Medium) -> Sequence[str]:
    if medium.family == "flat":
        return light.sign
    if medium.colours == "fitting":
        return light.light
    colour = phrase_pattern((*built_in_details().said["colour"], *_COLOUR_WORDS))
    return [phrase for phrase in light.light if not colour.search(phrase)] or light.sign


def _fitted(reading: Reading, details: Sequence[_Detail], token_limit: int) -> tuple[str, list[_Detail]]:
    """The expanded prompt with as many details, in order, as the encoder takes; the concept itself is never cut."""
    kept: list[_Detail] = []
    expanded = _assembled(reading, kept)
    for detail in details:
        longer = _assembled(reading, [*kept, detail])
        if _tokens(longer) <= token_limit and len(longer.split()) <= MAX_WORDS:
            kept.append(detail)
            expanded = longer
    return expanded, kept


def _assembled(reading: Reading, details: Sequence[_Detail]) -> str:
    return templates.render(
        "prompts/offline.j2",
        head=reading.head.rstrip(" .,;:") if details else reading.head,
        where=[detail.text for detail in details if detail.kind in ("place", "time", "weather")],
        tail=reading.tail,
        details=[detail.text for detail in details if detail.kind not in ("place", "time", "weather", "colour")],
    ).strip()


def _tokens(prompt: str) -> int:
    """More tokens than CLIP's tokenizer will make of the prompt, start and end included: long words come in pieces."""
    pieces = re.findall(r"[^\W\d_]+|\d|[^\w\s]", prompt)
    return 2 + sum(1 if len(piece) <= 7 else 2 if len(piece) <= 11 else 3 for piece in pieces)


def _negative(reading: Reading, medium: Medium, expanded: str) -> str:
    unwanted = []
    for entry in built_in_details().negatives:
        wanted = re.compile("|".join(rf"(?<!\w){re.escape(start)}" for start in entry.unless), re.IGNORECASE)
        if medium.family not in entry.family or (entry.unless and wanted.search(expanded)):
            continue
        if entry.colourless and (medium.colours != "none" or "colour" in reading.said):
            continue
        if medium is _NO_STYLE and len(entry.family) < 4:
            continue
        unwanted.append(entry.say)
    return templates.render("prompts/offline_negative.j2", unwanted=unwanted).strip()


def _reason(detail: _Detail, reading: Reading, scene: Scene | None, light: Light | None) -> str:
    topic = f"{indefinite_article(reading.topic)} {reading.topic}" if reading.topic else "the subject"
    return templates.render(
        "prompts/offline_reasons.j2",
        kind=detail.kind,
        detail=detail.text,
        topic=topic,
        action=reading.action,
        style=reading.style,
        home=scene.home if scene else "",
        pointed=reading.pointed,
        night=bool(light and light.time == "night"),
        because=built_in_details().views[reading.pace].because,
    ).strip()


def _warnings(kept: Sequence[_Detail], token_limit: int) -> tuple[str, ...]:
    if kept:
        return ()
    return (f"The concept alone fills the {token_limit} tokens that the model reads, so nothing was added to it.",)


def _seedling_draft(request: DraftRequest, vocabulary: Vocabulary, reading: Reading, chooser: _Chooser) -> Draft:
    """The expansion for the embedded model: a colour, a setting, a time or weather and a few filler words it has learnt.

    There is no negative prompt: the words of the usual one ("blurry", "watermark") mean nothing to that model.
    """
    unknown = vocabulary.unknown_words(reading.text)
    details, scene = _seedling_details(request, vocabulary, reading, chooser)
    expanded, kept = _fitted(reading, [d for d in details if d.kind != "colour"], request.token_limit - 1)
    topic = request.concept.topic
    for colour in [detail for detail in details if detail.kind == "colour" and topic]:
        rest = expanded.removeprefix(f"{indefinite_article(topic.en)} ")  # type: ignore[union-attr]
        if rest != expanded:
            expanded = f"{indefinite_article(colour.text)} {colour.text} {rest}"
            kept = [colour, *kept]
    warnings = _warnings(kept, request.token_limit)
    if unknown:
        words = ", ".join(f'"{word}"' for word in unknown)
        warnings += (f"Seedling has never learnt {words}, so the picture may show something else there.",)
    return Draft(
        language=request.concept.language,
        simple=reading.text,
        expanded=expanded,
        reasons=tuple(_reason(detail, reading, scene, None) for detail in kept),
        warnings=warnings,
    )


def _seedling_details(
    request: DraftRequest, vocabulary: Vocabulary, reading: Reading, chooser: _Chooser
) -> tuple[list[_Detail], Scene | None]:
    tables = built_in_details()
    named = vocabulary.find(reading.text)
    scene, light = _scene_and_light(reading, chooser)
    details: list[_Detail] = []
    if "setting" in named:
        setting = named["setting"].name
    else:
        if not scene or not scene.seedling:
            homes = [s for s in tables.homes_of(reading.topic or "") if tables.scenes[s].seedling] or tables.anywhere[:3]
            scene = tables.scenes[chooser.pick("home", homes)]
        setting = chooser.pick("setting", scene.seedling)
        details.append(_Detail("place", setting))
    unlit = setting in tables.seedling.unlit
    medium = tables.media.get(reading.style or "", _NO_STYLE)
    return details, scene
