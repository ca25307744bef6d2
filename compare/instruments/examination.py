"""The examination: which instruments look at a pair, and what all of them found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict, JsonValue, ValidationError

from compare.instruments.context import Context
from compare.instruments.results import Findings
from compare.instruments.scores.phrase_audit import audit
from compare.instruments.scores.score_card import cards_of, clip_record
from compare.instruments.scores.unknown_words import unknown_to
from compare.instruments.scores.verdict import verdict_of
from compare.instruments.table import INSTRUMENTS
from generate.families import Family
from generate.models.suitability import check_looked_at
from generate.settings import RenderSettings, SettingsError
from ideation import PromptPair
from ideation.files import STRICT

if TYPE_CHECKING:  # both bring torch along, and an examination is asked for and stored without it
    from generate.clip import Clip
    from generate.models import OpenModel


@dataclass(frozen=True)
class Examination:
    """What is to be found out about a pair beyond its pictures.

    `clip` scores: "auto" takes the one that belongs to the model, "none" does without, anything else is a name, a
    folder or a hub id. `instruments` are names of `INSTRUMENTS`, for the things that take more pictures or another
    model; `options` are theirs, by instrument and by name. Raises `SettingsError` for what is not there.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    clip: str = "auto"
    instruments: tuple[str, ...] = ()
    options: dict[str, dict[str, JsonValue]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.instruments, *self.options):
            if name not in INSTRUMENTS:
                raise SettingsError(
                    "there is no instrument {name!r}",
                    hint="choose from {instruments}",
                    name=name,
                    instruments=", ".join(INSTRUMENTS),
                )
        for name in self.options:
            self.options_of(name)

    def options_of(self, name: str) -> Any:
        """The options of an instrument, with the usual values for those that were not named."""
        try:
            return INSTRUMENTS[name].options.model_validate_json(json.dumps(self.options.get(name, {})))
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
            option = ".".join(map(str, problem["loc"]))
            known = ", ".join(INSTRUMENTS[name].options.model_fields) or "none"
            raise SettingsError(
                "{name}.{option}: {removeprefix}",
                hint="options of {name}: {known}",
                name=name,
                option=option,
                removeprefix=problem["msg"].removeprefix("Value error, "),
                known=known,
            ) from error

    def require(self, environ: Mapping[str, str], found: Findings | None = None) -> None:
        """Raises `TwinseedError` where the CLIP, or one of the instruments, is sure to fail, whatever the pictures will
        be; not for what has `found` something already."""
        if found is None and self.clip not in ("auto", "none"):
            from generate.clip import require_clip

            require_clip(self.clip)
        for name in self.instruments:
            if found is None or name not in found.results:
                INSTRUMENTS[name].require(self.options_of(name), environ)

    def require_family(self, family: Family, settings: RenderSettings) -> None:
        """Raises `SettingsError` where one of the instruments takes what the family's models have not, or what they
        have not with these settings."""
        for name in self.instruments:
            if INSTRUMENTS[name].looks_inside:
                check_looked_at(settings)
            if INSTRUMENTS[name].looks_inside and family.in_turn is not None and family.in_turn.attends is None:
                raise SettingsError(
                    "{name} looks at how words and picture meet inside a model, which is not done in {title}",
                    hint="leave it out for this model: --with takes the other instruments",
                    name=name,
                    title=family.title,
                )
            if INSTRUMENTS[name].mixes_prompts and family.in_turn is not None and family.in_turn.mixed is None:
                raise SettingsError(
                    "{title} has no way from one prompt to another: each is read as a text of its own length",
                    hint="leave the interpolation out for this model",
                    title=family.title,
                )

    def steps(self, prompts: PromptPair, settings: RenderSettings) -> int:
        """About how many denoising steps of two pictures the instruments take, for an estimate of the time.

        >>> Examination(instruments=("ruler", "blind"), options={"ruler": {"seeds": 5}}).steps(None, RenderSettings())
        40
        """
        return sum(INSTRUMENTS[name].steps(self.options_of(name), prompts, settings) for name in self.instruments)


class ExaminationStopped(Exception):
    """An examination that ended early, for `reason`; `findings` has what was found by then."""

    def __init__(self, findings: Findings, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.findings, self.reason = findings, reason


def open_scorer(
    wanted: Examination, model: OpenModel, environ: Mapping[str, str]
) -> tuple[Clip | None, tuple[str, ...]]:
    """The CLIP that is asked for, or None, and why there is none where that is to be said. Raises `TwinseedError`."""
    from generate.clip import default_clip, open_clip

    if wanted.clip == "none":
        return None, ()
    if wanted.clip != "auto":
        return open_clip(wanted.clip, model.device), ()
    choice = default_clip(model.name, environ)
    return (None, (choice.reason,)) if choice.name is None else (open_clip(choice.name, model.device), ())


def examine(
    context: Context,
    wanted: Examination,
    *,
    before: Findings | None = None,
    notes: tuple[str, ...] = (),
    on_instrument: Callable[[str], None] = lambda _: None,
    on_found: Callable[[Findings], None] = lambda _: None,
) -> Findings:
    """What the wanted instruments find, added to what was found `before`; their pictures are in `context.files`.

    `on_instrument` hears the name of each before it begins ("scores" first), `on_found` gets all findings so far after
    each. Raises `ExaminationStopped`, whatever stopped it, so that nothing that was found is lost.
    """
    found: dict[str, Any] = {} if before is None else dict(before)
    found["notes"] = tuple(dict.fromkeys((*found.get("notes", ()), *notes)))
    try:
        on_instrument("scores")
        found |= _scores(context, found)  # all of them or none, for the verdict is on those beside it
        on_found(Findings(**found))
        for name, instrument in INSTRUMENTS.items():
            if name in wanted.instruments:
                on_instrument(name)
                found[name] = instrument.measure(context, wanted.options_of(name))
                on_found(Findings(**found))
    except BaseException as reason:
        raise ExaminationStopped(Findings(**found), reason) from reason
    return Findings(**found)


def _scores(context: Context, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is found out about every pair. The score cards of `before` stay where no CLIP is there to look again."""
    distances = context.distances()
    clip, cards = before.get("clip"), before.get("cards", {})
    if context.clip is not None:
        clip, cards = clip_record(context), cards_of(context)
    unknown = unknown_to(context.prompts.simple, context.settings.model, None if clip is None else clip.name)
    return {
        "distances": distances,
        "clip": clip,
        "cards": cards,
        "phrases": audit(context),
        "verdict": verdict_of(context.prompts, distances, cards, unknown),
    }
