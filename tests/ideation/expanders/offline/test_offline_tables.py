"""The tables of the offline expander: they know every word, and say nothing twice."""

from __future__ import annotations

import re

import pytest
from test_offline_expander import DETAILS, SEEDLING, WORDS

from ideation.expanders.offline import Details
from ideation.expanders.offline.prompt_builder import without_repeats


def test_the_tables_know_every_word_and_no_other() -> None:
    topics, actions, styles = ({word.en for word in part} for part in (WORDS.topics, WORDS.actions, WORDS.styles))
    assert set(DETAILS.actions) == actions
    assert {topic for homes in DETAILS.homes.values() for topic in homes} == topics
    assert styles <= set(DETAILS.media)
    assert set(DETAILS.nocturnal) <= topics | actions
    scenes, lights = set(DETAILS.scenes), set(DETAILS.lights)
    assert (
        set(DETAILS.homes) | set(DETAILS.anywhere) | {s for a in DETAILS.actions.values() for s in a.scenes} <= scenes
    )
    nouns = {scene for kind in DETAILS.subjects.values() for scene in kind if scene}
    assert nouns | set(DETAILS.verbs.scenes) <= scenes
    assert set(DETAILS.subjects) | {"scene"} == set(DETAILS.kinds)
    assert {light for scene in DETAILS.scenes.values() for light in scene.lights} | {"plain"} | {
        "room",
        "overcast",
        "tempest",
    } == lights


def test_seedlings_tables_use_its_vocabulary() -> None:
    settings = set(SEEDLING.names("setting"))
    assert {place for scene in DETAILS.scenes.values() for place in scene.seedling} == settings
    assert set(DETAILS.seedling.weather) | set(DETAILS.seedling.unlit) == settings
    assert {w for weathers in DETAILS.seedling.weather.values() for w in weathers} <= set(SEEDLING.names("weather"))
    said = {
        phrase for part in (DETAILS.seedling.tones, DETAILS.seedling.manners) for p in part.values() for phrase in p
    }
    assert said <= set(SEEDLING.filler)
    assert set(DETAILS.seedling.tones) == {"", *SEEDLING.names("time"), *SEEDLING.names("weather")}
    for light in DETAILS.lights.values():
        assert SEEDLING.unknown_words(" ".join(light.seedling)) == []


def test_what_comes_with_an_action_does_not_repeat_it() -> None:
    for name, note in DETAILS.actions.items():
        assert without_repeats(note.details, [name]) == list(note.details)
        assert without_repeats(note.places, [name]) == list(note.places)


def test_signs_and_scenery_name_no_colour() -> None:
    colour = re.compile(rf"\b(?:{'|'.join(DETAILS.said['colour'])})\b")
    for light in DETAILS.lights.values():
        assert not [phrase for phrase in light.sign if colour.search(phrase)]
    for scene in DETAILS.scenes.values():
        assert not [phrase for phrase in (*scene.places, *scene.details) if colour.search(phrase)]


def test_a_table_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        Details.model_validate({**DETAILS.model_dump(), "sceens": {}})
