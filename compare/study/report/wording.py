"""The words and numbers of a study's report: sentences that can be quoted, and how values are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from compare.report import sentences
from compare.report.sentences import signed_points
from compare.study.analysis import Analysis, Answer, Unchanged
from compare.study.design import Plan
from compare.study.scores import judge_of, measure_of, without_folder
from templates import Language

#: What says in a chart, whose labels are cut where they are long, that something was added.
_SHORT = "added_short"


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
                sentence = t["answer"]["afterwards"].format(sentence=sentence)
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


def compares_several(plan: Plan) -> bool:
    """Whether there is more than one comparison: several arms, or one on several models."""
    return len(plan.arms) * len(plan.models) > 1


def measure_text(one: Answer, t: dict[str, Any]) -> str:
    """What was measured, and by whom, where a judge was asked."""
    measure, judge = t["metrics"][measure_of(one.metric)], judge_of(one.metric)
    return str(t["metric_by"].format(metric=measure, judge=judge_text(judge, t)) if judge else measure)


def row_label(one: Answer, plan: Plan, t: dict[str, Any]) -> str:
    """What was measured, for a table of one arm and model, whose heading says where they were added."""
    return _marked(measure_text(one, t), plan.was_added(metric=one.metric), t)


def by_arm(plan: Plan, answers: Iterable[Answer], t: dict[str, Any]) -> Iterator[tuple[str, list[Answer]]]:
    """The answers of each arm and model, with their heading: none where there is one."""
    for (arm, model), found in _grouped(answers, lambda one: (one.arm, one.model)):
        heading = _marked(arm_text(arm, model, plan, t), plan.was_added(arm=arm, model=model), t)
        yield heading if compares_several(plan) else "", found


def by_ruler(
    plan: Plan, answers: Iterable[Answer], t: dict[str, Any]
) -> Iterator[tuple[str, list[tuple[str, Answer]]]]:
    """The answers that share a chart, with its heading and their labels. One arm on one model: a chart for each judge,
    who has a scale of its own; several: one for each measure, in which they stand below each other."""
    if compares_several(plan):
        for _, found in _grouped(answers, lambda one: one.metric):
            heading = _marked(measure_text(found[0], t), plan.was_added(metric=found[0].metric), t)
            labels = (
                _marked(arm_text(one.arm, one.model, plan, t), plan.was_added(arm=one.arm, model=one.model), t, _SHORT)
                for one in found
            )
            yield heading[:1].upper() + heading[1:], list(zip(labels, found, strict=True))
        return
    for judge, found in _grouped(answers, lambda one: judge_of(one.metric)):
        heading = t["answer"]["judge"].format(judge=judge_text(judge, t)) if judge else ""
        yield heading, [(_marked(t["metrics"][measure_of(one.metric)], one.added, t, _SHORT), one) for one in found]


def _grouped(answers: Iterable[Answer], key: Callable[[Answer], Any]) -> Iterator[tuple[Any, list[Answer]]]:
    groups: dict[Any, list[Answer]] = {}
    for one in answers:
        groups.setdefault(key(one), []).append(one)
    yield from groups.items()


def _marked(text: str, added: bool, t: dict[str, Any], words: str = "added") -> str:
    return f"{text} ({t[words]})" if added else text


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
