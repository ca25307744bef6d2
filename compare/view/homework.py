"""The report of a homework: many pairs in one booklet, in the reader's language, as blocks, HTML or PDF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from compare.instruments import Findings
from compare.instruments.scores import undrawn_in, verdict_text
from compare.report import Block, Booklet, Chapter, Section, booklet_html, booklet_pdf, sentences
from compare.report.blocks import Chart, Code, Grid, Pair, Seal, Shot, Table, Text, Title, Words
from compare.report.charts import Interval, intervals
from compare.report.sentences import points, signed_points
from compare.runs import REPORT_FILE, Record
from compare.statistics import FEWEST_CLUSTERS, paired
from compare.view.facts import certificate_section
from compare.view.report import judged_verdict, pair_block, pair_section
from templates import Language

#: So many of the other seeds are shown, small; all are in the runs.
MOST_SEEDS = 7
_MOST_LETTERS = 48


@dataclass(frozen=True)
class Failure:
    """A concept of which nothing came, why, and the command that tries it again."""

    concept: str
    reason: str
    command: str


@dataclass(frozen=True)
class Homework:
    """What is handed in: records by the names of their runs, by whom as far as they say, and when."""

    records: Mapping[str, Record]
    made: datetime
    by: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()


def homework_html(homework: Homework, pictures: Mapping[str, bytes], language: Language = "en") -> str:
    """The homework as one HTML text. `pictures` has the files of all runs, as "<run>/<file>", each asked for once."""
    return booklet_html(booklet_of(homework, language), pictures)


def homework_pdf(homework: Homework, pictures: Mapping[str, bytes], language: Language = "en") -> bytes:
    """The homework as a PDF on A4. Raises what `compare.view.pdf_report` does."""
    return booklet_pdf(booklet_of(homework, language), pictures)


def booklet_of(homework: Homework, language: Language = "en") -> Booklet:
    """The homework in blocks: all concepts together, each by itself, and what could not be made."""
    t, said = sentences(language)["report"], sentences(language)["homework"]
    records = list(homework.records.values())
    concepts = len(set(map(_concept_key, records)))
    libraries = {f"{name} {version}" for one in records for name, version in one.certificate.libraries.items()}
    return Booklet(
        language,
        said["title" if concepts > 1 else "title_of_one"].format(concepts=concepts),
        homework.by,
        homework.made,
        (_summary(records, t, said),),
        tuple(
            _chapter(number, run, record, t, said)
            for number, (run, record) in enumerate(homework.records.items(), start=1)
        ),
        _failed(homework.failed, said),
        tuple(dict.fromkeys(one.settings.model for one in records)),
        tuple(sorted(libraries)),
    )


def _chapter(number: int, run: str, record: Record, t: dict[str, Any], said: dict[str, Any]) -> Chapter:
    verdict, findings = judged_verdict(record), record.findings or Findings.model_validate({})
    seal = certificate_section(record.certificate, record.settings, t).blocks[0]
    assert isinstance(seal, Seal)  # noqa: S101 - the section begins with it
    sections = [pair_section(record, t)]
    if verdict is not None:
        undrawn = undrawn_in(record.prompts, record.settings.model)
        text = verdict_text(verdict, findings.distances, t, fair=record.certificate.holds, undrawn=undrawn)
        sections.append(Section("verdict", t["verdict"]["title"], (), (Text(text, "lead"),)))
    if record.observations and record.observations.strip():
        sections.append(Section("observations", said["words"], (), (Words(record.observations),)))
    # What a seal means is said once, in front; what broke it, wherever it is broken.
    shown = replace(seal, about="") if seal.holds else seal
    sections.append(Section("certificate", t["certificate"]["title"], (), (shown,)))
    if rest := record.seeds[1:]:
        sections.append(_seeds(record, rest, t, said))
    kind = "none" if verdict is None else verdict.told
    return Chapter(
        f"pair-{number}",
        _title(record, t, said),
        tuple(_in_run(section, run) for section in sections),
        said["kinds"][kind],
        record.certificate.holds,
        not record.certificate.differs,
        f"runs/{run}/{REPORT_FILE}",
    )


def _title(record: Record, t: dict[str, Any], said: dict[str, Any]) -> Title:
    concept, settings = record.concept, record.settings
    by = t["prompts"]["expanders"].get(record.prompts.expander, record.prompts.expander)
    origin = said["origin"].format(
        seeds=t["joint"].join(map(str, record.seeds[:1])) if len(record.seeds) == 1 else _seed_range(record),
        model=settings.model,
        scheduler=settings.scheduler,
        steps=settings.num_inference_steps,
        expander=by if record.prompts.llm_model is None else f"{by} {record.prompts.llm_model}",
    )
    return Title(concept.text, concept.language, origin, (), record.created)


def _seed_range(record: Record) -> str:
    return f"{record.seeds[0]}–{record.seeds[-1]}"


def _seeds(record: Record, seeds: Sequence[int], t: dict[str, Any], said: dict[str, Any]) -> Section:
    """The other seeds, small, side by side."""
    pairs = [pair_block(record, seed, t) for seed in seeds[:MOST_SEEDS]]
    rows = (
        (t["short_arm"]["simple"], tuple((pair.simple,) for pair in pairs)),
        (t["short_arm"]["expanded"], tuple((pair.expanded,) for pair in pairs)),
    )
    blocks: list[Block] = [Grid("", tuple(t["seeds"]["seed"].format(seed=pair.seed) for pair in pairs), rows)]
    if len(seeds) > MOST_SEEDS:
        blocks.append(Text(said["more_seeds"].format(number=len(seeds) - MOST_SEEDS)))
    return Section("seeds", t["seeds"]["title"], (), tuple(blocks))


def _in_run(section: Section, run: str) -> Section:
    """The section with its pictures by their names in the whole."""

    def named(shot: Shot) -> Shot:
        return replace(shot, file=f"{run}/{shot.file}")

    blocks: list[Block] = []
    for block in section.blocks:
        match block:
            case Pair():
                blocks.append(replace(block, simple=named(block.simple), expanded=named(block.expanded)))
            case Grid():
                rows = tuple((label, tuple(tuple(map(named, shots)) for shots in cells)) for label, cells in block.rows)
                blocks.append(replace(block, rows=rows))
            case _:
                blocks.append(block)
    return replace(section, blocks=tuple(blocks))


def _failed(failed: Sequence[Failure], said: dict[str, Any]) -> tuple[Section, ...]:
    blocks: list[Block] = []
    for one in failed:
        blocks += [Text(one.concept, "heading"), Text(one.reason)]
        if one.command:
            blocks.append(Code(one.command, words=tuple(one.command.split(" "))))
    told = said["failed"]
    return (Section("failed", told["title"], (told["about"],), tuple(blocks)),) if blocks else ()


def _summary(records: Sequence[Record], t: dict[str, Any], said: dict[str, Any]) -> Section:
    """All concepts together: how many of each verdict, a line for each, and what they say as one where they may."""
    told = said["summary"]
    verdicts = [judged_verdict(record) for record in records]
    kinds = [said["kinds"]["none" if one is None else one.told] for one in verdicts]
    counts = t["joint"].join(told["of_kind"].format(kind=kind, number=n) for kind, n in Counter(kinds).most_common())
    pairs = sum(len(record.seeds) for record in records)
    unfair = sum(not record.certificate.holds for record in records)
    blocks: list[Block] = [
        Text(told["count"].format(concepts=len(set(map(_concept_key, records))), pairs=pairs, kinds=counts), "lead"),
        *_together(records, t, told),
        Text(told["unfair"].format(number=unfair), "warning") if unfair else Text(told["all_fair"]),
        _table(records, kinds, t, told),
    ]
    return Section("summary", told["title"], (told["about"],), tuple(blocks))


def _table(records: Sequence[Record], kinds: Sequence[str], t: dict[str, Any], told: dict[str, Any]) -> Table:
    rows = []
    for number, (record, kind) in enumerate(zip(records, kinds, strict=True), start=1):
        text = record.concept.text
        name = text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1].rstrip() + "…"
        pixels = [score.mean_absolute_difference for score in record.scores.values()]
        gain, intent = _changes(record)
        rows.append(
            (
                f"{number}. {name}",
                kind,
                t["measure"]["mean_absolute_difference"].format(number=f"{100 * sum(pixels) / len(pixels):.1f}"),
                "–" if gain is None else signed_points(gain),
                "–" if intent is None else signed_points(intent),
            )
        )
    head = told["head"]
    return Table((head["concept"], head["found"], head["moved"], head["gain"], head["intent"]), tuple(rows))


def _changes(record: Record) -> tuple[float | None, float | None]:
    """How much better the expanded pictures fit the expanded and the simple prompt, on average over the seeds; the
    second is None where the idea cannot be judged."""
    cards, verdict = {} if record.findings is None else record.findings.cards, judged_verdict(record)
    if not cards:
        return None, None
    judged = verdict is None or verdict.unknown is None or not verdict.unknown.core
    return (
        float(np.mean([one.expanded_on_expanded - one.simple_on_expanded for one in cards.values()])),
        float(np.mean([one.expanded_on_simple - one.simple_on_simple for one in cards.values()])) if judged else None,
    )


def _together(records: Sequence[Record], t: dict[str, Any], told: dict[str, Any]) -> list[Block]:
    """What the concepts say as one. Each counts once; points of two CLIPs are not the same points."""
    judged = [record for record in records if record.findings is not None and record.findings.cards]
    judges = {one.findings.clip.digest for one in judged if one.findings is not None and one.findings.clip is not None}
    if not judged:
        return [Text(told["no_clip"])]
    if len(judges) > 1:
        return [Text(told["many_clips"].format(number=len(judges)))]
    concepts = _by_concept(judged)
    if len(concepts) < FEWEST_CLUSTERS:
        return [Text(told["too_few"].format(fewest=FEWEST_CLUSTERS))]
    blocks: list[Block] = []
    rows, alt = [], []
    for place, name in enumerate(("gain", "intent")):
        changes = [one for both in concepts if (one := both[place]) is not None]
        if len(changes) < len(concepts):
            blocks.append(Text(told["unjudged"].format(number=len(concepts) - len(changes))))
        if len(changes) < FEWEST_CLUSTERS:
            continue
        found = paired(changes, np.random.default_rng(place))
        assert found.interval is not None  # noqa: S101 - there are enough concepts
        low, high = found.interval.low, found.interval.high
        blocks.append(
            Text(
                told[name][found.outcome.replace(" ", "_")].format(
                    concepts=len(changes),
                    mean=signed_points(found.mean),
                    low=signed_points(low),
                    high=signed_points(high),
                ),
                "lead",
            )
        )
        rows.append(Interval(t["verdict"][name], 100 * found.mean, 100 * low, 100 * high))
        alt.append(
            t["verdict"]["chart_row"].format(
                label=t["verdict"][name], mean=points(found.mean), low=points(low), high=points(high)
            )
        )
    svg = intervals(rows, t["verdict"]["worse"], t["verdict"]["better"])
    return [*blocks, Chart("together", svg, "; ".join(alt), told["chart"])]


def _by_concept(records: Sequence[Record]) -> list[tuple[float | None, float | None]]:
    """Gain and intent of each concept, the mean of its runs where it was made more than once; None as `_changes` has
    it."""
    found: dict[str, list[tuple[float | None, float | None]]] = {}
    for record in records:
        found.setdefault(_concept_key(record), []).append(_changes(record))
    return [(_mean([gain for gain, _ in runs]), _mean([intent for _, intent in runs])) for runs in found.values()]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _concept_key(record: Record) -> str:
    """The same for one concept, however it was spaced and capitalised."""
    return " ".join(record.concept.text.casefold().split())
