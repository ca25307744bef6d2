"""The report's sections on what the words did: verdict, phrase audit, score card, ruler, placebo, what was seen."""

from __future__ import annotations

from typing import Any

from compare.instruments.results import Findings, PhraseRecord
from compare.report.blocks import Audited, Block, Chart, Facts, Legend, Section, Shot, Strip, Table, Text, Value, Words
from compare.report.charts import MOST_LETTERS, Bar, Dumbbell, Interval, bars, dumbbells, intervals, shortened
from compare.report.prompts import audited_prompt
from compare.report.sentences import (
    Language,
    amount,
    audit_text,
    card_texts,
    distance_text,
    mark_key,
    mean_card,
    measure_of,
    placebo_text,
    points,
    ruler_text,
    verdict_text,
)
from compare.runs.record import Record

SIGNS = {"drawn": "●", "there_already": "◐", "ignored": "○", "never_seen": "✕", "shared": "=", "unclear": "?"}
MOST_ROWS = 24  # of a chart; the strip of phrases above it has them all


def verdict_section(record: Record, findings: Findings, t: dict[str, Any], language: Language) -> Section | None:
    """What the numbers allow one to say, first of all."""
    said, verdict = verdict_text(record, language), findings.verdict
    if verdict is None:
        return None
    blocks: list[Block] = [Text(said, "lead")]
    if verdict.kind == "helped":
        blocks.append(Text(t["verdict"]["helped_means"]))
    changes = [
        (t["verdict"][name], change)
        for name, change in (("gain", verdict.gain), ("intent", verdict.intent))
        if change is not None
    ]
    if changes:
        rows = [Interval(label, 100 * c.mean, 100 * c.low, 100 * c.high) for label, c in changes]
        alt = "; ".join(
            t["verdict"]["chart_row"].format(label=label, mean=points(c.mean), low=points(c.low), high=points(c.high))
            for label, c in changes
        )
        svg = intervals(rows, t["verdict"]["worse"], t["verdict"]["better"])
        blocks.append(Chart("verdict", svg, alt, t["verdict"]["about"]))
    return Section("verdict", t["verdict"]["title"], (), tuple(blocks))


def audit_section(record: Record, findings: Findings, t: dict[str, Any]) -> Section | None:
    """The expanded prompt, each phrase marked by what became of it."""
    if not findings.phrases:
        return None
    audit = t["audit"]
    stretches = audited_prompt(record.prompts.expanded, findings.phrases)
    there = {stretch.mark for stretch in stretches}
    legend = tuple(
        Legend(mark, sign, audit["marks"][mark], audit["mark_about"][mark])
        for mark, sign in SIGNS.items()
        if mark in there
    )
    said = audit_text(findings.phrases, t)
    blocks: list[Block] = [Text(said, "lead")] if said else []
    blocks.append(Audited(tuple(stretches), legend))
    scored = [
        Dumbbell(_marked_label(phrase, audit), 100 * phrase.on_simple, 100 * phrase.on_expanded)
        for phrase in findings.phrases
        if phrase.mark != "shared" and phrase.on_simple is not None and phrase.on_expanded is not None
    ][:MOST_ROWS]
    if scored:
        svg = dumbbells(scored, t["short_arm"]["simple"], t["short_arm"]["expanded"], (0, 100), chance=50)
        alt = "; ".join(
            audit["chart_row"].format(label=row.label, simple=f"{row.simple:.0f}", expanded=f"{row.expanded:.0f}")
            for row in scored
        )
        blocks.append(Chart("phrases", svg, alt, audit["chart"]))
    return Section("audit", audit["title"], (audit["about"],), tuple(blocks))


def card_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """Both pictures against both prompts, by the mean of the seeds and seed by seed."""
    cards = list(findings.cards.values())
    if not cards:
        return None
    card, mean = t["card"], mean_card(cards)
    rows = [
        Dumbbell(card["idea"], 100 * mean.simple_on_simple, 100 * mean.expanded_on_simple),
        Dumbbell(card["details"], 100 * mean.simple_on_expanded, 100 * mean.expanded_on_expanded),
    ]
    ends = [end for row in rows for end in (row.simple, row.expanded)]
    room = max(2.0, 0.15 * (max(ends) - min(ends)))
    svg = dumbbells(rows, t["short_arm"]["simple"], t["short_arm"]["expanded"], (min(ends) - room, max(ends) + room))
    alt = "; ".join(
        card["chart_row"].format(label=row.label, simple=f"{row.simple:.1f}", expanded=f"{row.expanded:.1f}")
        for row in rows
    )
    texts = card_texts(cards, t)
    blocks: list[Block] = [Text(text, "lead") for text in texts[:2]]
    blocks += [Text(text) for text in texts[2:]]
    blocks.append(Chart("score-card", svg, alt))
    columns = card["columns"]
    if len(cards) > 1:
        head = (card["seed"], *columns.values())
        by_seed = [
            (str(seed), *(points(getattr(one, name)) for name in columns)) for seed, one in findings.cards.items()
        ]
        blocks.append(Table(head, tuple(by_seed)))
    else:
        square = [
            (card[what], *(points(getattr(mean, f"{arm}_on_{prompt}")) for arm in ("simple", "expanded")))
            for what, prompt in (("idea", "simple"), ("details", "expanded"))
        ]
        blocks.append(Table(("", *card["pictures"].values()), tuple(square)))
    clip = findings.clip
    cut = () if clip is None else clip.expanded_cut or clip.simple_cut
    if clip is not None and cut:
        blocks.append(Text(card["cut"].format(limit=clip.limit, words=" ".join(cut)), "warning"))
    if mean.expanded_on_simple < mean.simple_on_simple:
        blocks.append(Text(card["crowded"], "warning"))
    if clip is not None:
        blocks.append(Text(card["model_seedling" if clip.name == "seedling" else "model"].format(name=clip.name)))
    return Section("card", card["title"], (card["about"],), tuple(blocks))


