"""The prompt builder: what is chosen for a concept, and put together into a prompt that the encoder can read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import templates
from ideation.english import encoder_pieces, indefinite_article, words_of
from ideation.errors import Clause
from ideation.expanders.offline.concept_analysis import ConceptAnalysis
from ideation.expanders.offline.details import Light, Scene, built_in_details

#: A prompt beyond this many words reads like a list, whatever the encoder could still take.
MAX_WORDS = 60

#: Details that say where and when follow the action without a comma; all others follow the style.
_WHERE = ("place", "time", "weather")

_COMMON = frozenset({"with", "from", "into", "over"})


@dataclass(frozen=True)
class StableChoice:
    """Choices that depend on `seed`, `text` and the name of the choice alone, on every machine and Python version.

    `random.Random` would not do: how it turns bits into choices may change, and one choice more would move the rest.
    """

    seed: int
    text: str

    def number(self, name: str) -> int:
        """A whole number below 2^64."""
        key = f"{self.seed}\0{self.text}\0{name}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")

    def pick(self, name: str, options: Sequence[str]) -> str:
        return options[self.number(name) % len(options)]

    def turn(self, name: str, options: Sequence[str]) -> str:
        """Like `pick`, but one seed and the next never choose the same, where there is more than one option."""
        return options[(replace(self, seed=0).number(name) + self.seed) % len(options)]

    def fresh(self, name: str, options: Sequence[str], so_far: Sequence[str]) -> str | None:
        """One of the options that repeats no word of what stands there already; None when all of them do."""
        unused = without_repeats(options, so_far)
        return self.pick(name, unused) if unused else None


def without_repeats(options: Sequence[str], so_far: Sequence[str]) -> list[str]:
    """The options that share no word with what stands there already."""
    used = {word for text in so_far for word in _stems(text)}
    return [option for option in options if not used & _stems(option)]


def _stems(text: str) -> set[str]:
    """The words of four letters and more, without the plural s: enough to see that a prompt says something twice."""
    parts = (part for word in words_of(text) for part in word.parts)
    return {part.rstrip("s") for part in parts if len(part) > 3 and part.isalpha()} - _COMMON


def choose_scenery(analysis: ConceptAnalysis, choice: StableChoice) -> tuple[Scene | None, Light]:
    """A scene that the concept points to, and a light that falls there and agrees with what the concept says.

    No scene when the concept names a place that the tables do not know, or when nothing in it points anywhere.
    """
    tables = built_in_details()
    scene = tables.scenes[choice.pick("scene", analysis.scenes)] if analysis.scenes else None
    lights = _lights(analysis, scene)
    return scene, lights[choice.number("light") % len(lights)]


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


@dataclass(frozen=True)
class Detail:
    """Something added to the concept: `kind` is place, medium, light, prop, view, scenery, palette ..."""

    kind: str
    text: str


def count_tokens(prompt: str) -> int:
    """More tokens than CLIP's tokenizer makes of English, start and end included: long words come in pieces."""
    return 2 + sum(1 if len(piece) <= 7 else 2 if len(piece) <= 11 else 3 for piece in encoder_pieces(prompt))


def assemble(analysis: ConceptAnalysis, details: Sequence[Detail]) -> str:
    """The expanded prompt: head, where, tail, and the other details, in the order given."""
    return templates.render(
        "prompts/offline.j2",
        head=analysis.head.rstrip(" .,;:") if details else analysis.head,
        where=[detail.text for detail in details if detail.kind in _WHERE],
        tail=analysis.tail,
        details=[detail.text for detail in details if detail.kind not in _WHERE],
    ).strip()


def fit(
    analysis: ConceptAnalysis, details: Sequence[Detail], token_limit: int, tokens: Callable[[str], int] = count_tokens
) -> tuple[str, list[Detail]]:
    """The prompt with as many of the details, in order, as `token_limit` takes, and those details.

    The concept itself is never cut, even when it alone is too long.
    """
    kept: list[Detail] = []
    prompt = assemble(analysis, kept)
    for detail in details:
        longer = assemble(analysis, [*kept, detail])
        if tokens(longer) <= token_limit and len(longer.split()) <= MAX_WORDS:
            kept.append(detail)
            prompt = longer
    return prompt, kept


def explain(detail: Detail, analysis: ConceptAnalysis, scene: Scene | None) -> str:
    """One sentence that says why the detail is there."""
    tables = built_in_details()
    return templates.render(
        "prompts/offline_reasons.j2",
        kind=detail.kind,
        detail=detail.text,
        topic=f"{indefinite_article(analysis.topic)} {analysis.topic}" if analysis.topic else "the subject",
        action=analysis.action,
        style=analysis.style,
        home=scene.home if scene else "",
        pointed=analysis.pointed,
        night=bool({analysis.topic, analysis.action} & set(tables.nocturnal)),
        because=tables.views[analysis.pace].because,
    ).strip()


def looked_up(analysis: ConceptAnalysis) -> tuple[str, ...]:
    """The warning for a translated concept with words from a dictionary: they are the ones to look over."""
    if not analysis.lookups:
        return ()
    words = ", ".join(f'{word.chinese} "{word.english}"' for word in analysis.lookups)
    return (
        Clause(
            "These words of the translation come from a dictionary: {words}. Where one is wrong, give the simple "
            "prompt yourself (--simple, or the page's own prompts).",
            words=words,
        ),
    )


def nothing_added(kept: Sequence[Detail], token_limit: int) -> tuple[str, ...]:
    """The warning for a concept that leaves no room."""
    if kept:
        return ()
    return (
        Clause(
            "The concept alone fills the {limit} tokens that the model reads, so nothing was added to it.",
            limit=token_limit,
        ),
    )
