"""The report of a study: its analysis as sections in the reader's language, and as one HTML file that opens offline."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from PIL import Image

import templates
from compare.report import Block, Section, sentences
from compare.report.blocks import Chart, Code, Facts, Shot, Strip, Table, Text, Value
from compare.report.charts import Interval as Row
from compare.report.charts import inline, intervals
from compare.report.distributions import Slope, Split, slopes, splits
from compare.report.sentences import signed_points
from compare.statistics import MOST_CLUSTERS
from compare.study.analysis import Analysis, Answer, Example
from compare.study.design import PRIMARY, Addition, Plan
from compare.study.export import citation
from compare.study.scores import METRICS
from ideation import told
from templates import Language

#: Pixels: the longest side of an example, twice what it is shown at.
_SIDE = 384
#: So many failures and lines that were left out are named.
_MOST_NAMED = 12
#: What is a cosine or a share is told in hundredths; tokens and words are counted.
_COUNTED = ("tokens", "cut")

Pictures = Callable[[str, str], bytes]


def study_sections(plan: Plan, analysis: Analysis, language: Language) -> tuple[Section, ...]:
    """All that the report says, the answer first."""
    t = sentences(language)["study"]
    made = (
        _answer_section(plan, analysis, t),
        _category_section(plan, analysis, t),
        _ranking_section(plan, analysis, t),
        _pairs_section(plan, analysis, t),
        _wins_section(plan, analysis, t),
        _examples_section(analysis, t),
        _prompts_section(plan, analysis, t),
        _power_section(plan, analysis, t),
        _funnel_section(plan, analysis, t, language),
        _plan_section(plan, t),
        Section("cite", t["cite"]["title"], (t["cite"]["about"],), (Code(citation(plan).strip(), t["cite"]["title"]),)),
    )
    return tuple(section for section in made if section is not None)


def study_sentences(plan: Plan, analysis: Analysis, language: Language = "en") -> tuple[str, ...]:
    """What was found of each arm and model, in one sentence each that can be quoted."""
    return tuple(_sentences(plan, analysis, sentences(language)["study"]))


def study_html(plan: Plan, analysis: Analysis, pictures: Pictures, language: Language = "en") -> str:
    """The report as one HTML text; `pictures` gives the bytes of a file of a unit."""
    said = sentences(language)
    t = said["study"]
    css = templates.render("reports/report.css") + templates.render("reports/study.css")
    return templates.render(
        "reports/study.html.j2",
        t=said["report"],
        said=t,
        # Hashes instead of 'unsafe-inline': should a text ever break out of its place, no browser would run it.
        policy=f"default-src 'none'; img-src data:; style-src {_hash(css)}; base-uri 'none'; form-action 'none'",
        css=css,
        language=language,
        motto=t["motto"].format(concepts=len(plan.concepts), seeds=_seeds(plan, t), pairs=plan.pairs),
        of=t["of"].format(arms=_listed(arm.name for arm in plan.arms), models=_listed(plan.models)),
        created=f"{plan.created:%Y-%m-%d %H:%M} UTC",
        created_iso=f"{plan.created:%Y-%m-%dT%H:%M:%SZ}",
        sections=study_sections(plan, analysis, language),
        sources={_file(unit, file): _source(pictures(unit, file)) for unit, file in _shown(analysis)},
        inline=inline,
        foot=t["foot"].format(models=_listed(plan.models), version=f"Twinseed {plan.twinseed}"),
    )


def p_text(p: float | None) -> str:
    """A p-value as it is printed.

    >>> p_text(0.0312), p_text(0.00001), p_text(None)
    ('0.031', '< 0.001', '–')
    """
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _sentences(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Iterator[str]:
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
                "seeds": _seeds(plan, t),
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
            if answer.added:
                sentence = f"{sentence} ({t['added']})"
            yield sentence if len(plan.models) == 1 else t["answer"]["on_model"].format(sentence=sentence, model=model)
    if not found:
        yield t["answer"]["nobody"]


def _seeds(plan: Plan, t: dict[str, Any]) -> str:
    return str(t["one_seed"] if plan.seeds == 1 else t["many_seeds"].format(seeds=plan.seeds))


def _with_sign(p: float | None) -> str:
    text = p_text(p)
    return text if text.startswith(("<", "–")) else f"= {text}"


def _answer_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section:
    said = t["answer"]
    blocks: list[Block] = [Text(sentence, "lead") for sentence in _sentences(plan, analysis, t)]
    tested = [one for one in analysis.answers if one.category is None and METRICS[_measure(one.metric)].tested]
    for at, one in enumerate(tested):
        if one.metric == PRIMARY and one.result.outcome == "less" and at == 0:
            blocks.append(Text(said["crowded"]))
    # What is no cosine has a scale of its own.
    rows = [one for one in tested if one.result.interval is not None and _measure(one.metric) != "diversity"]
    if rows:
        blocks.append(_forest("answer", [(_label(one, plan, t), one) for one in rows], t))
    body = tuple(
        (
            _label(one, plan, t),
            signed_points(one.result.mean),
            _interval(one),
            p_text(one.result.corrected),
            said["outcomes"][one.result.outcome],
            _effect(one),
            p_text(one.result.sign),
        )
        for one in tested
    )
    if body:
        blocks.append(Table(tuple(said["head"].values()), body))
    return Section("answer", said["title"], (said["about"],), tuple(blocks))


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


def _category_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    said = t["category"]
    arm, model = plan.arms[0].name, plan.models[0]
    chosen = [
        one
        for one in analysis.answers
        if one.category is not None and (one.arm, one.model, one.metric) == (arm, model, PRIMARY)
    ]
    if not chosen:
        return None
    chosen.sort(key=lambda one: one.result.mean)
    known = [(f"{one.category} ({one.result.clusters})", one) for one in chosen if one.result.interval is not None]
    few = [str(one.category) for one in chosen if one.result.interval is None]
    blocks: list[Block] = []
    if known:
        blocks.append(_forest("categories", known, t))
        head = tuple(t["answer"]["head"].values())[:5]
        rows = tuple(
            (
                label,
                signed_points(one.result.mean),
                _interval(one),
                p_text(one.result.corrected),
                t["answer"]["outcomes"][one.result.outcome],
            )
            for label, one in known
        )
        blocks.append(Table(head, rows))
    if few:
        blocks.append(Text(said["few"].format(names=_listed(few))))
    return Section("categories", said["title"], (said["about"],), tuple(blocks))


def _ranking_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
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


def _pairs_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
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
            if len(plan.models) * len(plan.arms) > 1:
                blocks.append(Text(_arm(arm.name, model, plan, t), "heading"))
            blocks.append(Chart(f"pairs-{len(blocks)}", slopes(rows, t["wins"]["loss"], t["wins"]["win"]), alt))
    return Section("pairs", said["title"], (said["about"],), tuple(blocks)) if blocks else None


def _wins_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    said = t["wins"]
    tested = [one for one in analysis.answers if one.category is None and METRICS[_measure(one.metric)].tested]
    if not tested:
        return None
    rows = [
        Split(_label(one, plan, t), one.result.tally.win.count, one.result.tally.tie.count, one.result.tally.loss.count)
        for one in tested
    ]
    alt = "; ".join(said["alt"].format(label=row.label, win=row.win, tie=row.tie, loss=row.loss) for row in rows)
    shares = [
        Text(
            said["share"].format(
                label=_label(one, plan, t),
                share=f"{100 * one.result.tally.win.share:.0f}",
                low=f"{100 * one.result.tally.win.interval.low:.0f}",
                high=f"{100 * one.result.tally.win.interval.high:.0f}",
            )
        )
        for one in tested
        if one.primary
    ]
    chart = Chart("wins", splits(rows, said["win"], said["tie"], said["loss"]), alt)
    return Section("wins", said["title"], (said["about"],), (chart, *shares))


def _examples_section(analysis: Analysis, t: dict[str, Any]) -> Section | None:
    if not analysis.examples:
        return None
    said = t["examples"]
    blocks: list[Block] = []
    for one in analysis.examples:
        heading = said["quantile"].format(
            percent=f"{100 * one.quantile:.0f}", difference=signed_points(one.difference), concept=one.text
        )
        blocks += [Text(heading, "heading"), Strip(tuple(_shots(one, said)))]
    return Section("examples", said["title"], (said["about"],), tuple(blocks))


def _shots(example: Example, said: dict[str, Any]) -> Iterator[Shot]:
    for file, prompt in ((example.simple, example.simple_prompt), (example.expanded, example.expanded_prompt)):
        yield Shot(_file(example.unit, file), said["alt"].format(prompt=prompt), prompt)


def _prompts_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    said = t["prompts"]
    rows = []
    for one in analysis.answers:
        if one.category is None and not METRICS[_measure(one.metric)].tested:
            scale = 1 if one.metric in _COUNTED else 100
            numbers = (scale * one.simple, scale * one.expanded, scale * one.result.mean)
            rows.append((_label(one, plan, t), *(f"{number:.1f}".replace("-", "\N{MINUS SIGN}") for number in numbers)))
    return (
        Section("prompts", said["title"], (said["about"],), (Table(tuple(said["head"].values()), tuple(rows)),))
        if rows
        else None
    )


def _power_section(plan: Plan, analysis: Analysis, t: dict[str, Any]) -> Section | None:
    if not analysis.power:
        return None
    said = t["power"]
    blocks = []
    for name, power in analysis.power.items():
        arm, _, model = name.rpartition("@")
        label = _arm(arm, model, plan, t)
        if power.clusters is None:
            blocks.append(Text(said["never"].format(arm=label, most=f"{MOST_CLUSTERS:,}")))
        else:
            blocks.append(
                Text(said["needed"].format(arm=label, clusters=power.clusters, percent=f"{100 * power.power:.0f}"))
            )
    return Section("power", said["title"], (said["about"],), tuple(blocks))


def _funnel_section(plan: Plan, analysis: Analysis, t: dict[str, Any], language: Language) -> Section:
    said = t["funnel"]
    reasons = said["reasons"]
    rows = tuple(
        (
            said["steps"][step.name],
            str(step.units),
            _listed(f"{reasons.get(name, name)}: {count}" for name, count in step.lost.items()) or "–",
        )
        for step in analysis.funnel
    )
    blocks: list[Block] = [Table(tuple(said["head"].values()), rows)]
    if plan.left_out:
        named = [
            said["line"].format(number=number, why=told(why, language)) for number, why in plan.left_out[:_MOST_NAMED]
        ]
        if len(plan.left_out) > _MOST_NAMED:
            named.append(said["more"].format(count=len(plan.left_out) - _MOST_NAMED))
        blocks.append(Text(said["lines"].format(count=len(plan.left_out), lines=_listed(named))))
    for outcome in analysis.failed[:_MOST_NAMED]:
        if outcome.complaint is not None:
            concept = plan.concepts[outcome.concept].concept.text
            message = told(outcome.complaint.message, language)
            blocks.append(Text(said["failed"].format(concept=concept, arm=outcome.arm, message=message)))
    if len(analysis.failed) > _MOST_NAMED:
        blocks.append(Text(said["more"].format(count=len(analysis.failed) - _MOST_NAMED)))
    return Section("funnel", said["title"], (said["about"],), tuple(blocks))


def _plan_section(plan: Plan, t: dict[str, Any]) -> Section:
    said = t["plan"]
    settings = plan.request.settings
    rows: list[tuple[str, tuple[Value, ...]]] = [
        (said["digest"], (Value(plan.digest, "code"),)),
        (said["written"], (Value(f"{plan.created:%Y-%m-%d %H:%M} UTC"),)),
        (said["concepts"], (Value(f"{len(plan.concepts)} ({plan.source})"),)),
        (said["seeds"], (Value(said["seeds_are"].format(seeds=_seeds(plan, t), seed=plan.seed)),)),
        (
            said["settings"],
            (
                Value(
                    said["settings_are"].format(
                        steps=settings.num_inference_steps,
                        scheduler=settings.scheduler,
                        guidance=f"{settings.guidance_scale:g}",
                    )
                ),
            ),
        ),
        (said["questions"], tuple(Value(one.text, "line") for one in plan.questions if one.primary)),
        (
            said["analysis"],
            tuple(Value(text, "line") for text in said["methods"].values()),
        ),
    ]
    if plan.judges:
        rows.append((said["judges"], (Value(_listed(plan.judges)),)))
    if plan.additions:
        rows.append((said["additions"], tuple(Value(_addition(one, said), "line") for one in plan.additions)))
    return Section("plan", said["title"], (said["about"],), (Facts(tuple(rows)),))


def _addition(one: Addition, said: dict[str, Any]) -> str:
    what = [*one.arms, *one.models, *one.judges]
    if one.concepts is not None:
        what.insert(0, said["concepts_from"].format(first=one.concepts + 1))
    return str(said["addition"].format(at=f"{one.at:%Y-%m-%d %H:%M} UTC", what=_listed(what)))


def _measure(metric: str) -> str:
    return metric.rpartition(":")[2]


def _label(one: Answer, plan: Plan, t: dict[str, Any]) -> str:
    """What was measured, by whom, of which arm and model, where there are several; and whether it was added."""
    judge, _, metric = one.metric.rpartition(":")
    label = t["metrics"][metric]
    if judge:
        label = t["metric_by"].format(metric=label, judge=judge)
    if len(plan.arms) * len(plan.models) > 1:
        label = f"{_arm(one.arm, one.model, plan, t)}: {label}"
    return f"{label} ({t['added']})" if one.added else str(label)


def _arm(arm: str, model: str, plan: Plan, t: dict[str, Any]) -> str:
    return arm if len(plan.models) == 1 else str(t["arm_of"].format(arm=arm, model=model))


def _interval(one: Answer) -> str:
    interval = one.result.interval
    return "–" if interval is None else f"{signed_points(interval.low)} … {signed_points(interval.high)}"


def _effect(one: Answer) -> str:
    effect, interval = one.result.effect, one.result.effect_interval
    if effect is None or interval is None:
        return "–"
    return f"{effect:+.2f} ({interval.low:+.2f} … {interval.high:+.2f})".replace("-", "\N{MINUS SIGN}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _file(unit: str, file: str) -> str:
    return f"{unit}/{file}"


def _shown(analysis: Analysis) -> Iterator[tuple[str, str]]:
    for one in analysis.examples:
        yield one.unit, one.simple
        yield one.unit, one.expanded


def _source(content: bytes) -> dict[str, Any]:
    """The picture for the page; of a large one a smaller copy, so that the report stays light."""
    with Image.open(io.BytesIO(content)) as image:
        copy = image.convert("RGB")
    copy.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    copy.save(buffer, format="WEBP", quality=90)
    address = f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return {"address": address, "width": copy.width, "height": copy.height}


def _hash(text: str) -> str:
    """The Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
