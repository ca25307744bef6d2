"""The report's sections that are series of pictures: ladder, morph, attention, sweep."""

from __future__ import annotations

from typing import Any

from compare.instruments.results import Findings, SweepRecord
from compare.report.blocks import Block, Chart, Grid, Moving, Section, Shot, Strip, Text
from compare.report.charts import Bar, Curve, bars, curves
from compare.report.sentences import Measure, amount, distance_text, ladder_texts, measure_of, morph_text, sweep_text

MOST_BARS = 24


def ladder_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """From the simple to the expanded prompt one phrase at a time, and each phrase left out."""
    ladder, said = findings.ladder, t["ladder"]
    if ladder is None:
        return None
    measure = measure_of([*(rung.moved for rung in ladder.rungs), *(one.moved for one in ladder.without)])
    up, down = ladder_texts(ladder, measure, t)
    names = [rung.phrase or said["reworded" if number else "start"] for number, rung in enumerate(ladder.rungs)]
    shots = tuple(
        Shot(
            rung.file,
            said["alt"].format(seed=ladder.seed, prompt=rung.prompt),
            said["shot"].format(number=number, phrase=name),
            said["moved"].format(distance=distance_text(rung.moved, measure, t)) if number else "",
        )
        for number, (rung, name) in enumerate(zip(ladder.rungs, names, strict=True))
    )
    steps = [
        Bar(
            said["shot"].format(number=number, phrase=name),
            amount(rung.moved, measure),
            distance_text(rung.moved, measure, t),
        )
        for number, (rung, name) in enumerate(zip(ladder.rungs, names, strict=True))
        if number
    ]
    blocks: list[Block] = [Text(up, "lead")] if up else []
    blocks.append(Strip(shots))
    blocks += _bar_chart("ladder", steps, said["climb"])
    if ladder.without:
        blocks += [Text(said["without"], "heading"), Text(said["without_about"])]
        blocks += [Text(down, "lead")] if down else []
        blocks.append(
            Strip(
                tuple(
                    Shot(
                        one.file,
                        said["alt"].format(seed=ladder.seed, prompt=one.prompt),
                        said["without_shot"].format(phrase=one.phrase),
                        said["moved"].format(distance=distance_text(one.moved, measure, t)),
                    )
                    for one in ladder.without
                )
            )
        )
        left_out = [
            Bar(
                said["without_shot"].format(phrase=one.phrase),
                amount(one.moved, measure),
                distance_text(one.moved, measure, t),
            )
            for one in ladder.without
        ]
        blocks += _bar_chart("ladder-without", left_out, "")
    about = (said["about"], t["measure"][f"{measure}_about"])
    return Section("ladder", said["title"], about, tuple(blocks))


def morph_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """The way from the simple to the expanded embedding."""
    morph, said = findings.morph, t["morph"]
    if morph is None:
        return None
    measure = measure_of([frame.moved for frame in morph.frames])
    shots = tuple(
        Shot(
            frame.file,
            said["alt"].format(seed=morph.seed, part=f"{100 * frame.part:.0f}"),
            said["shot"].format(part=f"{100 * frame.part:.0f}"),
            said["moved"].format(distance=distance_text(frame.moved, measure, t)) if number else "",
        )
        for number, frame in enumerate(morph.frames)
    )
    blocks = (
        Text(morph_text(morph, measure, t), "lead"),
        Strip(shots),
        Moving(morph.animation, said["animation"], said["play"]),
    )
    return Section("morph", said["title"], (said["about"], t["measure"][f"{measure}_about"]), blocks)


def attention_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """Where each word was looked at, and how that differs for the words of both prompts."""
    attention, said = findings.attention, t["attention"]
    if attention is None:
        return None
    blocks: list[Block] = []
    for arm in ("simple", "expanded"):
        shots = tuple(
            Shot(
                word.file,
                said["alt"].format(word=word.word, arm=t["short_arm"][arm], seed=attention.seed),
                word.word,
                said["new" if word.new else "share"].format(share=f"{100 * word.weight:.0f}"),
            )
            for word in attention.words
            if word.arm == arm
        )
        if shots:
            blocks += [Text(said[arm], "heading"), Strip(shots)]
    if attention.shared:
        both = tuple(
            Shot(
                word.file,
                said["shared_alt"].format(word=word.word, seed=attention.seed),
                word.word,
                said["overlap"].format(share=f"{100 * word.overlap:.0f}"),
            )
            for word in attention.shared
        )
        blocks += [Text(said["shared"], "heading"), Text(said["shared_about"]), Strip(both)]
    return Section("attention", said["title"], (said["about"],), tuple(blocks))


def sweep_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """Who settles and who wanders: a curve, and the pictures behind it."""
    sweep, said = findings.sweep, t["sweep"]
    if sweep is None:
        return None
    moved = [cell.moved for row in sweep.rows for cell in row.cells if cell.moved is not None]
    measure = measure_of(moved)
    blocks: list[Block] = [Text(sweep_text(row, t), "lead") for row in sweep.rows]
    if moved:
        blocks.append(_curve_chart(sweep, measure, t))
    blocks.append(_sweep_grid(sweep, t))
    return Section("sweep", said["title"], (said["about"], t["measure"][f"{measure}_about"]), tuple(blocks))


def _curve_chart(sweep: SweepRecord, measure: Measure, t: dict[str, Any]) -> Chart:
    said = t["sweep"]
    rows, described = [], []
    for row in sweep.rows:
        known = [(cell.num_inference_steps, cell.moved) for cell in row.cells if cell.moved is not None]
        if not known:
            continue
        rows.append(Curve(row.scheduler, tuple((steps, amount(moved, measure)) for steps, moved in known)))
        each = [
            said["chart_point"].format(steps=steps, distance=distance_text(moved, measure, t)) for steps, moved in known
        ]
        described.append(said["chart_row"].format(scheduler=row.scheduler, points=t["joint"].join(each)))
    return Chart("sweep", curves(rows, said["steps_axis"], said["moved_axis"]), "; ".join(described))


def _sweep_grid(sweep: SweepRecord, t: dict[str, Any]) -> Grid:
    said = t["sweep"]
    counts = sorted({cell.num_inference_steps for row in sweep.rows for cell in row.cells})
    rows = []
    for row in sweep.rows:
        cells = {cell.num_inference_steps: cell for cell in row.cells}
        for arm in ("simple", "expanded"):
            shots = tuple(
                (
                    Shot(
                        cells[count].simple_file if arm == "simple" else cells[count].expanded_file,
                        said["alt"].format(
                            arm=t["short_arm"][arm], scheduler=row.scheduler, steps=count, seed=sweep.seed
                        ),
                        "",
                    ),
                )
                if count in cells
                else ()
                for count in counts
            )
            rows.append((f"{row.scheduler} · {t['short_arm'][arm]}", shots))
    return Grid(said["scheduler"], tuple(said["steps"].format(steps=count) for count in counts), tuple(rows))


def _bar_chart(name: str, rows: list[Bar], caption: str) -> list[Block]:
    shown = rows[:MOST_BARS]
    alt = "; ".join(f"{row.label}: {row.number}" for row in shown)
    return [Chart(name, bars(shown), alt, caption)] if shown else []
