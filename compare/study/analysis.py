"""The analysis of a study: its plan and what became of its units in, answers with their intervals out. Nothing is
rendered and no model is opened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from compare.statistics import PairedResult, Power, cluster_means, clusters_needed, holm, paired
from compare.study.design import PRIMARY, Plan, StudyArm
from compare.study.scores import METRICS, UnitScores, measure_of
from compare.study.store import Outcome

#: Where among all concepts, from the most lost to the most won, examples are taken: not the best ones.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Answer:
    """What the data say to one question. `category` is None for all concepts; `added` is whether arm, model or judge
    came into the plan afterwards. Without a test (`Metric.tested`), the result's p-values are None."""

    arm: str
    model: str
    metric: str
    category: str | None
    primary: bool
    added: bool
    simple: float
    expanded: float
    result: PairedResult


@dataclass(frozen=True)
class Place:
    """Where an arm stands among several, by the primary metric: it is beaten by `behind` others and beats `ahead` after
    a correction for all comparisons, so its rank is anything from `behind + 1` to their number less `ahead`."""

    arm: str
    model: str
    mean: float
    low: float | None
    high: float | None
    best_rank: int
    worst_rank: int


@dataclass(frozen=True)
class Unchanged:
    """The concepts to which an arm added nothing, so that both prompts are one: their number among the `measured` ones.
    They stay in the analysis with the difference that they have, which is none, because adding nothing is what that arm
    does with them. `without` is the primary answer on the others alone, None where there are no others."""

    arm: str
    model: str
    concepts: int
    measured: int
    without: PairedResult | None


@dataclass(frozen=True)
class FunnelStep:
    """So many units came so far; `lost` says why the others did not, with how many each."""

    name: str
    units: int
    lost: dict[str, int]


@dataclass(frozen=True)
class Example:
    """A concept at one of the quantiles of an arm's differences, and the pictures of its first seed."""

    quantile: float
    arm: str
    model: str
    concept: int
    text: str
    difference: float
    unit: str
    simple_prompt: str
    expanded_prompt: str
    simple: str
    expanded: str


@dataclass(frozen=True)
class ConceptValue:
    """A concept's means of one metric under an arm."""

    concept: int
    category: str | None
    simple: float
    expanded: float

    @property
    def difference(self) -> float:
        return self.expanded - self.simple


@dataclass(frozen=True)
class Analysis:
    """All that a study says. `values` are the concepts' means, by (model, arm, metric)."""

    digest: str
    concepts: int
    pairs: int
    answers: tuple[Answer, ...]
    places: tuple[Place, ...]
    power: dict[str, Power]
    funnel: tuple[FunnelStep, ...]
    unchanged: tuple[Unchanged, ...]
    examples: tuple[Example, ...]
    failed: tuple[Outcome, ...]
    added_concepts: int
    values: Mapping[tuple[str, str, str], tuple[ConceptValue, ...]]

    def answer(self, arm: str, model: str, metric: str = PRIMARY) -> Answer | None:
        """The answer for all concepts, if the metric was measured."""
        return next(
            (
                one
                for one in self.answers
                if (one.arm, one.model, one.metric, one.category) == (arm, model, metric, None)
            ),
            None,
        )

    def unchanged_by(self, arm: str, model: str) -> Unchanged | None:
        """The concepts to which that arm added nothing, if there are any."""
        return next((one for one in self.unchanged if (one.arm, one.model) == (arm, model)), None)

    def to_json(self) -> dict[str, Any]:
        """Everything but the single values, which are in the table of scores."""
        return {
            "digest": self.digest,
            "concepts": self.concepts,
            "pairs": self.pairs,
            "answers": [asdict(one) | {"outcome": one.result.outcome} for one in self.answers],
            "ranking": [asdict(one) for one in self.places],
            "power": {name: asdict(one) for name, one in self.power.items()},
            "funnel": [asdict(one) for one in self.funnel],
            "unchanged": [
                asdict(one) | {"outcome": None if one.without is None else one.without.outcome}
                for one in self.unchanged
            ],
            "examples": [asdict(one) for one in self.examples],
            "failed": [json.loads(one.model_dump_json(exclude={"scores"})) for one in self.failed],
            "added_concepts": self.added_concepts,
        }


