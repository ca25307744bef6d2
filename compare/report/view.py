"""The whole report of a run in blocks, in the reader's language, before it is written as HTML, Markdown or PDF."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from compare.instruments.distance import difference_map
from compare.instruments.results import Findings
from compare.instruments.scores.phrase_audit import audit_section
from compare.instruments.scores.score_card import card_section
from compare.instruments.scores.verdict import verdict_section, verdict_text
from compare.instruments.table import INSTRUMENTS
from compare.report.blocks import (
    Block,
    Marked,
    Report,
    Section,
    Shot,
    Stretch,
    Strip,
    Table,
    Text,
    Words,
)
from compare.report.facts import certificate_section, prompts_section, repeat_section, settings_section
from compare.report.prompts import marked_prompt
from compare.report.sentences import sentences
from compare.runs.record import Record, RecordError
from ideation.english.diff import diff
from templates import Language

MOST_MAPS = 4  # difference maps in one report


def report_of(record: Record, pictures: Mapping[str, bytes], language: Language) -> Report:
    """The report of `record`, whose files have the bytes `pictures`; a section is there only if its finding is.

    Raises `compare.runs.record.RecordError` when a picture of the record is missing or cannot be read.
    """
    missing = [name for name in record.files if name not in pictures]
    if missing:
        raise RecordError(
            f"a report needs every picture of its record; missing: {', '.join(missing)}",
            hint="copy the run again from where it was made",
        )
    t = sentences(language)["report"]
    findings = record.findings or Findings.model_validate({})
    drawn = _difference_maps(record, pictures)
    sections = (
        _pair_section(record, t),
        None
        if findings.verdict is None
        else verdict_section(findings.verdict, findings.distances, t, fair=record.certificate.holds),
        audit_section(findings.phrases, record.prompts.expanded, t),
        card_section(findings.cards, findings.clip, t),
        _seeds_section(record, t),
        _apart_section(record, findings, drawn, t),
        *(
            INSTRUMENTS[name].section(found, sentences(language)["instruments"][name], t)
            for name, found in findings.results.items()
        ),
        _words_section("observations", [record.observations] if record.observations else [], t),
        _words_section("notes", list(findings.notes), t),
        certificate_section(record, t),
        prompts_section(record, t),
        settings_section(record, t),
        repeat_section(record, t),
    )
    return Report(tuple(section for section in sections if section is not None), drawn)


def verdict_of_record(record: Record, language: Language = "en") -> str:
    """The verdict of `record` in one to four sentences; "" if it has none."""
    findings = record.findings
    if findings is None or findings.verdict is None:
        return ""
    t = sentences(language)["report"]
    return verdict_text(findings.verdict, findings.distances, t, fair=record.certificate.holds)


def _difference_maps(record: Record, pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """The difference maps of the first seeds, as PNG files by name."""
    drawn = {}
    for seed in record.seeds[:MOST_MAPS]:
        images = []
        for render in record.pair(seed):
            try:
                with Image.open(io.BytesIO(pictures[render.file])) as image:
                    images.append(image.convert("RGB"))
            except (OSError, ValueError, SyntaxError) as error:
                raise RecordError(
                    f"cannot read the picture {render.file}: {error}", hint="copy the run again from where it was made"
                ) from error
        if images[0].size != images[1].size:
            continue
        buffer = io.BytesIO()
        difference_map(*images).save(buffer, format="PNG")
        drawn[map_file(seed)] = buffer.getvalue()
    return drawn


def map_file(seed: int) -> str:
    """The name of the difference map of `seed` among the report's own pictures."""
    return f"difference-{seed}.png"


def _shots(record: Record, seed: int, t: dict[str, Any]) -> Strip:
    return Strip(
        tuple(
            Shot(
                render.file,
                t["alt"].format(arm=t["short_arm"][render.arm], seed=seed, prompt=getattr(record.prompts, render.arm)),
                t["short_arm"][render.arm],
            )
            for render in record.pair(seed)
        ),
        "pair",
    )


