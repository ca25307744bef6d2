"""The examination: which instruments look at a pair, and what all of them found."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
from generate.schedulers.table import find_scheduler
from generate.settings import SettingsError
from ideation.errors import TwinseedError


@dataclass(frozen=True)
class Examination:
    """What is to be found out about a pair beyond its pictures.

    `clip` scores: "auto" takes the one that belongs to the model, "none" does without, anything else is a name, a
    folder or a hub id. `instruments` are names of `INSTRUMENTS`, for the things that take more pictures or another
    model; the others are their settings. `describer` is the expander that describes the pictures blind.
    """

    clip: str = "auto"
    instruments: tuple[str, ...] = ()
    ruler_seeds: int = 6
    morph_frames: int = 9
    sweep_schedulers: tuple[str, ...] = DEFAULT_SCHEDULERS
    sweep_steps: tuple[int, ...] = DEFAULT_STEPS
    describer: str = "auto"
    llm_model: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __post_init__(self) -> None:
        for name in self.instruments:
            if name not in INSTRUMENTS:
                raise SettingsError(f"there is no instrument {name!r}", hint=f"choose from {', '.join(INSTRUMENTS)}")
        for scheduler in self.sweep_schedulers:
            find_scheduler(scheduler)


#: How each instrument is used, in the order of the table of their names.
WORK: dict[str, Callable[[Bench, Examination], Any]] = {
    "ruler": lambda bench, wanted: ruler(bench, seeds=wanted.ruler_seeds),
    "placebo": lambda bench, _: placebo(bench),
    "ladder": lambda bench, _: ladder(bench),
    "morph": lambda bench, wanted: morph(bench, frames=wanted.morph_frames),
    "attention": lambda bench, _: attention(bench),
    "sweep": lambda bench, wanted: sweep(bench, wanted.sweep_schedulers, wanted.sweep_steps),
    "blind": lambda bench, wanted: describe_blind(bench, wanted.describer, wanted.llm_model, wanted.environ),
}


class ExaminationStopped(Exception):
    """An examination that ended early, for `reason`; `findings` has what was found by then."""

    def __init__(self, findings: Findings, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.findings, self.reason = findings, reason


def open_scorer(wanted: Examination, model: OpenModel) -> tuple[Clip | None, tuple[str, ...]]:
    """The CLIP that is asked for, or None, and why there is none where that is to be said. Raises `TwinseedError`."""
    if wanted.clip == "none":
        return None, ()
    if wanted.clip != "auto":
        return open_clip(wanted.clip, model.device), ()
    choice = default_clip(model.name, wanted.environ)
    return (None, (choice.reason,)) if choice.name is None else (open_clip(choice.name, model.device), ())


def examine(
    bench: Bench,
    wanted: Examination,
    *,
    before: Findings | None = None,
    notes: tuple[str, ...] = (),
    on_instrument: Callable[[str], None] = lambda _: None,
) -> Findings:
    """What the wanted instruments find on the bench, added to what was found `before`; their pictures are in
    `bench.files`. `on_instrument` hears the name of each before it begins.

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
                found[name] = WORK[name](bench, wanted)
    except (TwinseedError, RenderError, KeyboardInterrupt) as reason:
        raise ExaminationStopped(Findings(**found), reason) from reason
    return Findings(**found)
