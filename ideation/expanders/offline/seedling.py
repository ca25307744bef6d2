"""The offline expansion for Seedling, the embedded model: only words that it has learnt."""

from __future__ import annotations

from dataclasses import replace

from ideation.concept import Word
from ideation.english.grammar import indefinite_article
from ideation.expanders.offline.concept_analysis import Reading
from ideation.expanders.offline.details import Light, Scene, built_in_details
from ideation.expanders.offline.prompt_builder import Detail, count_tokens, explain, fit, nothing_added
from ideation.expanders.offline.scenery import choose_scenery
from ideation.expanders.offline.stable_choice import Chooser, without_repeats
from ideation.expanders.protocol import Draft, DraftRequest
from ideation.prompt_syntax import spoken
from ideation.vocabulary import Term, Vocabulary

#: So many unknown words are named in the warning; a pasted page would have hundreds.
MAX_NAMED = 12


def draft_for_seedling(request: DraftRequest, vocabulary: Vocabulary, reading: Reading, chooser: Chooser) -> Draft:
    """The concept with a setting, a time or weather, perhaps a colour, and two filler words, all from `vocabulary`.

    There is no negative prompt: the words of the usual one ("blurry", "watermark") mean nothing to this model.
    """
    unknown = vocabulary.unknown_words(spoken(reading.text))

    def tokens(prompt: str) -> int:
        # A word that the tokenizer has never met comes in small pieces.
        return count_tokens(prompt) + sum(len(word) // 2 for word in unknown)

    named = vocabulary.find(reading.text)
    scene, light = choose_scenery(reading, chooser)
    setting = ""
    details: list[Detail] = []
    if "setting" in named:
        setting = named["setting"].name
    elif "place" not in reading.said:
        scene = _known_scene(reading, scene, chooser)
        setting = chooser.pick("setting", scene.seedling)
        details = [Detail("place", setting)]
    # A place that Seedling does not know is left alone: time and weather can be seen there as well as anywhere.
    in_the_open = setting not in built_in_details().seedling.unlit
    if in_the_open:
        details += _time_and_weather(vocabulary, named, setting, light, chooser)
    details += _filler(reading, details, chooser)
    colour = _colour(reading, request.concept.topic, vocabulary, named, chooser, always=not in_the_open)
    painted = reading
    if colour and request.concept.topic:
        topic = request.concept.topic.en
        rest = reading.head.removeprefix(f"{indefinite_article(topic)} {topic}")
        painted = replace(reading, head=f"{indefinite_article(colour.text)} {colour.text} {topic}{rest}")
    prompt, kept = fit(painted, details, request.token_limit, tokens)
    warnings = nothing_added(kept, request.token_limit)
    if unknown:
        words = ", ".join(f'"{word}"' for word in unknown[:MAX_NAMED])
        words += f" and {len(unknown) - MAX_NAMED} more words" if len(unknown) > MAX_NAMED else ""
        warnings += (f"Seedling has never learnt {words}, so the picture may show something else there.",)
    return Draft(
        language=request.concept.language,
        simple=reading.text,
        expanded=prompt,
        reasons=tuple(explain(detail, reading, scene) for detail in [colour, *kept] if detail),
        warnings=warnings,
    )


def _known_scene(reading: Reading, scene: Scene | None, chooser: Chooser) -> Scene:
    """The scene itself if Seedling has a setting for it, else another home of the topic, else anywhere in the open."""
    if scene and scene.seedling:
        return scene
    tables = built_in_details()
    homes = tables.homes_of(reading.topic or "") or list(tables.anywhere)
    known = [name for name in homes if tables.scenes[name].seedling]
    known = known or [name for name in tables.anywhere if tables.scenes[name].seedling]
    return tables.scenes[chooser.pick("known scene", known)]


def _time_and_weather(
    vocabulary: Vocabulary, named: dict[str, Term], setting: str, light: Light, chooser: Chooser
) -> list[Detail]:
    """At least one of the two unless the concept has said both, in agreement with the setting and the light."""
    weathers = built_in_details().seedling.weather.get(setting, tuple(vocabulary.names("weather")))
    seen = vocabulary.find(" ".join(light.seedling))
    time = seen["time"].name if "time" in seen else chooser.pick("time", vocabulary.names("time"))
    weather = seen["weather"].name if "weather" in seen else None
    sunny = weather is None and time == "at noon"
    if (
        weathers
        and "weather" not in named
        and not sunny
        and weather is None
        and chooser.number("extra weather") % 3 == 0
    ):
        weather = chooser.pick("weather", weathers)
    details = []
    if "time" not in named and ("time" in seen or not weather):
        details.append(Detail("time", time))
    if "weather" not in named and weather in weathers:
        details.append(Detail("weather", weather))
    if not details and "weather" not in named and weathers:
        details.append(Detail("weather", chooser.pick("weather", weathers)))
    return details


def _filler(reading: Reading, details: list[Detail], chooser: Chooser) -> list[Detail]:
    tables = built_in_details()
    medium = tables.media.get(reading.style or "")
    words = [
        word for word in tables.seedling.filler if not (medium and medium.colours != "fitting" and "colour" in word)
    ]
    so_far = [reading.text, *(detail.text for detail in details)]
    first = chooser.turn("first filler", without_repeats(words, so_far) or words)
    second = chooser.fresh("second filler", words, [*so_far, first])
    return [Detail("filler", word) for word in (first, second) if word]


def _colour(
    reading: Reading,
    topic: Word | None,
    vocabulary: Vocabulary,
    named: dict[str, Term],
    chooser: Chooser,
    *,
    always: bool,
) -> Detail | None:
    """A colour for the subject in every other picture, and always where there is no time or weather to be seen.

    Not for what somebody typed, not where the concept has a colour already, and not in a style without colour.
    """
    medium = built_in_details().media.get(reading.style or "")
    colourless = medium is not None and medium.colours == "none"
    if not topic or not topic.measure or colourless or "colour" in named or "colour" in reading.said:
        return None
    if not always and chooser.number("coloured") % 2:
        return None
    return Detail("colour", chooser.pick("colour", vocabulary.names("colour")))
