"""The offline expansion for Seedling, the embedded model: only words that it has learnt."""

from __future__ import annotations

from ideation.english import as_prompt
from ideation.errors import Clause
from ideation.expanders.offline.concept_analysis import ConceptAnalysis
from ideation.expanders.offline.details import Light, Scene, built_in_details
from ideation.expanders.offline.prompt_builder import (
    Detail,
    StableChoice,
    choose_scenery,
    count_tokens,
    explain,
    fit,
    looked_up,
    nothing_added,
    without_repeats,
)
from ideation.expanders.protocol import DraftedPrompts, DraftRequest
from ideation.vocabulary import Term, Vocabulary

#: So many unknown words are named in the warning; a pasted page would have hundreds.
MAX_NAMED = 12

_UNKNOWN = "Seedling has never learnt {words}, so the picture may show something else there."
_MANY_UNKNOWN = "Seedling has never learnt {words} and {more} more words, so the picture may show something else there."


def draft_for_seedling(
    request: DraftRequest, vocabulary: Vocabulary, analysis: ConceptAnalysis, choice: StableChoice
) -> DraftedPrompts:
    """The concept with a setting, a time or weather, and two filler words, all from `vocabulary`.

    The subject gets no colour: a green unicorn is another idea than a unicorn, and the pair would be about that. There
    is no negative prompt: the words of the usual one ("blurry", "watermark") mean nothing to this model.
    """
    unknown = vocabulary.unknown_words(as_prompt(analysis.text))

    def tokens(prompt: str) -> int:
        # A word that the tokenizer has never met comes in small pieces.
        return count_tokens(prompt) + sum(len(word) // 2 for word in unknown)

    named = vocabulary.find(analysis.text)
    scene, light = choose_scenery(analysis, choice)
    setting = ""
    details: list[Detail] = []
    if "setting" in named:
        setting = named["setting"].name
    elif "place" not in analysis.said:
        scene = _known_scene(analysis, scene, choice)
        setting = choice.pick("setting", scene.seedling)
        details = [Detail("place", setting)]
    # A place that Seedling does not know is left alone: time and weather can be seen there as well as anywhere.
    in_the_open = setting not in built_in_details().seedling.unlit
    if in_the_open:
        details += _time_and_weather(vocabulary, named, setting, light, choice)
    details += _filler(analysis, details, choice)
    prompt, kept = fit(analysis, details, request.token_limit, tokens)
    warnings = looked_up(analysis) + nothing_added(kept, request.token_limit)
    if unknown:
        words, more = ", ".join(f'"{word}"' for word in unknown[:MAX_NAMED]), len(unknown) - MAX_NAMED
        if more > 0:
            warnings += (Clause(_MANY_UNKNOWN, words=words, more=more),)
        else:
            warnings += (Clause(_UNKNOWN, words=words),)
    return DraftedPrompts(
        language=request.concept.language,
        simple=analysis.text,
        expanded=prompt,
        reasons=tuple(explain(detail, analysis, scene) for detail in kept),
        warnings=warnings,
    )


def _known_scene(analysis: ConceptAnalysis, scene: Scene | None, choice: StableChoice) -> Scene:
    """The scene itself if Seedling has a setting for it, else another home of the topic, else anywhere in the open."""
    if scene and scene.seedling:
        return scene
    tables = built_in_details()
    homes = tables.homes_of(analysis.topic or "") or list(tables.anywhere)
    known = [name for name in homes if tables.scenes[name].seedling]
    known = known or [name for name in tables.anywhere if tables.scenes[name].seedling]
    return tables.scenes[choice.pick("known scene", known)]


def _time_and_weather(
    vocabulary: Vocabulary, named: dict[str, Term], setting: str, light: Light, choice: StableChoice
) -> list[Detail]:
    """At least one of the two unless the concept has said both, in agreement with the setting and the light."""
    weathers = built_in_details().seedling.weather.get(setting, tuple(vocabulary.names("weather")))
    seen = vocabulary.find(" ".join(light.seedling))
    time = seen["time"].name if "time" in seen else choice.pick("time", vocabulary.names("time"))
    weather = seen["weather"].name if "weather" in seen else None
    sunny = weather is None and time == "at noon"
    if (
        weathers
        and "weather" not in named
        and not sunny
        and weather is None
        and choice.number("extra weather") % 3 == 0
    ):
        weather = choice.pick("weather", weathers)
    details = []
    if "time" not in named and ("time" in seen or not weather):
        details.append(Detail("time", time))
    if "weather" not in named and weather in weathers:
        details.append(Detail("weather", weather))
    if not details and "weather" not in named and weathers:
        details.append(Detail("weather", choice.pick("weather", weathers)))
    return details


def _filler(analysis: ConceptAnalysis, details: list[Detail], choice: StableChoice) -> list[Detail]:
    tables = built_in_details()
    medium = tables.media.get(analysis.style or "")
    words = [
        word for word in tables.seedling.filler if not (medium and medium.colours != "fitting" and "colour" in word)
    ]
    so_far = [analysis.text, *(detail.text for detail in details)]
    first = choice.turn("first filler", without_repeats(words, so_far) or words)
    second = choice.fresh("second filler", words, [*so_far, first])
    return [Detail("filler", word) for word in (first, second) if word]
