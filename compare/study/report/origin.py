"""Where a study's results come from: what was planned, and what was left out on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compare.report import Block, Section
from compare.report.blocks import Facts, Table, Text, Value
from compare.study.analysis import Analysis
from compare.study.design import Addition, Plan
from compare.study.report.wording import listed, seeds_text, unchanged_text
from compare.study.scores import without_folder
from ideation import told
from templates import Language

#: So many failures and lines that were left out are named.
_MOST_NAMED = 12


def funnel_section(plan: Plan, analysis: Analysis, t: dict[str, Any], language: Language) -> Section:
    said = t["funnel"]
    reasons = said["reasons"]
    rows = tuple(
        (
            said["steps"][step.name],
            str(step.units),
            listed(f"{reasons.get(name, name)}: {count}" for name, count in step.lost.items()) or "–",
        )
        for step in analysis.funnel
    )
    blocks: list[Block] = [Table(tuple(said["head"].values()), rows)]
    blocks += [Text(unchanged_text(one, plan, t)) for one in analysis.unchanged]
    if plan.left_out:
        named = [
            said["line"].format(number=number, why=told(why, language)) for number, why in plan.left_out[:_MOST_NAMED]
        ]
        count = len(plan.left_out) + plan.left_out_more
        if count > _MOST_NAMED:
            named.append(said["more"].format(count=count - _MOST_NAMED))
        blocks.append(Text(said["lines"].format(count=count, lines=listed(named))))
    for outcome in analysis.failed[:_MOST_NAMED]:
        if outcome.complaint is not None:
            concept = plan.concepts[outcome.concept].concept.text
            message = told(outcome.complaint.message, language)
            blocks.append(Text(said["failed"].format(concept=concept, arm=outcome.arm, message=message)))
    if len(analysis.failed) > _MOST_NAMED:
        blocks.append(Text(said["more"].format(count=len(analysis.failed) - _MOST_NAMED)))
    return Section("funnel", said["title"], (said["about"],), tuple(blocks))


def plan_section(plan: Plan, t: dict[str, Any], language: Language) -> Section:
    said = t["plan"]
    settings = plan.request.settings
    together = settings.pairs_per_batch
    shared = "" if together is None else said["together"].format(count=together)
    rows: list[tuple[str, tuple[Value, ...]]] = [
        (said["digest"], (Value(plan.digest, "code"),)),
        (said["written"], (Value(f"{plan.created:%Y-%m-%d %H:%M} UTC"),)),
        (said["concepts"], (Value(f"{len(plan.concepts)} ({told(plan.source, language)})"),)),
        (said["seeds"], (Value(said["seeds_are"].format(seeds=seeds_text(plan, t), seed=plan.seed)),)),
        (
            said["settings"],
            (
                Value(
                    said["settings_are"].format(
                        steps=settings.num_inference_steps,
                        scheduler=settings.scheduler,
                        guidance=f"{settings.guidance_scale:g}",
                    )
                    + shared
                ),
            ),
        ),
        (said["questions"], tuple(Value(text, "line") for text in _questions(plan, t, language))),
        (
            said["analysis"],
            tuple(Value(text, "line") for text in said["methods"].values()),
        ),
    ]
    if plan.judges:
        rows.append((said["judges"], (Value(listed(map(without_folder, plan.judges))),)))
    if plan.additions:
        rows.append((said["additions"], tuple(Value(_addition(one, said), "line") for one in plan.additions)))
    return Section("plan", said["title"], (said["about"],), (Facts(tuple(rows)),))


def _questions(plan: Plan, t: dict[str, Any], language: Language) -> Iterator[str]:
    """The primary questions; one that came later says so."""
    for one in plan.questions:
        if one.primary:
            text = told(one.text, language)
            yield f"{text} ({t['added']})" if plan.was_added(arm=one.arm, model=one.model) else text


def _addition(one: Addition, said: dict[str, Any]) -> str:
    what = [*one.arms, *one.models, *one.judges]
    if one.concepts is not None:
        what.insert(0, said["concepts_from"].format(first=one.concepts + 1))
    return str(said["addition"].format(at=f"{one.at:%Y-%m-%d %H:%M} UTC", what=listed(what)))