def analyse(plan: Plan, outcomes: Iterable[Outcome]) -> Analysis:
    """What the outcomes say to the plan's questions. Units that are not fair or not measured are left out, and counted
    in the funnel."""
    found = {(one.model, one.arm, one.concept): one for one in outcomes}
    rng = np.random.default_rng(plan.analysis.resampling_seed)
    values: dict[tuple[str, str, str], tuple[ConceptValue, ...]] = {}
    for model in plan.models:
        for arm in plan.arms:
            of_arm = {
                one.concept: one.scores
                for one in found.values()
                if (one.model, one.arm) == (model, arm.name) and one.scores is not None and one.scores.fair
            }
            for metric in plan.metrics:
                known = tuple(_values(plan, metric, of_arm))
                if known:
                    values[model, arm.name, metric] = known
    answers = _corrected(list(_answers(plan, values, rng)))
    examples = [
        example for model in plan.models for arm in plan.arms for example in _examples(plan, arm, model, values, found)
    ]
    power = {
        f"{arm}@{model}": clusters_needed([one.difference for one in known], rng)
        for (model, arm, metric), known in values.items()
        if metric == PRIMARY and len(known) >= plan.analysis.fewest_concepts
    }
    return Analysis(
        digest=plan.digest,
        concepts=len(plan.concepts),
        pairs=plan.pairs,
        answers=tuple(answers),
        places=tuple(_places(plan, values, answers, rng)),
        power=power,
        funnel=_funnel(plan, list(found.values())),
        unchanged=tuple(_unchanged(values, found, rng)),
        examples=tuple(examples),
        failed=tuple(one for one in found.values() if one.status == "failed"),
        added_concepts=sum(plan.was_added(concept=concept) for concept in range(len(plan.concepts))),
        values=values,
    )


def _values(plan: Plan, metric: str, scores: Mapping[int, UnitScores]) -> Iterable[ConceptValue]:
    """Each concept's means over its seeds, concept by concept."""
    for concept, one in sorted(scores.items()):
        of_seeds = [seed.values[metric] for seed in one.seeds if metric in seed.values]
        both = of_seeds or ([one.values[metric]] if metric in one.values else [])
        if both:
            means = [cluster_means((arm, pair[arm]) for pair in both)[arm] for arm in (0, 1)]
            yield ConceptValue(concept, plan.concepts[concept].category, *means)


def _answers(
    plan: Plan, values: Mapping[tuple[str, str, str], tuple[ConceptValue, ...]], rng: np.random.Generator
) -> Iterable[Answer]:
    """For all concepts, and for each category that a file gives them where there is more than one."""
    for (model, arm, metric), known in values.items():
        categories = Counter(one.category for one in known if one.category is not None)
        for category in (None, *(categories if len(categories) > 1 else ())):
            chosen = [one for one in known if category is None or one.category == category]
            tested = METRICS[measure_of(metric)].tested
            result = paired([one.difference for one in chosen], rng, tested=tested)
            yield Answer(
                arm=arm,
                model=model,
                metric=metric,
                category=category,
                primary=metric == PRIMARY,
                added=plan.was_added(arm=arm, model=model, metric=metric),
                simple=float(np.mean([one.simple for one in chosen])),
                expanded=float(np.mean([one.expanded for one in chosen])),
                result=result,
            )


def _unchanged(
    values: Mapping[tuple[str, str, str], tuple[ConceptValue, ...]],
    found: Mapping[tuple[str, str, int], Outcome],
    rng: np.random.Generator,
) -> Iterable[Unchanged]:
    """Arms with concepts to which they added nothing, and what the primary answer is without those."""
    for (model, arm, metric), known in values.items():
        if metric != PRIMARY:
            continue
        scores = {one.concept: found[model, arm, one.concept].scores for one in known}
        same = {concept for concept, one in scores.items() if one is not None and one.same_prompts}
        if same:
            others = [one.difference for one in known if one.concept not in same]
            yield Unchanged(arm, model, len(same), len(known), paired(others, rng) if others else None)


def _corrected(answers: list[Answer]) -> list[Answer]:
    """Holm's correction: the primary questions among themselves, the others among themselves, and each of the
    categories' among those."""
    families: dict[tuple[bool, bool], dict[str, float]] = {}
    for place, one in enumerate(answers):
        p = one.result.signed_rank
        if p is not None and METRICS[measure_of(one.metric)].tested:
            families.setdefault((one.primary, one.category is None), {})[str(place)] = p
    corrected = {int(place): p for family in families.values() for place, p in holm(family).items()}
    return [
        Answer(**{**one.__dict__, "result": one.result.with_correction(corrected.get(place))})
        for place, one in enumerate(answers)
    ]


