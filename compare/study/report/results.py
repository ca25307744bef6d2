"""The results of a study: what was found, by category, which expansion is best, and what it would take to know."""

from __future__ import annotations

from typing import Any

from compare.report import Block, Section
from compare.report.blocks import Chart, Table, Text
from compare.report.charts import Interval as Row
from compare.report.charts import intervals
from compare.report.sentences import signed_points
from compare.statistics import MOST_CLUSTERS
from compare.study.analysis import Analysis, Answer
from compare.study.design import PRIMARY, Plan
from compare.study.report.wording import (
    answer_sentences,
    arm_text,
    by_arm,
    by_ruler,
    interval_text,
    listed,
    p_text,
    row_label,
)
from compare.study.scores import METRICS, measure_of

#: What is a cosine or a share is told in hundredths; tokens and words are counted.
_COUNTED = ("tokens", "cut")


def answer_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section:
    said = t["answer"]
    blocks: list[Block] = [Text(sentence, "lead") for sentence in answer_sentences(plan, analysis, t)]
    tested = [one for one in analysis.answers if one.category is None and METRICS[measure_of(one.metric)].tested]
    for at, one in enumerate(tested):
        if one.metric == PRIMARY and one.result.outcome == "less" and at == 0:
            blocks.append(Text(said["crowded"]))
    drawn = [one for one in tested if one.result.interval is not None and measure_of(one.metric) != "diversity"]
    for number, (heading, labelled) in enumerate(by_ruler(plan, drawn, t)):
        if heading:
            blocks.append(Text(heading, "heading"))
        blocks.append(_forest(f"answer-{number}" if number else "answer", labelled, t))
    for heading, found in by_arm(plan, tested, t):
        if heading:
            blocks.append(Text(heading, "heading"))
        blocks.append(_table([(row_label(one, plan, t), one) for one in found], t))
    return Section("answer", said["title"], (said["about"],), tuple(blocks))


def _table(rows: list[tuple[str, Answer]], t: dict[str, Any], **head: str) -> Table:
    """The numbers of a chart, and what they say; `head` renames columns."""
    said = t["answer"]
    body = tuple(
        (
            label,
            signed_points(one.result.mean),
            interval_text(one),
            p_text(one.result.corrected),
            said["outcomes"][one.result.outcome],
        )
        for label, one in rows
    )
    return Table(tuple((said["head"] | head).values()), body)


def _forest(name: str, rows: list[tuple[str, Answer]], t: dict[str, Any]) -> Chart:
    """The means with their intervals, in points, each with its numbers for whoever cannot see it."""
    drawn, told = [], []
    for label, one in rows:
        interval = one.result.interval
        if interval is not None:
            drawn.append(Row(label, 100 * one.result.mean, 100 * interval.low, 100 * interval.high))
            told.append(
                t["answer"]["forest_row"].format(
                    label=label,
                    mean=signed_points(one.result.mean),
                    low=signed_points(interval.low),
                    high=signed_points(interval.high),
                )
            )
    return Chart(name, intervals(drawn, t["worse"], t["better"]), "; ".join(told), t["answer"]["forest"])


def category_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    said = t["category"]
    chosen = [one for one in analysis.answers if one.category is not None and one.metric == PRIMARY]
    blocks: list[Block] = []
    few: list[str] = []
    for number, (heading, found) in enumerate(by_arm(plan, chosen, t)):
        found.sort(key=lambda one: one.result.mean)
        known = [(f"{one.category} ({one.result.clusters})", one) for one in found if one.result.interval is not None]
        few += [str(one.category) for one in found if one.result.interval is None]
        if known:
            if heading:
                blocks.append(Text(heading, "heading"))
            name = f"categories-{number}" if number else "categories"
            blocks += [_forest(name, known, t), _table(known, t, measure=said["head"])]
    if few:
        blocks.append(Text(said["few"].format(names=listed(dict.fromkeys(few)))))
    return Section("categories", said["title"], (said["about"],), tuple(blocks)) if blocks else None


def ranking_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    if not analysis.places:
        return None
    said = t["ranking"]
    rows = tuple(
        (
            one.arm if len(plan.models) == 1 else t["arm_of"].format(arm=one.arm, model=one.model),
            signed_points(one.mean),
            "–" if one.low is None or one.high is None else f"{signed_points(one.low)} … {signed_points(one.high)}",
            str(one.best_rank)
            if one.best_rank == one.worst_rank
            else said["ranks"].format(best=one.best_rank, worst=one.worst_rank),
        )
        for one in analysis.places
    )
    return Section("ranking", said["title"], (said["about"],), (Table(tuple(said["head"].values()), rows),))


def prompts_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    said = t["prompts"]
    told = [one for one in analysis.answers if one.category is None and not METRICS[measure_of(one.metric)].tested]
    blocks: list[Block] = []
    for heading, found in by_arm(plan, told, t):
        if heading:
            blocks.append(Text(heading, "heading"))
        rows = tuple((row_label(one, plan, t), *_plain_numbers(one)) for one in found)
        blocks.append(Table(tuple(said["head"].values()), rows))
    return Section("prompts", said["title"], (said["about"],), tuple(blocks)) if blocks else None


def _plain_numbers(one: Answer) -> tuple[str, ...]:
    """Simple, expanded and their difference, in hundredths or as they are counted."""
    scale = 1 if one.metric in _COUNTED else 100
    numbers = (scale * one.simple, scale * one.expanded, scale * one.result.mean)
    return tuple(f"{number:.1f}".replace("-", "\N{MINUS SIGN}") for number in numbers)


def power_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    if not analysis.power:
        return None
    said = t["power"]
    blocks = []
    for name, power in analysis.power.items():
        arm, _, model = name.rpartition("@")
        label = arm_text(arm, model, plan, t)
        if power.clusters is None:
            blocks.append(Text(said["never"].format(arm=label, most=f"{MOST_CLUSTERS:,}")))
        else:
            blocks.append(
                Text(said["needed"].format(arm=label, clusters=power.clusters, percent=f"{100 * power.power:.0f}"))
            )
    return Section("power", said["title"], (said["about"],), tuple(blocks))