def _pair_section(record: Record, t: dict[str, Any]) -> Section:
    """The first pair and both prompts with what was added, removed and never seen."""
    prompts = record.prompts
    pieces = diff(prompts.simple, prompts.expanded)
    blocks: list[Block] = [_shots(record, record.seeds[0], t)]
    for arm, dropped in (("simple", ()), ("expanded", prompts.tokens.dropped)):
        parts = marked_prompt(pieces, "simple" if arm == "simple" else "expanded", dropped)
        blocks.append(
            Marked(t["arm"][arm], tuple(Stretch(part.text, "unseen" if part.unseen else part.mark) for part in parts))
        )
    if prompts.tokens.dropped:
        blocks.append(Text(unseen_note(record, t), "warning"))
    return Section("pair", t["seeds"]["seed"].format(seed=record.seeds[0]), (), tuple(blocks))


def unseen_note(record: Record, t: dict[str, Any]) -> str:
    """What of the expanded prompt the text encoder never saw, as a sentence."""
    tokens = record.prompts.tokens
    note: str = t["unseen_note"]
    return note.format(limit=tokens.limit, expanded=tokens.expanded, words=" ".join(tokens.dropped))


def _seeds_section(record: Record, t: dict[str, Any]) -> Section | None:
    rest = record.seeds[1:]
    if not rest:
        return None
    blocks: list[Block] = []
    for seed in rest:
        blocks += [Text(t["seeds"]["seed"].format(seed=seed), "heading"), _shots(record, seed, t)]
    return Section("seeds", t["seeds"]["title"], (t["seeds"]["about"],), tuple(blocks))


def _apart_section(record: Record, findings: Findings, drawn: Mapping[str, bytes], t: dict[str, Any]) -> Section:
    """How far apart the pictures of each seed are, in pixels, structure and content; and from their draft."""
    clips = {seed: one.clip for seed, one in findings.distances.items() if one.clip is not None}
    head = [t["scores"]["seed"], t["scores"]["difference"], t["scores"]["ssim"]]
    rows = []
    for seed in record.seeds:
        score = record.scores[seed]
        row = [
            seed,
            t["measure"]["mean_absolute_difference"].format(number=f"{100 * score.mean_absolute_difference:.1f}"),
            f"{score.ssim:.3f}",
        ]
        if clips:
            row.append(f"{max(0.0, 100 * clips[seed]):.1f}" if seed in clips else "–")
        rows.append((*row, f"{sum(render.seconds for render in record.pair(seed)):.1f}"))
    if clips:
        head.append(t["apart"]["clip"])
    maps = tuple(
        Shot(map_file(seed), t["apart"]["map_alt"].format(seed=seed), t["apart"]["map"].format(seed=seed))
        for seed in record.seeds
        if map_file(seed) in drawn
    )
    blocks: list[Block] = [Strip(maps), Text(t["apart"]["map_about"])] if maps else []
    blocks.append(Table((*head, t["scores"]["seconds"]), tuple(rows)))
    if record.draft:
        draft = t["draft"]
        title = draft["title"].format(
            before=record.draft.num_inference_steps, after=record.settings.num_inference_steps
        )
        blocks.append(Text(title, "heading"))
        for seed, drift in record.draft.drift.items():
            moved = {"simple": f"{100 * drift['simple']:.1f}", "expanded": f"{100 * drift['expanded']:.1f}"}
            blocks.append(Text(draft["drift"].format(seed=seed, **moved)))
        blocks.append(Text(draft["settles"] if record.draft.settles else draft["wanders"]))
    about = (t["scores"]["how"], *((t["apart"]["clip_about"],) if clips else ()))
    return Section("apart", t["scores"]["title"], about, tuple(blocks))


def _words_section(name: str, words: list[str], t: dict[str, Any]) -> Section | None:
    if not any(one.strip() for one in words):
        return None
    return Section(name, t[name]["title"], (t[name]["about"],), tuple(Words(one) for one in words))
