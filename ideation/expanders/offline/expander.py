"""The offline expander: templates and word tables; no LLM, no network, the same answer for the same seed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import templates
from ideation.concept import Concept
from ideation.expanders.offline.concept_analysis import (
    MOST_WORDS_FOR_A_MOOD,
    MOST_WORDS_FOR_A_PLACE,
    ConceptAnalysis,
    analyze,
    realm_of,
)
from ideation.expanders.offline.details import (
    Family,
    Light,
    Medium,
    Realm,
    SubjectKind,
    built_in_details,
    phrase_pattern,
)
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
from ideation.expanders.offline.seedling import draft_for_seedling
from ideation.expanders.protocol import DraftedPrompts, DraftRequest
from ideation.expanders.target import Manner

_NO_STYLE = Medium(
    family="picture", medium=("fine natural detail", "rich lifelike texture", "carefully observed surfaces")
)

#: Words that tint a light although they do not count as a colour of the subject.
_ON_A_TABLE = re.compile(r"\b(?:flat lay|table height|overhead|still-life)\b")
_STUDIO = re.compile(r"\b(?:studio|product|box light)\b")

_TINTS = ("silvery", "honey-colored", "colored", "neon", "blue-hour")


class OfflineExpander:
    """Adds setting, medium, light, props, view and colours that fit the words of the concept.

    Reads English and Chinese; raises `TranslationError` for other languages, and what `ideation.chinese.translate`
    raises.
    For a request with a vocabulary (the embedded model) every added word is one of that vocabulary.
    """

    @property
    def name(self) -> str:
        return "offline"

    @property
    def llm_model(self) -> str | None:
        return None

    def require_readable(self, concept: Concept) -> None:
        """Raises as `draft` does, for a concept in words that it cannot read."""
        analyze(concept)

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """The draft for this concept and seed: always the same one, and another for another seed."""
        analysis = analyze(request.concept)
        choice = StableChoice(request.seed, analysis.text)
        if request.vocabulary:
            return draft_for_seedling(request, request.vocabulary, analysis, choice)
        medium = built_in_details().media.get(analysis.style or "", _NO_STYLE)
        place, light = choose_scenery(analysis, choice)
        scene = built_in_details().scenes[place] if place else None
        manner: Manner = request.target.manner if request.target else "phrases"
        details = _details(analysis, medium, place, light, choice, manner)
        expanded, kept = fit(analysis, details, request.token_limit, target=request.target)
        return DraftedPrompts(
            language=request.concept.language,
            simple=analysis.text,
            expanded=expanded,
            negative=_negative(analysis, medium, expanded),
            reasons=tuple(explain(detail, analysis, scene) for detail in kept),
            warnings=looked_up(analysis) + nothing_added(kept, request.token_limit),
        )


def _details(
    analysis: ConceptAnalysis,
    medium: Medium,
    place: str | None,
    light: Light | None,
    choice: StableChoice,
    manner: Manner,
) -> list[Detail]:
    """All details that fit and that the concept has not said, the most important first; none repeats a word."""
    tables = built_in_details()
    note = tables.actions.get(analysis.action or "")
    kind = tables.kinds.get(analysis.kind)
    scene = tables.scenes[place] if place else None
    surface = "medium" if analysis.style else "finish"
    # Of a text that describes its picture itself, or shows something that is drawn, we know no scenery.
    brief = analysis.words <= MOST_WORDS_FOR_A_PLACE and not analysis.said & {"view", "empty", "absence"}
    seen = scene.details if scene and brief else ()
    options: list[tuple[str, Sequence[str]]] = [
        ("place", note.places if note and note.places else scene.places if scene else ()),
        (surface, medium.medium if analysis.style else kind.look if kind else _NO_STYLE.medium),
        ("light", _light_phrases(light, medium) if light else ()),
        ("prop", note.details if note else ()),
        ("view", _view_phrases(analysis, medium, kind)),
        # An action with places of its own is not quite where its scene is, and brings its own things along.
        ("prop", note.details) if note and note.places else ("scenery", seen),
        ("palette", light.palette if light and medium.colours == "fitting" and _shows_colours(analysis) else ()),
        (surface, medium.medium if analysis.style else kind.look if kind else ()),
        ("mood", _mood_phrases(analysis, kind)),
    ]
    if manner == "sentences":  # a paragraph has room for more to see
        options += [
            ("prop", note.details if note else ()),
            ("scenery", seen),
            ("scenery", seen),
            (surface, options[1][1]),
        ]
    realm = realm_of(place) if place else None
    details: list[Detail] = []
    for number, (name, phrases) in enumerate(options):
        if name not in analysis.said and not (name == "palette" and "colour" in analysis.said):
            # The medium may well repeat the name of the style: wood carving, flowing wood grain.
            before = [detail.text for detail in details]
            so_far = [analysis.text, *before]
            if name == surface and not without_repeats(phrases, so_far):
                so_far = [analysis.head, *before]
            agreeing = [phrase for phrase in phrases if analysis.facts.allow(phrase, realm)]
            if name == "medium":  # a style is what was asked for
                agreeing = agreeing or list(phrases)
            chosen = choice.fresh(f"{name} {number}", agreeing, so_far)
            if chosen:
                details.append(Detail(name, chosen))
    if manner == "sentences":
        lit = any(detail.kind == "light" for detail in details)
        details += _paragraph(analysis, medium, realm or analysis.facts.realm, choice, lit=lit)
    return details


def _paragraph(
    analysis: ConceptAnalysis, medium: Medium, realm: Realm | None, choice: StableChoice, *, lit: bool
) -> list[Detail]:
    """Whole sentences on how what is there lies in the picture, is lit and looks, the most telling first."""
    tables = built_in_details().paragraphs
    flat = medium.family == "flat" or analysis.kind in ("graphic", "idea")
    family: Family = "flat" if flat else medium.family
    kind = built_in_details().kinds.get(analysis.kind)
    # Neither what is flat nor what is seen from above is deep, and where a thing lies there is no room around it.
    deep = not flat and "overhead" not in analysis.said and (kind is None or kind.mood)
    options: list[tuple[str, Sequence[str]]] = [
        ("depth", tables.depth.get(realm or "", ()) if deep else ()),
        ("fall", tables.fall if lit and not flat else ()),
        ("texture", tables.texture[family]),
        ("layout", tables.layout[analysis.pace] if not analysis.said & {"view", "order"} else ()),
        ("depth", tables.depth[""]),
        *[("whole", tables.whole)] * len(tables.whole),
    ]
    told = list[Detail]()
    for name, sentences in options:
        if name == "whole" or name not in {one.kind for one in told}:
            said = {one.text for one in told}
            agreeing = [one for one in sentences if one not in said and analysis.facts.allow(one, realm)]
            if agreeing:
                told.append(Detail(name, choice.pick(f"{name} {len(told)}", agreeing)))
    return told


def _view_phrases(analysis: ConceptAnalysis, medium: Medium, kind: SubjectKind | None) -> Sequence[str]:
    """How the picture is framed: by how the action moves, or as such a subject is best shown. Where the concept
    arranges things itself, nothing that would arrange them otherwise."""
    tables = built_in_details()
    if "order" in analysis.said or analysis.words > MOST_WORDS_FOR_A_MOOD or (kind is None and not analysis.subject):
        return tables.kinds["scene"].view
    if kind is not None and (analysis.pace == "still" or not kind.mood):
        shown = kind.view if medium.family in ("lens", "picture") else kind.view[-1:]
        if "place" in analysis.said or analysis.pace != "still":  # apples on a tree lie on no table
            return [view for view in shown if not _ON_A_TABLE.search(view)] or tables.kinds["scene"].view
        return shown
    phrases: Sequence[str] = getattr(tables.views[analysis.pace], medium.family)
    return phrases


def _mood_phrases(analysis: ConceptAnalysis, kind: SubjectKind | None) -> Sequence[str]:
    tables = built_in_details()
    if (
        analysis.words > MOST_WORDS_FOR_A_MOOD
        or (kind is not None and not kind.mood)
        or (kind is None and not analysis.subject)
    ):
        return ()
    return tables.moods[analysis.pace if analysis.action or analysis.pace != "still" else "plain"]


def _shows_colours(analysis: ConceptAnalysis) -> bool:
    """A palette is for a scene that we know; what a thing is made of has colours of its own."""
    return bool(analysis.subject) or (bool(analysis.scenes) and analysis.words <= MOST_WORDS_FOR_A_PLACE)


def _light_phrases(light: Light, medium: Medium) -> Sequence[str]:
    if medium.family == "flat":
        return light.sign
    if medium.colours == "fitting":
        # A box light is what a photographer has.
        return [
            phrase
            for phrase in light.light
            if medium.family == "lens" or medium is _NO_STYLE or not _STUDIO.search(phrase)
        ]
    tinted = phrase_pattern((*built_in_details().said["colour"], *_TINTS))
    return [phrase for phrase in light.light if not tinted.search(phrase)] or light.sign


def _negative(analysis: ConceptAnalysis, medium: Medium, expanded: str) -> str:
    """A short negative prompt that does not speak against anything in the prompt."""
    unwanted = []
    for entry in built_in_details().negatives:
        any_family = len(entry.family) == 4
        if medium.family not in entry.family or (medium is _NO_STYLE and not any_family):
            continue
        if entry.colourless and (medium.colours != "none" or "colour" in analysis.said):
            continue
        if not any(re.search(rf"(?<!\w){re.escape(start)}", expanded, re.IGNORECASE) for start in entry.unless):
            unwanted.append(entry.say)
    return templates.render("prompts/offline/negative.j2", unwanted=unwanted).strip()
