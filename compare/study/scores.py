"""The scores of a study: what was measured of each pair of pictures, and what of it is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePath

import numpy as np

from compare.instruments import score
from compare.runs import Run
from generate.picture import ARMS
from ideation.files import Count, FileName, Seed, StrictModel


@dataclass(frozen=True)
class Metric:
    """`question` is asked of every arm; one that is not `tested` is told without a test, as nobody would doubt that it
    is not zero. `of` says whether each seed has it or the concept as a whole; `own`, whether every run has it."""

    question: str
    tested: bool = True
    of: str = "seed"
    own: bool = True


#: In the order in which they are told. Judges add what they look at, as "JUDGE:intent"; what is not `own` they alone.
METRICS: dict[str, Metric] = {
    "intent": Metric("Do the pictures of {arm} fit the simple prompt better or worse than its own, by {judge}?"),
    "gain": Metric("Do the pictures of {arm} fit the expanded prompt better than those of the simple one, by {judge}?"),
    "lead": Metric("Can {judge} tell the idea from others better or worse in the pictures of {arm}?"),
    "diversity": Metric("Are the pictures of {arm} more or less alike from seed to seed?", of="concept"),
    "distance": Metric("How far are both pictures of a seed apart?", tested=False),
    "tokens": Metric("How many tokens longer are the prompts of {arm}?", tested=False, of="concept"),
    "cut": Metric("How many words of the prompts of {arm} does the model not read?", tested=False, of="concept"),
    "kept": Metric("What part of what the concept asks for do both prompts say?", tested=False, of="concept"),
    "objects": Metric("Are more or fewer of the things asked for in the pictures of {arm}, by {judge}?", own=False),
    "count": Metric("Are counts right more or less often in the pictures of {arm}, by {judge}?", own=False),
    "colour": Metric("Are colours right more or less often in the pictures of {arm}, by {judge}?", own=False),
    "preferred": Metric("Do people like the pictures of {arm} better or less, by {judge}?", own=False),
}

#: What every study has: the record of each run says it.
OWN_METRICS = tuple(name for name, one in METRICS.items() if one.own)


def measure_of(metric: str) -> str:
    """What is measured, without who says so.

    >>> measure_of("votes:ballots.txt:preferred"), measure_of("gain")
    ('preferred', 'gain')
    """
    return metric.rpartition(":")[2]


def judge_of(metric: str) -> str:
    """Who says so; "" is the record of the run.

    >>> judge_of("votes:ballots.txt:preferred"), judge_of("gain")
    ('votes:ballots.txt', '')
    """
    return metric.rpartition(":")[0]


def without_folder(judge: str) -> str:
    """A judge's name for others, who need not know where its files lie: of a path the last part.

    >>> without_folder("detector:/home/ann/models/owl"), without_folder("google/siglip"), without_folder("~/m/clip")
    ('detector:owl', 'google/siglip', 'clip')
    """
    kind, colon, rest = judge.rpartition(":") if judge.partition(":")[0].isalpha() else ("", "", judge)
    return f"{kind}{colon}{PurePath(rest).name}" if rest.startswith(("/", "~", ".")) else judge


#: The simple picture's value and the expanded one's.
Both = tuple[float, float]


class SeedScores(StrictModel):
    """The pictures of one seed and their values, by metric: (simple, expanded)."""

    seed: Seed
    simple: FileName
    expanded: FileName
    values: dict[str, Both]


class UnitScores(StrictModel):
    """All that was measured of a unit. `fair` is whether its certificate holds; `values` are those of the concept as a
    whole; `judges` are those who have looked."""

    simple: str
    expanded: str
    negative: str
    expander: str
    llm_model: str | None
    clip: str | None
    fair: bool
    lost: tuple[str, ...]
    tokens: Count
    seconds: float
    judges: tuple[str, ...] = ()
    seeds: tuple[SeedScores, ...]
    values: dict[str, Both]

    @property
    def same_prompts(self) -> bool:
        """Whether nothing was expanded."""
        return self.simple == self.expanded


def scores_of(run: Run, judged: Mapping[str, Mapping[int, Mapping[str, Both]]] | None = None) -> UnitScores:
    """What the record of a run says, with what judges found (by judge, seed and metric). Raises `RecordError` where a
    picture is missing."""
    record, judged = run.record, judged or {}
    prompts, findings = record.prompts, record.findings
    seeds = []
    for seed in record.seeds:
        simple, expanded = record.pair(seed)
        values: dict[str, Both] = {"distance": (0.0, record.scores[seed].mean_absolute_difference)}
        card = findings.cards.get(seed) if findings is not None else None
        if card is not None:
            values["intent"] = card.simple_on_simple, card.expanded_on_simple
            values["gain"] = card.simple_on_expanded, card.expanded_on_expanded
            if card.simple_on_rivals is not None and card.expanded_on_rivals is not None:
                values["lead"] = (
                    card.simple_on_simple - card.simple_on_rivals,
                    card.expanded_on_simple - card.expanded_on_rivals,
                )
        for judge, by_seed in judged.items():
            values |= {f"{judge}:{metric}": both for metric, both in by_seed.get(seed, {}).items()}
        seeds.append(SeedScores(seed=seed, simple=simple.file, expanded=expanded.file, values=values))
    asked = len(prompts.kept) + len(prompts.lost) + len(prompts.tokens.unread)
    of_concept: dict[str, Both] = {
        "tokens": (prompts.tokens.simple, prompts.tokens.expanded),
        "cut": (len(prompts.tokens.simple_dropped), len(prompts.tokens.dropped)),
    }
    if asked:
        of_concept["kept"] = 1.0, len(prompts.kept) / asked
    if len(seeds) > 1:
        of_concept["diversity"] = _diversity(run)
    return UnitScores(
        simple=prompts.simple,
        expanded=prompts.expanded,
        negative=prompts.negative,
        expander=prompts.expander,
        llm_model=prompts.llm_model,
        clip=None if findings is None or findings.clip is None else findings.clip.name,
        fair=record.certificate.holds,
        lost=prompts.lost,
        tokens=prompts.tokens.expanded,
        seconds=round(sum(one.seconds for one in record.renders), 3),
        judges=tuple(judged),
        seeds=tuple(seeds),
        values=of_concept,
    )


def with_judged(scores: UnitScores, judge: str, judged: Mapping[int, Mapping[str, Both]]) -> UnitScores:
    """The scores with what another judge found, by seed and metric."""
    seeds = tuple(
        one.model_copy(
            update={"values": one.values | {f"{judge}:{name}": both for name, both in judged.get(one.seed, {}).items()}}
        )
        for one in scores.seeds
    )
    return scores.model_copy(update={"seeds": seeds, "judges": (*scores.judges, judge)})


def _diversity(run: Run) -> Both:
    """How far the pictures of an arm are apart from seed to seed: the mean over all pairs of seeds, of either arm."""
    found = []
    for arm in ARMS:
        images = [run.image(arm, seed) for seed in run.record.seeds]
        found.append(float(np.mean([score(a, b).mean_absolute_difference for a, b in combinations(images, 2)])))
    return found[0], found[1]