def _places(
    plan: Plan,
    values: Mapping[tuple[str, str, str], tuple[ConceptValue, ...]],
    answers: Sequence[Answer],
    rng: np.random.Generator,
) -> Iterable[Place]:
    """The arms of each model, the best first. Which arm beats which is decided on the concepts that both have."""
    for model in plan.models:
        arms = [arm.name for arm in plan.arms if (model, arm.name, PRIMARY) in values]
        if len(arms) < 2:
            continue
        by_arm = {arm: {one.concept: one.difference for one in values[model, arm, PRIMARY]} for arm in arms}
        duels: dict[str, PairedResult] = {}
        for place, first in enumerate(arms):
            for second in arms[place + 1 :]:
                shared = by_arm[first].keys() & by_arm[second].keys()
                if shared:
                    duels[f"{first}\n{second}"] = paired(
                        [by_arm[first][one] - by_arm[second][one] for one in sorted(shared)], rng
                    )
        tested = holm({name: duel.signed_rank for name, duel in duels.items() if duel.signed_rank is not None})
        won: Counter[str] = Counter()
        lost: Counter[str] = Counter()
        for name, duel in duels.items():
            first, second = name.split("\n")
            outcome = duel.with_correction(tested.get(name)).outcome
            if outcome in ("more", "less"):
                winner, loser = (first, second) if outcome == "more" else (second, first)
                won[winner] += 1
                lost[loser] += 1
        results = {
            one.arm: one.result for one in answers if (one.model, one.metric, one.category) == (model, PRIMARY, None)
        }
        for arm in sorted(arms, key=lambda arm: -results[arm].mean):
            interval = results[arm].interval
            yield Place(
                arm=arm,
                model=model,
                mean=results[arm].mean,
                low=None if interval is None else interval.low,
                high=None if interval is None else interval.high,
                best_rank=lost[arm] + 1,
                worst_rank=len(arms) - won[arm],
            )


def _funnel(plan: Plan, outcomes: list[Outcome]) -> tuple[FunnelStep, ...]:
    """How many units came how far, and why the others did not. Lines of the file that are no concepts come first."""
    total = len(plan.concepts) * len(plan.arms) * len(plan.models)
    failed = [one for one in outcomes if one.status == "failed" and one.complaint is not None]

    def because(*stages: str) -> dict[str, int]:
        return dict(
            Counter(one.complaint.kind for one in failed if one.complaint is not None and one.complaint.stage in stages)
        )

    waiting = sum(one.status == "waiting" for one in outcomes)
    unseen = total - len(outcomes)
    done = [one.scores for one in outcomes if one.scores is not None]
    fair = [one for one in done if one.fair]
    seen = [one for one in fair if any(PRIMARY in seed.values for seed in one.seeds)]
    not_expanded, not_rendered, not_measured = because("expand"), because("render"), because("score")
    put_off = {name: count for name, count in (("waiting", waiting), ("not yet", unseen)) if count}
    written = total - sum(not_expanded.values()) - sum(put_off.values())
    rendered = written - sum(not_rendered.values())
    return (
        FunnelStep("planned", total, {}),
        FunnelStep("written", written, not_expanded | put_off),
        FunnelStep("rendered", rendered, not_rendered),
        FunnelStep("measured", len(done), not_measured),
        FunnelStep("fair", len(fair), {"certificate": len(done) - len(fair)} if len(fair) < len(done) else {}),
        FunnelStep("analysed", len(seen), {"no clip": len(fair) - len(seen)} if len(seen) < len(fair) else {}),
    )


def _examples(
    plan: Plan,
    arm: StudyArm,
    model: str,
    values: Mapping[tuple[str, str, str], tuple[ConceptValue, ...]],
    found: Mapping[tuple[str, str, int], Outcome],
) -> Iterable[Example]:
    """One concept at each quantile of the primary metric, or of the distance where nobody scored; none twice."""
    known = values.get((model, arm.name, PRIMARY)) or values.get((model, arm.name, "distance")) or ()
    ordered = sorted(known, key=lambda one: (one.difference, one.concept))
    taken: set[int] = set()
    for quantile in QUANTILES:
        if not ordered:
            return
        at = round(quantile * (len(ordered) - 1))
        if at in taken:
            continue
        taken.add(at)
        one = ordered[at]
        outcome = found[model, arm.name, one.concept]
        scores = outcome.scores
        if scores is None:
            continue
        yield Example(
            quantile=quantile,
            arm=arm.name,
            model=model,
            concept=one.concept,
            text=plan.concepts[one.concept].concept.text,
            difference=one.difference,
            unit=outcome.unit,
            simple_prompt=scores.simple,
            expanded_prompt=scores.expanded,
            simple=scores.seeds[0].simple,
            expanded=scores.seeds[0].expanded,
        )
