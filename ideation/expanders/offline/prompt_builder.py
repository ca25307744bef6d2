"""The prompt builder: what is chosen for a concept, and put together into a prompt that the encoder can read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import templates
from ideation.english import GLUE, indefinite_article, plain_words, same, stem, with_article
from ideation.errors import Clause
from ideation.expanders.offline.concept_analysis import ConceptAnalysis
from ideation.expanders.offline.details import Light, Realm, Scene, built_in_details
from ideation.expanders.target import Manner, PromptTarget
from ideation.prompt import estimated_tokens

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


#: A snowstorm is snow, and moonlight comes from the moon.
_COMPOUND = re.compile(r"(?:snow|rain|moon|star|candle|lamp)(?=\w{3})")


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    """The stems of the words of four letters and more, and of words that mean the same: enough to see that a prompt
    says something twice."""
    words = [part for part in plain_words(text) if len(part) > 3 and part not in GLUE and part not in _COMMON]
    parts = [*words, *(match.group() for word in words if (match := _COMPOUND.match(word)))]
    return frozenset(other for part in parts for other in same(stem(part)))


def choose_scenery(analysis: ConceptAnalysis, choice: StableChoice) -> tuple[str | None, Light | None]:
    """A scene that the concept points to, and a light that falls there and agrees with what the concept says.

    No scene when the concept names a place that the tables do not know, or when nothing in it points anywhere. No light
    where none agrees.
    """
    tables = built_in_details()
    name = choice.pick("scene", analysis.scenes) if analysis.scenes else None
    lights = _lights(analysis, tables.scenes[name] if name else None)
    return name, lights[choice.number("light") % len(lights)] if lights else None


#: The lights of a place of which only the realm is known.
_REALM_LIGHTS: dict[Realm | None, tuple[str, ...]] = {
    "indoors": ("room",),
    "outdoors": ("day", "golden", "dusk"),
    "under water": ("underwater",),
    "space": ("space",),
    None: ("plain",),
}
_TIMES: dict[str, tuple[str, ...]] = {"night": ("night",), "dusk": ("dusk",), "dawn": ("dusk", "day"), "day": ("day",)}


def _lights(analysis: ConceptAnalysis, scene: Scene | None) -> list[Light]:
    """The lights to choose from: the usual ones of the place that agree with the concept, else any that agrees."""
    tables = built_in_details()
    kind = tables.kinds.get(analysis.kind)
    realm = analysis.facts.realm or (kind.realm if kind and not analysis.facts.realms else None)
    if scene:
        realm = "indoors" if scene.indoor else "outdoors"
    if kind and not kind.light:
        return []
    if not scene and kind and not kind.mood and kind.realm is None:
        realm = None  # where a thing lies, its own light is all that we can tell
    usual = [tables.lights[name] for name in (scene.lights if scene else _REALM_LIGHTS[realm])]
    if scene and not any(light.time or light.weather for light in usual):
        return usual  # under water and in space there is neither night nor rain
    note = tables.actions.get(analysis.action or "")
    said = [w for w in ("storm", "rain", "snow", "fog", "cloud") if w in analysis.said]
    weather = said[0] if said else note.weather if note else None
    times = [time for time in _TIMES if time in analysis.said]
    medium = tables.media.get(analysis.style or "")
    nocturnal = {analysis.topic, analysis.action} & set(tables.nocturnal)
    # Two times at once ("the moon in the daytime sky") leave none that would agree.
    stated: tuple[str, ...] = tuple(sorted({t for time in times for t in _TIMES[time]})) if len(times) == 1 else ()
    if len(times) > 1 and set(times) != {"dawn", "day"}:
        return [tables.lights["plain"]]
    if analysis.subject is None:  # who types a concept without a time does not expect the night
        usual = [light for light in usual if light.time != "night" or "night" in stated] or usual
    wanted = stated or (("night",) if nocturnal else (medium.time,) if medium and medium.time else ())
    if note and note.dry and not weather:
        usual = [light for light in usual if light.weather not in ("rain", "snow")] or usual

    def agrees(light: Light) -> bool:
        same_weather = light.weather == weather or not (weather or stated)
        return same_weather and (not wanted or light.time in wanted)

    fitting = [light for light in usual if agrees(light)]
    if not fitting and (weather or stated or not (scene and scene.indoor)) and realm != "indoors":
        every = [light for light in tables.lights.values() if light.open_air and light.weather == weather]
        fitting = [light for light in every if agrees(light)]
    if fitting:
        return fitting
    return [] if stated or weather else usual


@dataclass(frozen=True)
class Detail:
    """Something added to the concept: `kind` is place, medium, light, prop, view, scenery, palette ..."""

    kind: str
    text: str


def assemble(analysis: ConceptAnalysis, details: Sequence[Detail], manner: Manner = "phrases") -> str:
    """The expanded prompt: head, where, tail, and the other details, in the order given, as phrases or in sentences."""
    rest = [detail for detail in details if detail.kind not in _WHERE]
    told = {
        "head": analysis.head.rstrip(" .,;:") if details else analysis.head,
        "where": [detail.text for detail in details if detail.kind in _WHERE],
        "tail": analysis.tail.rstrip(" .,;:") if details else analysis.tail,
    }
    if manner == "phrases" or not details:
        return templates.render("prompts/offline/phrases.j2", **told, details=[detail.text for detail in rest]).strip()
    by_kind = {kind: [detail.text for detail in rest if detail.kind in kinds] for kind, kinds in _SENTENCES.items()}
    by_kind["uses"] = [
        view if _WITHOUT_ARTICLE.match(view) else with_article(view)
        for view in by_kind["view"]
        if not _PARTICIPLE.match(view)
    ]
    by_kind["everything"] = [view for view in by_kind["view"] if _PARTICIPLE.match(view)]
    return " ".join(templates.render("prompts/offline/sentences.j2", **told, **by_kind).split())


#: Details that are sentences already, for prompts that would be too short without them.
PARAGRAPH = ("depth", "fall", "texture", "layout", "whole")

#: Which details each sentence is made of.
_SENTENCES = {
    "medium": ("medium", "finish"),
    "light": ("light",),
    "seen": ("prop", "scenery"),
    "view": ("view",),
    "palette": ("palette",),
    "mood": ("mood",),
    **{kind: (kind,) for kind in PARAGRAPH},
}
_WITHOUT_ARTICLE = re.compile(r"(?:\w+ )?(?:lines|curves|shapes|empty space)\b|plenty of\b")
_PARTICIPLE = re.compile(r"(?:seen|caught|framed|posed|tilted|stacked)\b")


def fit(
    analysis: ConceptAnalysis,
    details: Sequence[Detail],
    token_limit: int,
    tokens: Callable[[str], int] = estimated_tokens,
    target: PromptTarget | None = None,
) -> tuple[str, list[Detail]]:
    """The prompt with as many of the details, in order, as `token_limit` takes, and those details; of whole sentences
    so many as it wants to be long enough for the `target`.

    The concept itself is never cut, even when it alone is too long.
    """
    kept: list[Detail] = []
    manner: Manner = target.manner if target else "phrases"
    most_words, least_words = (target.words, target.least_words) if target else (MAX_WORDS, 0)
    prompt = assemble(analysis, kept, manner)
    for detail in details:
        if detail.kind in PARAGRAPH and len(prompt.split()) >= least_words:
            continue
        longer = assemble(analysis, [*kept, detail], manner)
        if tokens(longer) <= token_limit and len(longer.split()) <= most_words:
            kept.append(detail)
            prompt = longer
    return prompt, kept


def explain(detail: Detail, analysis: ConceptAnalysis, scene: Scene | None) -> str:
    """One sentence that says why the detail is there."""
    tables = built_in_details()
    return templates.render(
        "prompts/offline/reasons.j2",
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
    """The warnings for a translated concept: what of it is to be looked over."""
    if analysis.translation is None:
        return ()
    warnings = []
    if lookups := analysis.translation.lookups:
        warnings.append(
            Clause(
                "These words of the translation come from a dictionary: {words}. Where one is wrong, give the simple "
                "prompt yourself (--simple, or the page's own prompts).",
                words=", ".join(f'{word.chinese} "{word.english}"' for word in lookups),
            )
        )
    if doubtful := analysis.translation.doubtful:
        warnings.append(
            Clause(
                "This could be read in another way as well: {parts}. Where the English is wrong, give the simple "
                "prompt yourself (--simple, or the page's own prompts).",
                parts=", ".join(doubtful),
            )
        )
    return tuple(warnings)


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
