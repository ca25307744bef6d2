"""The examination: which instruments look at a pair, and what all of them found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, JsonValue, ValidationError

from compare.instruments.attention import attention
from compare.instruments.blind import describe_blind
from compare.instruments.context import Bench
from compare.instruments.interpolation import morph
from compare.instruments.ladder import ladder
from compare.instruments.length_control import placebo
from compare.instruments.phrase_audit import audit
from compare.instruments.results import INSTRUMENTS, Findings
from compare.instruments.score_card import cards_of, clip_record, distances_of
from compare.instruments.seed_baseline import ruler
from compare.instruments.sweep import DEFAULT_SCHEDULERS, DEFAULT_STEPS, sweep
from compare.instruments.verdict import verdict_of
from generate.clip import Clip, default_clip, open_clip
from generate.models.open import OpenModel
from generate.render.batch import RenderError
from generate.settings import SettingsError
from ideation.errors import TwinseedError
from ideation.values import STRICT, StrictModel


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
                raise SettingsError(f"there is no instrument {name!r}", hint=f"choose from {', '.join(INSTRUMENTS)}")
        for name in self.options:
            self.options_of(name)

    def options_of(self, name: str) -> Any:
        """The options of an instrument, with the usual values for those that were not named."""
        try:
            return _OPTIONS[name].model_validate_json(json.dumps(self.options.get(name, {})))
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
            option = ".".join(map(str, problem["loc"]))
            known = ", ".join(_OPTIONS[name].model_fields) or "none"
            raise SettingsError(
                f"{name}.{option}: {problem['msg'].removeprefix('Value error, ')}", hint=f"options of {name}: {known}"
            ) from error


class NoOptions(StrictModel):
    """Of an instrument that can only be used in one way."""


class RulerOptions(StrictModel):
    seeds: Annotated[int, Field(ge=1, le=1000)] = 6


class MorphOptions(StrictModel):
    frames: Annotated[int, Field(ge=2, le=1000)] = 9


class SweepOptions(StrictModel):
    schedulers: tuple[str, ...] = DEFAULT_SCHEDULERS
    steps: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = DEFAULT_STEPS


class BlindOptions(StrictModel):
    expander: str = "auto"
    llm_model: str | None = None


_OPTIONS: dict[str, type[StrictModel]] = {
    "ruler": RulerOptions,
    "placebo": NoOptions,
    "ladder": NoOptions,
    "morph": MorphOptions,
    "attention": NoOptions,
    "sweep": SweepOptions,
    "blind": BlindOptions,
}

#: How each instrument is used, in the order of the table of their names.
WORK: dict[str, Callable[[Bench, Any, Mapping[str, str]], Any]] = {
    "ruler": lambda bench, wanted, _: ruler(bench, seeds=wanted.seeds),
    "placebo": lambda bench, *_: placebo(bench),
    "ladder": lambda bench, *_: ladder(bench),
    "morph": lambda bench, wanted, _: morph(bench, frames=wanted.frames),
    "attention": lambda bench, *_: attention(bench),
    "sweep": lambda bench, wanted, _: sweep(bench, wanted.schedulers, wanted.steps),
    "blind": lambda bench, wanted, environ: describe_blind(bench, wanted.expander, wanted.llm_model, environ),
}


class ExaminationStopped(Exception):
    """An examination that ended early, for `reason`; `findings` has what was found by then."""

    def __init__(self, findings: Findings, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.findings, self.reason = findings, reason


def open_scorer(
    wanted: Examination, model: OpenModel, environ: Mapping[str, str]
) -> tuple[Clip | None, tuple[str, ...]]:
    """The CLIP that is asked for, or None, and why there is none where that is to be said. Raises `TwinseedError`."""
    if wanted.clip == "none":
        return None, ()
    if wanted.clip != "auto":
        return open_clip(wanted.clip, model.device), ()
    choice = default_clip(model.name, environ)
    return (None, (choice.reason,)) if choice.name is None else (open_clip(choice.name, model.device), ())


def examine(
    bench: Bench,
    wanted: Examination,
    environ: Mapping[str, str],
    *,
    before: Findings | None = None,
    notes: tuple[str, ...] = (),
    on_instrument: Callable[[str], None] = lambda _: None,
    on_found: Callable[[Findings], None] = lambda _: None,
) -> Findings:
    """What the wanted instruments find on the bench, added to what was found `before`; their pictures are in
    `bench.files`. `environ` has the keys of whoever describes the pictures. `on_instrument` hears the name of each
    before it begins.

    Raises `ExaminationStopped`, whatever stopped it, so that nothing that was found is lost.
    """
    found: dict[str, Any] = {} if before is None else dict(before)
    found["notes"] = tuple(dict.fromkeys((*found.get("notes", ()), *notes)))
    try:
        on_instrument("scores")
        found["distances"] = distances_of(bench)
        if bench.clip is not None:
            found["clip"], found["cards"] = clip_record(bench), cards_of(bench)
        found["phrases"] = audit(bench)
        found["verdict"] = verdict_of(bench.prompts, found["distances"], found.get("cards", {}))
        for name in WORK:
            if name in wanted.instruments:
                on_instrument(name)
                found[name] = WORK[name](bench, wanted.options_of(name), environ)
                on_found(Findings(**found))
    except (TwinseedError, RenderError, KeyboardInterrupt) as reason:
        raise ExaminationStopped(Findings(**found), reason) from reason
    return Findings(**found)
