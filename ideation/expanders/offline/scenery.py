"""Scenery: where a concept plays and what light falls there."""

from __future__ import annotations

from ideation.expanders.offline.concept_analysis import ConceptAnalysis
from ideation.expanders.offline.details import Light, Scene, built_in_details
from ideation.expanders.offline.stable_choice import Chooser


def choose_scenery(analysis: ConceptAnalysis, chooser: Chooser) -> tuple[Scene | None, Light]:
    """A scene that the concept points to, and a light that falls there and agrees with what the concept says.

    No scene when the concept names a place that the tables do not know, or when nothing in it points anywhere.
    """
    tables = built_in_details()
    scene = tables.scenes[chooser.pick("scene", analysis.scenes)] if analysis.scenes else None
    lights = _lights(analysis, scene)
    return scene, lights[chooser.number("light") % len(lights)]


def _lights(analysis: ConceptAnalysis, scene: Scene | None) -> list[Light]:
    """The lights to choose from: the usual ones of the place that agree with the concept, else any that agrees."""
    tables = built_in_details()
    usual = [tables.lights[name] for name in (scene.lights if scene else ("plain",))]
    if scene and not any(light.time or light.weather for light in usual):
        return usual  # under water and in space there is neither night nor rain
    note = tables.actions.get(analysis.action or "")
    weather = next((w for w in ("rain", "snow", "fog") if w in analysis.said), note.weather if note else None)
    stated = next((t for t in ("night", "dusk", "day") if t in analysis.said), None)
    medium = tables.media.get(analysis.style or "")
    nocturnal = {analysis.topic, analysis.action} & set(tables.nocturnal)
    time = stated or ("night" if nocturnal else medium.time if medium else None)

    def agrees(light: Light) -> bool:
        same_weather = light.weather == weather or not (weather or stated)
        return same_weather and (time is None or light.time == time)

    fitting = [light for light in usual if agrees(light)]
    if not fitting and (weather or stated or not (scene and scene.indoor)):
        every = [light for light in tables.lights.values() if light.open_air and light.weather == weather]
        fitting = [light for light in every if agrees(light)] or every
    return fitting or usual
