"""The offline expansion for Seedling, the embedded model: only words that it has learnt."""

from __future__ import annotations

import re

from ideation.draw import Vocabulary
from ideation.expanders.offline.concept_analysis import MOST_WORDS_FOR_A_MOOD, ConceptAnalysis
from ideation.expanders.offline.details import Light, Scene, built_in_details, phrase_pattern
from ideation.expanders.offline.prompt_builder import (
    Detail,
    StableChoice,
    choose_scenery,
    explain,
    fit,
    looked_up,
    nothing_added,
    without_repeats,
)
from ideation.expanders.protocol import DraftedPrompts, DraftRequest
from ideation.prompt import as_prompt, estimated_tokens


def draft_for_seedling(
    request: DraftRequest, vocabulary: Vocabulary, analysis: ConceptAnalysis, choice: StableChoice
) -> DraftedPrompts:
    """The concept with a setting, a time or weather, a tone and a framing or mood, all from `vocabulary`. Wherever the
    concept leaves one of the first three open, there is one, for only they change the picture.

    The subject gets no colour: a green unicorn is another idea than a unicorn, and the pair would be about that. There
    is no negative prompt: the words of the usual one ("blurry", "watermark") mean nothing to this model.
    """
    unknown = vocabulary.unknown_words(as_prompt(analysis.text))

    def tokens(prompt: str) -> int:
        # A word that the tokenizer has never met comes in small pieces.
        return estimated_tokens(prompt) + sum(len(word) // 2 for word in unknown)

    named = vocabulary.find(analysis.text)
    tables = built_in_details()
    place, light = choose_scenery(analysis, choice)
    scene = tables.scenes[place] if place else None
    setting = named["setting"].name if "setting" in named else ""
    details: list[Detail] = []
    brief = analysis.words <= MOST_WORDS_FOR_A_MOOD and not re.search(r"[.!?] ", analysis.head)
    if not setting and brief and _goes_somewhere(analysis, scene):
        scene = _known_scene(analysis, scene, choice)
        setting = choice.pick("setting", scene.seedling)
        details = [Detail("place", setting)]
    # A place that Seedling does not know is left alone: time and weather can be seen there as well as anywhere, and
    # where there may be a roof, in a text that describes its picture itself too, the time alone: with nothing that it
    # has learnt, both pictures would be the same.
    if analysis.facts.realm not in ("under water", "space") and setting not in tables.seedling.unlit:
        if brief and (setting or _in_the_open(analysis, scene)):
            details += _time_and_weather(vocabulary, analysis, setting, light, choice, needed=not details)
        elif _has_a_time(analysis):
            details += _time_and_weather(vocabulary, analysis, _A_ROOM, light, choice, needed=True)
    details += _tone_and_manner(analysis, details, choice)
    prompt, kept = fit(analysis, details, request.token_limit, tokens)
    warnings = looked_up(analysis) + nothing_added(kept, request.token_limit)
    return DraftedPrompts(
        language=request.concept.language,
        simple=analysis.text,
        expanded=prompt,
        reasons=tuple(explain(detail, analysis, scene) for detail in kept),
        warnings=warnings,
    )


def _goes_somewhere(analysis: ConceptAnalysis, scene: Scene | None) -> bool:
    """Whether a setting may be added: to who can be met anywhere, and where what is done leaves one to choose."""
    if "place" in analysis.said or not _in_the_open(analysis, scene):
        return False
    if analysis.subject is not None:
        return True
    if {"absence", "view", "two"} & analysis.said:
        return False
    if analysis.kind not in _OUT_OF_DOORS and not (analysis.topic and not analysis.kind):
        return False
    return analysis.pointed != "action" or bool(scene and len(scene.seedling) == 1)


def _in_the_open(analysis: ConceptAnalysis, scene: Scene | None) -> bool:
    """Whether the scene may be under the sky: Seedling knows no rooms, and a bookshelf in a meadow is another idea than
    a bookshelf. What somebody does makes any subject go out, unless it is done in a room."""
    tables = built_in_details()
    note = tables.actions.get(analysis.action or "")
    if analysis.subject is not None and note:
        return note.anywhere or any(tables.scenes[name].seedling for name in note.scenes)
    if "indoors" in analysis.facts.realms or (
        scene and scene.indoor and analysis.pointed in ("action", "place", "both")
    ):
        return False
    if analysis.kind in _OUT_OF_DOORS or (analysis.topic and not analysis.kind):
        return True
    return bool(scene and not scene.indoor) or analysis.facts.realm == "outdoors"


#: A setting that Seedling does not know, but has a roof.
_A_ROOM = "in a room"

#: Who can be met anywhere; a hammer or a soup on a beach would be another idea.
_OUT_OF_DOORS = frozenset(("animal", "creature", "person", "machine", "sea animal", "small animal", "vehicle", "plant"))


def _known_scene(analysis: ConceptAnalysis, scene: Scene | None, choice: StableChoice) -> Scene:
    """The scene itself if Seedling has a setting for it, else another home of the topic, else anywhere in the open."""
    if scene and scene.seedling:
        return scene
    tables = built_in_details()
    homes = [*analysis.scenes, *tables.homes_of(analysis.topic or "")]
    known = [name for name in homes if tables.scenes[name].seedling]
    known = known or [name for name in tables.anywhere if tables.scenes[name].seedling]
    return tables.scenes[choice.pick("known scene", known)]


def _time_and_weather(
    vocabulary: Vocabulary,
    analysis: ConceptAnalysis,
    setting: str,
    light: Light | None,
    choice: StableChoice,
    *,
    needed: bool,
) -> list[Detail]:
    """A time or a weather or, at night, both, in agreement with the setting, the light and all that was said. Where
    one of them is `needed`, nothing else having been added, a time that was said gets a weather."""
    tables = built_in_details()
    said = analysis.said
    note = tables.actions.get(analysis.action or "")
    weathers = () if setting == _A_ROOM else tables.seedling.weather.get(setting, tuple(vocabulary.names("weather")))
    if note and note.dry:
        weathers = tuple(weather for weather in weathers if weather == "in the fog")
    weathers = tuple(weather for weather in weathers if analysis.facts.allow(weather))
    timed, weathered = bool(said & _TIMED), bool(said & _WEATHERED)
    seen = vocabulary.find(" ".join(light.seedling)) if light else {}
    times = [seen["time"].name] if "time" in seen else vocabulary.names("time")
    times = [time for time in times if analysis.facts.allow(time) and not (weathered and time != "at night")]
    if needed:  # where nothing is known of the place, its lamps and butterflies tell by when they are seen
        excludes = tables.excludes
        times = [t for t in times if not phrase_pattern(excludes[_SAID_AS[t]]).search(analysis.text)] or times
        if phrase_pattern(_WITHOUT_DAYLIGHT).search(analysis.text):
            times = [t for t in times if t == "at night"]
    time = choice.pick("time", times) if times and not timed else None
    weather = seen["weather"].name if "weather" in seen else None
    if weather is None and weathers and (time in (None, "at night") or choice.number("rather weather") % 4 == 0):
        weather = choice.pick("weather", weathers) if choice.number("extra weather") % 3 == 0 or not time else None
    if needed and timed and not (said & {"night"}):
        weather = "in the fog"
    if weathered or weather not in weathers:
        weather = None
    if weather and time != "at night":
        time = None
    if timed and not (said & {"night"}) and weather != "in the fog":
        weather = None
    return [Detail(kind, phrase) for kind, phrase in (("time", time), ("weather", weather)) if phrase]


_WITHOUT_DAYLIGHT = ("subway", "metro", "tunnel", "cave", "cavern", "mine", "cellar", "basement", "crypt", "closet")

#: What the tables call the times that Seedling knows.
_SAID_AS = {"at noon": "day", "at sunset": "dusk", "at night": "night"}


def _has_a_time(analysis: ConceptAnalysis) -> bool:
    """Whether there can be a time of day where the concept is: in no logo or map, and not beside a time or weather that
    its words name of something else, as of a picture on a wall, or of a starry night in somebody's style."""
    tables = built_in_details()
    kind = tables.kinds.get(analysis.kind)
    if kind is not None and not kind.light:
        return False
    return not any(
        phrase_pattern(tables.said[name]).search(analysis.text) for name in (_TIMED | _WEATHERED) - analysis.said
    )


_TIMED = frozenset(("night", "dusk", "dawn", "day"))
_WEATHERED = frozenset(("rain", "snow", "fog", "storm", "cloud", "clear", "winter"))


def _tone_and_manner(analysis: ConceptAnalysis, details: list[Detail], choice: StableChoice) -> list[Detail]:
    """Two of the phrases that go with any picture: a tone of light or colour to suit time and weather, and a framing or
    mood to suit what is done."""
    tables = built_in_details()
    medium = tables.media.get(analysis.style or "")
    sky = next((detail.text for detail in reversed(details) if detail.text in tables.seedling.tones), "")
    tones = [
        tone
        for tone in tables.seedling.tones[sky]
        if not (medium and medium.colours != "fitting" and re.search("colour|tone|warm", tone))
        and not ("light" in analysis.said and "light" in tone)
        and not ("colour" in analysis.said and "colour" in tone)
        and analysis.facts.allow(tone)
    ]
    manners = [
        manner
        for manner in tables.seedling.manners[analysis.pace]
        if not ("mood" in analysis.said and "mood" in manner)
        and not (analysis.said & {"view", "order"} and re.search("shot|composition", manner))
    ]
    found: list[Detail] = []
    for name, phrases in (("tone", tones or ["rich texture"]), ("manner", manners or ["fine detail"])):
        fresh = without_repeats(phrases, [analysis.text, *(detail.text for detail in (*details, *found))])
        if fresh:
            found.append(Detail("filler", choice.turn(name, fresh)))
    return found