def ruler_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """How far the words moved the picture, against how far another seed does."""
    ruler = findings.ruler
    if ruler is None:
        return None
    sides = (("words", ruler.words, True), ("other_seed", ruler.other_seed, False))
    rows = [
        Bar(t["ruler"][name], amount(one, ruler.measure), distance_text(one, ruler.measure, t), strong)
        for name, one, strong in sides
    ]
    shots = tuple(
        Shot(file, t["ruler"]["shots"].format(seed=seed), t["seeds"]["seed"].format(seed=seed))
        for seed, file in ruler.files.items()
    )
    blocks: list[Block] = [Text(ruler_text(ruler, t), "lead"), _bars("ruler", rows)]
    if shots:
        blocks += [Text(t["ruler"]["shots_about"]), Strip(shots)]
    about = (t["ruler"]["about"], t["measure"][f"{ruler.measure}_about"])
    return Section("ruler", t["ruler"]["title"], about, tuple(blocks))


def placebo_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """Better words, or only more of them?"""
    placebo = findings.placebo
    if placebo is None:
        return None
    measure = measure_of((placebo.moved, placebo.words_moved))
    rows = [
        Bar(t["placebo"][name], amount(one, measure), distance_text(one, measure, t), strong)
        for name, one, strong in (("words", placebo.words_moved, True), ("placebo", placebo.moved, False))
    ]
    shots = tuple(
        Shot(
            file,
            t["placebo"]["alt"].format(seed=seed),
            t["placebo"]["shot"].format(seed=seed),
            t["placebo"]["fits"].format(
                simple=points(placebo.on_simple[seed]), expanded=points(placebo.on_expanded[seed])
            )
            if seed in placebo.on_simple and seed in placebo.on_expanded
            else "",
        )
        for seed, file in placebo.files.items()
    )
    blocks = (
        Text(placebo_text(placebo, t), "lead"),
        _bars("placebo", rows),
        Words(placebo.prompt, t["placebo"]["prompt"]),
        Strip(shots),
    )
    about = (t["placebo"]["about"].format(tokens=placebo.tokens), t["measure"][f"{measure}_about"])
    return Section("placebo", t["placebo"]["title"], about, blocks)


def blind_section(findings: Findings, t: dict[str, Any]) -> Section | None:
    """What somebody said of both pictures who did not know which is which."""
    blind = findings.blind
    if blind is None:
        return None
    name = t["prompts"]["expanders"].get(blind.expander, blind.expander)
    by = name if blind.llm_model is None else f"{name} {blind.llm_model}"
    blocks: list[Block] = [Words(blind.simple, t["blind"]["simple"]), Words(blind.expanded, t["blind"]["expanded"])]
    if blind.differences:
        blocks.append(Facts(((t["blind"]["differences"], tuple(Value(one, "line") for one in blind.differences)),)))
    order = t["blind"]["order"].format(arm=t["short_arm"][blind.first])
    blocks.append(Text(t["pause"].join((t["blind"]["by"].format(name=by), order))))
    about = (t["blind"]["about"].format(seed=blind.seed),)
    return Section("blind", t["blind"]["title"], about, tuple(blocks))


def _marked_label(phrase: PhraseRecord, audit: dict[str, Any]) -> str:
    """The phrase with its mark's name: rings and dots are the pictures' in this chart."""
    mark = mark_key(phrase)
    if mark not in audit["marks"]:
        return phrase.text
    text = shortened(phrase.text, MOST_LETTERS - 16)  # so that the chart does not cut the mark off
    return str(audit["chart_label"]).format(phrase=text, mark=audit["marks"][mark])


def _bars(name: str, rows: list[Bar]) -> Chart:
    return Chart(name, bars(rows), "; ".join(f"{row.label}: {row.number}" for row in rows))
