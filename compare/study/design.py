"""The plan of a study, which is written before anything is rendered and kept with what comes of it; and its units of
work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from compare.request import PairRequest, request_from_json
from compare.runs import write_whole
from compare.statistics import ALPHA, FEWEST_CLUSTERS
from compare.study.concepts import AskedObject, ConceptSource, StudyConcept
from compare.study.judges import measures_of, require_judges
from compare.study.scores import METRICS, OWN_METRICS, judge_of, measure_of
from ideation import Clause, TwinseedError, known_expanders, nearest, read_plain_file
from ideation.files import Count, Positive, Seed, Sha256, StrictModel, complaint_of

#: Does the picture still fit what was asked for? Held against the simple prompt, which knows nothing of the details.
PRIMARY = "intent"

PLAN_FILE = "study.json"
MAX_PLAN = 500_000_000  # bytes; a hundred thousand concepts take some 20 MB


class StudyError(TwinseedError):
    """A study that cannot be planned, gone on with or read."""


class StudyArm(StrictModel):
    """Who expands prompts. Against the simple prompt, which every concept has, each arm is one comparison."""

    name: str
    expander: str
    llm_model: str | None = None


class Question(StrictModel):
    """A question that was asked before the study began. One that is not `primary` is answered too, and corrected for
    more company."""

    arm: str
    model: str
    metric: str
    primary: bool
    text: str


class AnalysisPlan(StrictModel):
    """How the questions are answered."""

    unit: Literal["concept"] = "concept"
    interval: Literal["cluster bootstrap (BCa), no narrower than Student's t"] = (
        "cluster bootstrap (BCa), no narrower than Student's t"
    )
    test: Literal["Wilcoxon signed-rank, two-sided, on concept means"] = (
        "Wilcoxon signed-rank, two-sided, on concept means"
    )
    correction: Literal["Holm, over the primary and over the other questions apart"] = (
        "Holm, over the primary and over the other questions apart"
    )
    alpha: float = ALPHA
    fewest_concepts: int = FEWEST_CLUSTERS
    resampling_seed: Seed = 2026


class Addition(StrictModel):
    """What was added when there may have been results already: everything from there on is marked. `concepts` is the
    number before, `of` the digest of the plan before."""

    at: AwareDatetime
    of: Sha256
    concepts: int | None = None
    arms: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()


class Plan(StrictModel):
    """The whole of `study.json`. `request` is the first unit's: all others differ from it in concept, seed, expander
    and model alone. `digest` is of all the rest."""

    version: Literal[1] = 1
    created: AwareDatetime
    twinseed: str
    source: str
    source_sha256: Sha256 | None = None
    left_out: tuple[tuple[int, str], ...] = ()
    left_out_more: Count = 0
    concepts: Annotated[tuple[StudyConcept, ...], Field(min_length=1)]
    seed: Seed
    seeds: Positive
    arms: Annotated[tuple[StudyArm, ...], Field(min_length=1)]
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    judges: tuple[str, ...] = ()
    metrics: tuple[str, ...]
    questions: tuple[Question, ...]
    analysis: AnalysisPlan = AnalysisPlan()
    request: PairRequest
    additions: tuple[Addition, ...] = ()

    @model_serializer(mode="wrap")
    def _short(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what plans of before have not, where it is not used: their digests hold."""
        content: dict[str, Any] = whole(self)
        if not self.left_out_more:
            del content["left_out_more"]
        return content

    @property
    def digest(self) -> str:
        """The request by its own digest, which what later versions add to requests leaves as it is."""
        content = self.model_dump(mode="json", exclude={"request"}) | {"request": self.request.digest}
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def pairs(self) -> int:
        """How many pairs of pictures it takes."""
        return len(self.concepts) * len(self.arms) * len(self.models) * self.seeds

    def unit(self, concept: int, arm: StudyArm, model: str) -> Unit:
        """The unit of work of one concept, arm and model."""
        subject = self.concepts[concept].concept
        request = replace(
            self.request,
            concept=subject,
            # All arms are held against one simple prompt: the concept's own words, not what each would make of them.
            simple=subject.text if subject.language == "en" else None,
            expander=arm.expander,
            llm_model=arm.llm_model,
            settings=replace(
                self.request.settings, model=model, seed=self.seed + concept * self.seeds, images=self.seeds
            ),
        )
        return Unit(concept, arm.name, model, request, self.concepts[concept].include)

    def units(self) -> Iterator[Unit]:
        """All units, concept by concept, so that whoever stops early has all arms of the concepts that are done."""
        for concept in range(len(self.concepts)):
            for model in self.models:
                for arm in self.arms:
                    yield self.unit(concept, arm, model)

    def was_added(self, *, concept: int = 0, arm: str = "", model: str = "", metric: str = "") -> bool:
        """Whether that came into the plan after it was first written."""
        judge = judge_of(metric)
        return any(
            (one.concepts is not None and concept >= one.concepts)
            or arm in one.arms
            or model in one.models
            or judge in one.judges
            for one in self.additions
        )


