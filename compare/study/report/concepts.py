"""The concepts of a study one by one: how each moved, who won, and examples that nobody has chosen."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

from PIL import Image

from compare.report import Block, Section
from compare.report.blocks import Chart, Shot, Strip, Table, Text
from compare.report.distributions import Slope, Split, slopes, splits
from compare.report.sentences import signed_points
from compare.statistics import Share
from compare.study.analysis import Analysis, Answer, Example
from compare.study.design import PRIMARY, Plan
from compare.study.report.wording import (
    arm_text,
    by_arm,
    by_ruler,
    compares_several,
    effect_text,
    p_text,
    row_label,
)
from compare.study.scores import METRICS, measure_of

#: Pixels: the longest side of an example, twice what it is shown at.
_SIDE = 384


def pairs_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    said = t["pairs"]
    blocks: list[Block] = []
    for model in plan.models:
        for arm in plan.arms:
            known = analysis.values.get((model, arm.name, PRIMARY), ())
            if not known:
                continue
            rows = [Slope(100 * one.simple, 100 * one.expanded) for one in known]
            alt = said["alt"].format(
                all=len(rows),
                rise=sum(row.after > row.before for row in rows),
                fall=sum(row.after < row.before for row in rows),
                before=f"{sum(row.before for row in rows) / len(rows):.1f}",
                after=f"{sum(row.after for row in rows) / len(rows):.1f}",
            )
            if compares_several(plan):
                blocks.append(Text(arm_text(arm.name, model, plan, t), "heading"))
            blocks.append(Chart(f"pairs-{len(blocks)}", slopes(rows, t["wins"]["loss"], t["wins"]["win"]), alt))
    return Section("pairs", said["title"], (said["about"],), tuple(blocks)) if blocks else None


def wins_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    said = t["wins"]
    tested = [one for one in analysis.answers if one.category is None and METRICS[measure_of(one.metric)].tested]
    if not tested:
        return None
    blocks: list[Block] = []
    for number, (heading, labelled) in enumerate(by_ruler(plan, tested, t)):
        if heading:
            blocks.append(Text(heading, "heading"))
        rows = [Split(label, *(part.count for part in _parts(one))) for label, one in labelled]
        alt = "; ".join(said["alt"].format(label=row.label, win=row.win, tie=row.tie, loss=row.loss) for row in rows)
        blocks.append(
            Chart(f"wins-{number}" if number else "wins", splits(rows, said["win"], said["tie"], said["loss"]), alt)
        )
    for heading, found in by_arm(plan, tested, t):
        if heading:
            blocks.append(Text(heading, "heading"))
        shares = tuple((row_label(one, plan, t), *map(_share_text, _parts(one))) for one in found)
        effects = tuple((row_label(one, plan, t), effect_text(one), p_text(one.result.sign)) for one in found)
        blocks += [Table(tuple(said["shares"].values()), shares), Table(tuple(said["head"].values()), effects)]
    return Section("wins", said["title"], (said["about"],), tuple(blocks))


def _parts(one: Answer) -> tuple[Share, Share, Share]:
    return one.result.tally.win, one.result.tally.tie, one.result.tally.loss


def _share_text(part: Share) -> str:
    """A share in percent, with its interval.

    >>> from compare.statistics import wilson
    >>> _share_text(Share(8, 0.8, wilson(8, 10)))
    '80 (49 … 94)'
    """
    low, high = part.interval.low, part.interval.high
    return f"{100 * part.share:.0f} ({100 * low:.0f} … {100 * high:.0f})"


def examples_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    if not analysis.examples:
        return None
    said = t["examples"]
    blocks: list[Block] = []
    above = ""
    for one in analysis.examples:
        arm = arm_text(one.arm, one.model, plan, t) if compares_several(plan) else ""
        if arm != above:
            blocks.append(Text(said["of_arm"].format(arm=arm), "lead"))
            above = arm
        heading = said["quantile"].format(
            percent=f"{100 * one.quantile:.0f}", difference=signed_points(one.difference), concept=one.text
        )
        blocks += [Text(heading, "heading"), Strip(tuple(_shots(one, said)))]
    return Section("examples", said["title"], (said["about"],), tuple(blocks))


def _shots(example: Example, said: dict[str, Any]) -> Iterator[Shot]:
    for file, prompt in ((example.simple, example.simple_prompt), (example.expanded, example.expanded_prompt)):
        yield Shot(picture_name(example.unit, file), said["alt"].format(prompt=prompt), prompt)


def picture_name(unit: str, file: str) -> str:
    return f"{unit}/{file}"


def shown_pictures(analysis: Analysis) -> Iterator[tuple[str, str]]:
    for one in analysis.examples:
        yield one.unit, one.simple
        yield one.unit, one.expanded


def picture_source(content: bytes) -> dict[str, Any]:
    """The picture for the page; of a large one a smaller copy, so that the report stays light."""
    with Image.open(io.BytesIO(content)) as image:
        copy = image.convert("RGB")
    copy.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    copy.save(buffer, format="WEBP", quality=90)
    address = f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return {"address": address, "width": copy.width, "height": copy.height}
