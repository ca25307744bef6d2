"""The offline expander: templates and word tables; no LLM, no network, the same answer for the same seed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import templates
from ideation.expanders.offline.concept_analysis import ConceptAnalysis, analyze
from ideation.expanders.offline.details import Light, Medium, Scene, built_in_details, phrase_pattern
from ideation.expanders.offline.prompt_builder import (
    Detail,
    StableChoice,
    choose_scenery,
    explain,
    fit,
    looked_up,
    nothing_added,
)
from ideation.expanders.offline.seedling import draft_for_seedling
from ideation.expanders.protocol import DraftedPrompts, DraftRequest

_NO_STYLE = Medium(
    family="picture", medium=("fine natural detail", "rich lifelike texture", "carefully observed surfaces")
)

#: Words that tint a light although they do not count as a colour of the subject.
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

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """The draft for this concept and seed: always the same one, and another for another seed."""
        analysis = analyze(request.concept)
        choice = StableChoice(request.seed, analysis.text)
        if request.vocabulary:
            return draft_for_seedling(request, request.vocabulary, analysis, choice)
        medium = built_in_details().media.get(analysis.style or "", _NO_STYLE)
        scene, light = choose_scenery(analysis, choice)
        expanded, kept = fit(analysis, _details(analysis, medium, scene, light, choice), request.token_limit)
        return DraftedPrompts(
            language=request.concept.language,
            simple=analysis.text,
            expanded=expanded,
            negative=_negative(analysis, medium, expanded),
            reasons=tuple(explain(detail, analysis, scene) for detail in kept),
            warnings=looked_up(analysis) + nothing_added(kept, request.token_limit),
        )


def _details(
    analysis: ConceptAnalysis, medium: Medium, scene: Scene | None, light: Light, choice: StableChoice
) -> list[Detail]:
    """All details that fit and that the concept has not said, the most important first; none repeats a word."""
    tables = built_in_details()
    note = tables.actions.get(analysis.action or "")
    surface = "medium" if analysis.style else "finish"
    options: list[tuple[str, Sequence[str]]] = [
        ("place", note.places if note and note.places else scene.places if scene else ()),
        (surface, medium.medium),
        ("light", _light_phrases(light, medium)),
        ("prop", note.details if note else ()),
        ("view", getattr(tables.views[analysis.pace], medium.family)),
        # An action with places of its own is not quite where its scene is, and brings its own things along.
        ("prop", note.details) if note and note.places else ("scenery", scene.details if scene else ()),
        ("palette", light.palette if medium.colours == "fitting" else ()),
        (surface, medium.medium if analysis.style else ()),
        ("mood", tables.moods[analysis.pace if note else "plain"]),
    ]
    details: list[Detail] = []
    for number, (kind, phrases) in enumerate(options):
        if kind not in analysis.said and not (kind == "palette" and "colour" in analysis.said):
            # The medium may well repeat the name of the style: wood carving, flowing wood grain.
            so_far = [analysis.head if kind == surface else analysis.text, *(detail.text for detail in details)]
            chosen = choice.fresh(f"{kind} {number}", phrases, so_far)
            if chosen:
                details.append(Detail(kind, chosen))
    return details


def _light_phrases(light: Light, medium: Medium) -> Sequence[str]:
    if medium.family == "flat":
        return light.sign
    if medium.colours == "fitting":
        return light.light
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
    return templates.render("prompts/offline_negative.j2", unwanted=unwanted).strip()