@dataclass(frozen=True)
class Unit:
    """The unit of work: all seeds of one concept under one arm and model. It is never split, and its `name` holds the
    digest of its request: done twice, it is the same. `include` is what judges are to look for in its pictures."""

    concept: int
    arm: str
    model: str
    request: PairRequest
    include: tuple[AskedObject, ...] = ()

    @property
    def name(self) -> str:
        """The name of its run in the study's folder: its concept's number, its arm, and the digest of its request."""
        plain = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in self.arm)[:24]
        return f"{self.concept:05}-{plain}-{self.request.digest[:12]}"

    def to_json(self) -> dict[str, Any]:
        """For another process or machine. There is no key in it."""
        return {
            "concept": self.concept,
            "arm": self.arm,
            "model": self.model,
            "request": self.request.to_json(),
            "include": [one.model_dump(exclude_defaults=True) for one in self.include],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Unit:
        """The unit that `to_json` wrote. Raises `RequestError`, and `ValueError` for what it never wrote."""
        include = tuple(AskedObject(**one) for one in content["include"])
        request = request_from_json(content["request"])
        return cls(content["concept"], content["arm"], content["model"], request, include)


def arms_of(given: str) -> tuple[StudyArm, ...]:
    """The expansions that `given` names, as in "simple,offline,openai:gpt-6"; "simple" is always the other side.

    >>> [arm.name for arm in arms_of("simple,offline,gemini:gemini-3.8-flash")]
    ['offline', 'gemini:gemini-3.8-flash']

    Raises `StudyError`.
    """
    arms: dict[str, StudyArm] = {}
    for name in (part.strip() for part in given.split(",")):
        if name in ("simple", ""):
            continue
        expander, _, llm_model = name.partition(":")
        if expander == "auto" or expander not in known_expanders():
            raise StudyError(
                "there is no arm {name!r}",
                hint="name expanders, with a model behind a colon where they have several: {nearest}",
                name=name,
                nearest=nearest(expander, [known for known in known_expanders() if known != "auto"]),
            )
        if name in arms:
            raise StudyError("the arm {name} was named twice", hint="name it once", name=name)
        arms[name] = StudyArm(name=name, expander=expander, llm_model=llm_model or None)
    if not arms:
        raise StudyError(
            "a study compares the simple prompt with an expansion, and none was named",
            hint="name one or more, as in --arms simple,offline",
        )
    return tuple(arms.values())


def planned(
    source: ConceptSource,
    request: PairRequest,
    *,
    arms: tuple[StudyArm, ...],
    models: tuple[str, ...],
    seeds: int,
    judges: tuple[str, ...] = (),
    twinseed: str,
    now: datetime,
) -> Plan:
    """The plan of a study; `request` says how its pairs are rendered, and which seed is the first. Raises `StudyError`
    where several arms would not have one simple prompt."""
    _require_one_simple_prompt(source.concepts, arms)
    require_judges(judges)
    metrics = (*OWN_METRICS, *(f"{judge}:{measure}" for judge in judges for measure in measures_of(judge)))
    return Plan(
        created=now,
        twinseed=twinseed,
        source=source.name,
        source_sha256=source.sha256,
        left_out=source.left_out,
        left_out_more=source.left_out_more,
        concepts=source.concepts,
        seed=request.settings.seed,
        seeds=seeds,
        arms=arms,
        models=models,
        judges=judges,
        metrics=metrics,
        questions=_questions(arms, models, metrics),
        request=replace(request, concept=source.concepts[0].concept, settings=replace(request.settings, images=seeds)),
    )


def _require_one_simple_prompt(concepts: tuple[StudyConcept, ...], arms: tuple[StudyArm, ...]) -> None:
    foreign = [one.concept.text for one in concepts if one.concept.language != "en"]
    if foreign and len(arms) > 1:
        raise StudyError(
            "{concept!r} is not English, and every arm would write a simple prompt of its own for it",
            hint="compare one arm at a time, or give the concepts in English",
            concept=foreign[0][:60],
        )


def _questions(arms: tuple[StudyArm, ...], models: tuple[str, ...], metrics: tuple[str, ...]) -> tuple[Question, ...]:
    return tuple(
        Question(
            arm=arm.name,
            model=model,
            metric=metric,
            primary=metric == PRIMARY,
            text=Clause(METRICS[measure_of(metric)].question, arm=arm.name, judge=judge_of(metric) or "CLIP"),
        )
        for model in models
        for arm in arms
        for metric in metrics
        if METRICS[measure_of(metric)].tested
    )


def extended(before: Plan, wanted: Plan) -> Plan:
    """The plan `before` with what `wanted` has beyond it: more concepts behind the others, more arms, models or judges.

    Raises `StudyError` where anything else is another.
    """
    same = {"seed", "seeds", "request", "analysis"}
    other = [name for name in sorted(same) if getattr(before, name) != getattr(wanted, name)]
    shared = min(len(before.concepts), len(wanted.concepts))
    if before.concepts[:shared] != wanted.concepts[:shared]:
        other.append("concepts")
    if other:
        raise StudyError(
            "the study in this folder was planned in another way: {other}",
            hint="repeat its options to go on with it, or choose another folder with --out",
            other=", ".join(other),
        )
    arms = tuple(arm for arm in wanted.arms if arm not in before.arms)
    models = tuple(model for model in wanted.models if model not in before.models)
    judges = tuple(judge for judge in wanted.judges if judge not in before.judges)
    more = len(wanted.concepts) > len(before.concepts)
    if not (arms or models or judges or more):
        return before
    all_arms, all_models = before.arms + arms, before.models + models
    _require_one_simple_prompt(wanted.concepts if more else before.concepts, all_arms)
    addition = Addition(
        at=wanted.created,
        of=before.digest,
        concepts=len(before.concepts) if more else None,
        arms=tuple(arm.name for arm in arms),
        models=models,
        judges=judges,
    )
    metrics = before.metrics + tuple(metric for metric in wanted.metrics if metric not in before.metrics)
    return before.model_copy(
        update={
            "concepts": wanted.concepts if more else before.concepts,
            "source": wanted.source if more else before.source,
            "arms": all_arms,
            "models": all_models,
            "judges": before.judges + judges,
            "metrics": metrics,
            "questions": _questions(all_arms, all_models, metrics),
            "additions": (*before.additions, addition),
        }
    )


def write_plan(folder: Path, plan: Plan) -> None:
    """Writes `study.json`, whole or not at all. Raises `OSError`."""
    content = {"digest": plan.digest, **plan.model_dump(mode="json")}
    write_whole(folder / PLAN_FILE, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def read_plan(folder: Path) -> Plan:
    """The plan in a study's folder. Raises `StudyError`."""
    file = folder / PLAN_FILE
    try:
        content = json.loads(read_plain_file(file, MAX_PLAN))
        digest = content.pop("digest", None)
        plan = Plan.model_validate_json(json.dumps(content))
    except FileNotFoundError as error:
        raise StudyError(
            "there is no study in {folder}",
            hint="a study is a folder with {plan} in it; name one that has it",
            folder=folder,
            plan=PLAN_FILE,
        ) from error
    except OSError as error:
        raise StudyError(
            "{file} cannot be read: {reason}", hint="check who may read it", file=file, reason=error.strerror
        ) from error
    except (ValueError, AttributeError, TypeError, RecursionError, TwinseedError) as error:
        first = complaint_of(error) if isinstance(error, ValidationError) else str(error)
        raise StudyError(
            "{file} is not the plan of a study: {error}",
            hint="it was changed or cut off; copy the study again",
            file=file,
            error=first,
        ) from error
    if digest != plan.digest:
        raise StudyError(
            "{file} was changed after it was written: its digest does not fit",
            hint="a plan is not mended afterwards; add to the study with its options, or begin another",
            file=file,
        )
    return plan
