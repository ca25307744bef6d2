"""A study that needs no model: a plan, and made-up outcomes of its units, with drawn pictures where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sample_run import drawing

from compare.request import PairOptions, PairRequest
from compare.study import Outcome, Plan, StudyConcept, Unit, arms_of
from compare.study.concepts import ConceptSource
from compare.study.design import planned
from compare.study.scores import SeedScores, UnitScores
from ideation import typed_concept

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def sample_plan(
    concepts: int = 12,
    *,
    arms: str = "simple,offline",
    seeds: int = 2,
    categories: int = 1,
    judges: tuple[str, ...] = (),
) -> Plan:
    source = ConceptSource(
        tuple(
            StudyConcept(
                concept=typed_concept(f"a dog on hill number {number}"),
                category=f"hills {number % categories}" if categories > 1 else None,
            )
            for number in range(concepts)
        ),
        "made up",
    )
    request, _ = PairRequest.from_options(PairOptions(concept=source.concepts[0].concept.text, seed="7", steps=2))
    return planned(
        source,
        request,
        arms=arms_of(arms),
        models=("seedling",),
        seeds=seeds,
        judges=judges,
        twinseed="0.1.0",
        now=NOW,
    )


def sample_scores(unit: Unit, rng: np.random.Generator, effect: float) -> UnitScores:
    seeds = []
    for seed in unit.request.settings.seeds:
        simple = 0.3 + 0.02 * float(rng.normal())
        change = effect + 0.02 * float(rng.normal())
        seeds.append(
            SeedScores(
                seed=seed,
                simple=f"simple-{seed}.png",
                expanded=f"expanded-{seed}.png",
                values={
                    "intent": (simple, simple + change),
                    "gain": (0.1, 0.2 + change),
                    "distance": (0.0, 0.15),
                },
            )
        )
    return UnitScores(
        simple=unit.request.concept.text,
        expanded=f"{unit.request.concept.text}, at dawn",
        negative="",
        expander=unit.arm,
        llm_model=None,
        clip="seedling",
        fair=True,
        lost=(),
        tokens=12,
        seconds=1.0,
        seeds=tuple(seeds),
        values={"tokens": (8.0, 12.0), "cut": (0.0, 0.0), "diversity": (0.2, 0.21)},
    )


def sample_outcomes(plan: Plan, effect: float = -0.03) -> dict[str, Outcome]:
    rng = np.random.default_rng(5)
    return {
        unit.name: Outcome(
            unit=unit.name,
            concept=unit.concept,
            arm=unit.arm,
            model=unit.model,
            status="done",
            at=NOW,
            rendered=True,
            scores=sample_scores(unit, rng, effect),
        )
        for unit in plan.units()
    }


def draw_pictures(runs: Path, plan: Plan) -> Iterator[Path]:
    """Pictures of all units where a store would have them."""
    for unit in plan.units():
        folder = runs / unit.name
        folder.mkdir(parents=True)
        for seed in unit.request.settings.seeds:
            for arm in ("simple", "expanded"):
                drawing(arm, seed, (64, 64)).save(folder / f"{arm}-{seed}.png")
        yield folder
