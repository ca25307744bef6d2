"""Scenery: where a concept plays and what light falls there."""

from __future__ import annotations

from ideation.chooser import Chooser
from ideation.details import Light, Scene, built_in_details
from ideation.reading import Reading


def choose_scenery(reading: Reading, chooser: Chooser) -> tuple[Scene | None, Light]:
    """A scene that the concept points to, and a light that falls there and agrees with what the concept says.

    No scene when the concept names a place that the tables do not know.
    """
    tables = built_in_details()
    names = reading.scenes or (() if "place" in reading.said else tables.anywhere)
    scene = tables.scenes[chooser.pick("scene", names)] if names else None
    return scene, _light(reading, chooser, [tables.lights[name] for name in (scene.lights if scene else ("plain",))])


def _light(reading: Reading, chooser: Chooser, usual: list[Light]) -> Light:
    """What the concept says of time and weather counts for more than what is usual in the place."""
    tables = built_in_details()
    note = tables.actions.get(reading.action or "")
    weather = next((w for w in ("rain", "snow", "fog") if w in reading.said), note.weather if note else None)
    stated = next((t for t in ("night", "dusk", "day") if t in reading.said), None)
    time = stated or ("night" if {reading.topic, reading.action} & set(tables.nocturnal) else None)
    in_the_open = any(light.weather for light in tables.lights.values() if light in usual) or any(
        light.time == "dusk" for light in usual
    )
    lights = usual
    if weather:
        lights = [light for light in tables.lights.values() if light.weather == weather]
        lights = [light for light in usual if light.weather == weather] or lights
    elif time:
        lights = [light for light in usual if not light.weather] or usual
    if time and lights:
        at_that_time = [light for light in lights if light.time == time]
        if not at_that_time and stated and not weather and (in_the_open or len(usual) == 1 and usual[0].palette == tables.lights["plain"].palette):
            at_that_time = [light for light in tables.lights.values() if light.time == time and not light.weather]
        lights = at_that_time or lights
    return lights[chooser.number("light") % len(lights)]
