"""The words and numbers of a study's report: sentences that can be quoted, and how values are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from compare.report import sentences
from compare.report.sentences import signed_points
from compare.study.analysis import Analysis, Answer, Unchanged
from compare.study.design import Plan
from compare.study.scores import judge_of, measure_of, without_folder
from templates import Language


def study_sentences(plan: Plan, analysis: Analysis, language: Language = "en") -> tuple[str, ...]:
    """What was found of each arm and model, in one sentence each that can be quoted."""
    return tuple(answer_sentences(plan, analysis, sentences(language)["study"]))


def answer_sentences(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Iterator[str]:
    found = False
    for model in plan.models:
        for arm in plan.arms:
            answer = analysis.answer(arm.name, model)
            if answer is None:
                continue
            found = True
            result = answer.result
            values: dict[str, Any] = {
                "concepts": result.clusters,
                "seeds": seeds_text(plan, t),
                "arm": arm.name,
                "mean": f"{100 * abs(result.mean):.1f}",
                "signed": signed_points(result.mean),
                "low": "" if result.interval is None else signed_points(result.interval.low),
                "high": "" if result.interval is None else signed_points(result.interval.high),
                "p": _with_sign(result.signed_rank if result.corrected is None else result.corrected),
                "wins": result.tally.win.count,
                "losses": result.tally.loss.count,
            }
            sentence = t["answer"][result.outcome.replace(" ", "_")].format(**values)
            if unchanged := analysis.unchanged_by(arm.name, model):
                sentence = t["answer"]["unchanged"].format(sentence=sentence, count=unchanged.concepts)
            if answer.added:
                sentence = f"{sentence} ({t['added']})"
            yield sentence if len(plan.models) == 1 else t["answer"]["on_model"].format(sentence=sentence, model=model)
    if not found:
        yield t["answer"]["nobody"]


def p_text(p: float | None) -> str:
    """A p-value as it is printed.

    >>> p_text(0.0312), p_text(0.00001), p_text(None)
    ('0.031', '< 0.001', '–')
    """
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _with_sign(p: float | None) -> str:
    text = p_text(p)
    return text if text.startswith(("<", "–")) else f"= {text}"


def seeds_text(plan: Plan, t: dict[str, Any]) -> str:
    return str(t["one_seed"] if plan.seeds == 1 else t["many_seeds"].format(seeds=plan.seeds))


def label_of(one: Answer, plan: Plan, t: dict[str, Any], *, judged: bool = True) -> str:
    """What was measured, by whom (unless that stands above it), of which arm and model, where there are several; and
    whether it was added."""
    judge = judge_of(one.metric) if judged else ""
    label = t["metrics"][measure_of(one.metric)]
    if judge:
        label = t["metric_by"].format(metric=label, judge=judge_text(judge, t))
    if len(plan.arms) * len(plan.models) > 1:
        label = f"{arm_text(one.arm, one.model, plan, t)}: {label}"
    return f"{label} ({t['added']})" if one.added else str(label)


def judge_text(judge: str, t: dict[str, Any]) -> str:
    """A judge as a reader knows it: what kind it is, and of a folder the last name."""
    kind, _, name = without_folder(judge).partition(":")
    said = t["judges"]
    if kind not in said:
        return without_folder(judge)
    return str(said[kind].format(name=name) if name else said.get(f"{kind} alone", kind))


def arm_text(arm: str, model: str, plan: Plan, t: dict[str, Any]) -> str:
    return arm if len(plan.models) == 1 else str(t["arm_of"].format(arm=arm, model=model))


def interval_text(one: Answer) -> str:
    interval = one.result.interval
    return "–" if interval is None else f"{signed_points(interval.low)} … {signed_points(interval.high)}"


def effect_text(one: Answer) -> str:
    effect, interval = one.result.effect, one.result.effect_interval
    if effect is None or interval is None:
        return "–"
    return f"{effect:+.2f} ({interval.low:+.2f} … {interval.high:+.2f})".replace("-", "\N{MINUS SIGN}")


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def unchanged_text(one: Unchanged, plan: Plan, t: dict[str, Any]) -> str:
    """To how many concepts an arm added nothing, and what would be found without them."""
    said = t["funnel"]
    arm = arm_text(one.arm, one.model, plan, t)
    told = said["unchanged"].format(arm=arm, count=one.concepts, measured=one.measured)
    if one.without is None:
        return str(told)
    interval = one.without.interval
    return str(
        said["without"].format(
            told=told,
            mean=signed_points(one.without.mean),
            interval="–" if interval is None else f"{signed_points(interval.low)} … {signed_points(interval.high)}",
            outcome=t["answer"]["outcomes"][one.without.outcome],
        )
    )
