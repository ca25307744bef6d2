"""The whole report of a run in blocks, in the reader's language, and that report as HTML, Markdown or PDF."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from PIL import Image

from compare.instruments import INSTRUMENTS, Findings, difference_map
from compare.instruments.ladder import LadderRecord, unseen_but_moving
from compare.instruments.scores import (
    VerdictRecord,
    audit_section,
    card_section,
    undrawn_in,
    unknown_in,
    verdict_section,
    verdict_text,
)
from compare.instruments.scores import verdict_of as judged
from compare.report import html_text, markdown_zip, pdf_bytes, sentences
from compare.report.blocks import Block, Marked, Pair, Report, Section, Shot, Stretch, Strip, Table, Text, Title, Words
from compare.report.sentences import glosses
from compare.runs.record import Record, RecordError
from compare.view.facts import certificate_section, prompts_section, repeat_section, settings_section
from generate.models import vocabulary_of
from generate.picture import ARMS, Arm
from ideation import PromptPair, read_part, told
from ideation.english import GLUE, Piece, WordSpan, diff, words_of
from ideation.prompt import ARTICLES
from templates import Language

MOST_MAPS = 4  # difference maps in one report


def render_report(record: Record, pictures: Mapping[str, bytes], language: Language = "en") -> str:
    """The report of `record` as one HTML text, with the files `pictures` (by their names in the record) inside.

    Raises `RecordError` as `report_of` does.
    """
    return html_text(report_of(record, pictures, language), pictures)


def markdown_report(record: Record, pictures: Mapping[str, bytes], language: Language = "en") -> bytes:
    """The report of `record` as a ZIP: `report.md`, its pictures and its charts. Raises `RecordError`."""
    return markdown_zip(report_of(record, pictures, language), pictures)


def pdf_report(record: Record, pictures: Mapping[str, bytes], language: Language = "en") -> bytes:
    """The report of `record` as a PDF on A4. Raises `RecordError`, and `PdfError` or `FontError` where it cannot be
    set."""
    return pdf_bytes(report_of(record, pictures, language), pictures)


def report_of(record: Record, pictures: Mapping[str, bytes], language: Language = "en") -> Report:
    """The report of `record`, whose files have the bytes `pictures`; a section is there only if its finding is.

    Raises `RecordError` when a picture of the record is missing or cannot be read.
    """
    missing = [name for name in record.files if name not in pictures]
    if missing:
        raise RecordError(
            "a report needs every picture of its record; missing: {missing}",
            hint="copy the run again from where it was made",
            missing=", ".join(missing),
        )
    said = sentences(language)
    t, findings = said["report"], record.findings or Findings.model_validate({})
    drawn, verdict = _difference_maps(record, pictures), judged_verdict(record)
    sections = (
        pair_section(record, t),
        None
        if verdict is None
        else verdict_section(verdict, findings.distances, t, fair=record.certificate.holds, undrawn=_undrawn(record)),
        audit_section(findings.phrases, record.prompts.expanded, t, seeds=len(record.seeds), glosses=glosses(language)),
        card_section(findings.cards, findings.clip, t, verdict),
        _seeds_section(record, t),
        _apart_section(record, findings, drawn, t),
        *_instrument_sections(findings, said),
        _words_section("observations", [record.observations] if record.observations else [], t),
        _words_section("notes", [told(note, language) for note in findings.notes], t),
        certificate_section(record.certificate, record.settings, t),
        prompts_section(record.prompts, None if verdict is None else verdict.unknown, t, language),
        settings_section(record, t),
        repeat_section(record, t),
    )
    return Report(
        language,
        _title(record, t),
        tuple(section for section in sections if section is not None),
        record.settings.model,
        tuple(f"{name} {version}" for name, version in sorted(record.certificate.libraries.items())),
        drawn,
    )


def _instrument_sections(findings: Findings, said: dict[str, Any]) -> Iterator[Section]:
    """The sections of what was found, in the table's order; the ladder's also says how it differs from the audit."""
    for name, found in findings.results.items():
        section = INSTRUMENTS[name].section(found, said["instruments"][name], said["report"])
        if isinstance(found, LadderRecord):
            differs = unseen_but_moving(found, findings.phrases, said["instruments"][name], said["report"])
            section = replace(section, blocks=(*section.blocks, *([Text(differs, "warning")] if differs else [])))
        yield section


def verdict_of(record: Record, language: Language = "en") -> str:
    """The verdict of `record` in one to four sentences; "" if it has none."""
    findings, verdict = record.findings, judged_verdict(record)
    if findings is None or verdict is None:
        return ""
    t = sentences(language)["report"]
    return verdict_text(verdict, findings.distances, t, fair=record.certificate.holds, undrawn=_undrawn(record))


def _undrawn(record: Record) -> tuple[str, ...]:
    return undrawn_in(record.prompts, record.settings.model)


def judged_verdict(record: Record) -> VerdictRecord | None:
    """The verdict of a record. "helped" was said too easily before verdicts had their `worst` seed: it is judged again
    from the numbers that are there. That both prompts are the same was once called no difference."""
    findings = record.findings
    found = None if findings is None else findings.verdict
    if found is not None and found.kind == "no difference" and record.prompts.simple == record.prompts.expanded:
        return found.model_copy(update={"kind": "same prompts"})
    if findings is None or found is None or found.kind != "helped" or found.worst is not None or not findings.cards:
        return found
    unknown = unknown_in(record.prompts.simple, vocabulary_of(record.settings.model), None)
    return judged(record.prompts, findings.distances, findings.cards, unknown)


def unseen_note(prompts: PromptPair, t: dict[str, Any]) -> str:
    """What of the prompts the text encoder never saw, in sentences; "" where it saw all."""
    tokens = prompts.tokens
    return str(t["pause"]).join(
        t["unseen_note"][arm].format(limit=tokens.limit, tokens=getattr(tokens, arm), words=" ".join(dropped))
        for arm in ARMS
        if (dropped := tokens.dropped_of(arm))
    )


def marked_prompt(pieces: list[Piece], side: Arm, dropped: tuple[str, ...] = ()) -> list[Stretch]:
    """One side of a diff, cut up for display: words that the other prompt does not have are marked, the `dropped` tail
    is unseen.

    A word of both prompts is not marked, wherever it stands: moved or said twice, it is no new word. One of grammar
    ("a", "in") goes with the word that it leads to. Joining the texts gives the prompt back. White space and commas at
    the end of a run stay unmarked, because a line under them looks like a slip.

    >>> [(one.text, one.mark) for one in marked_prompt(diff("a dog in ink", "ink, a dog in neon light"), "expanded")]
    [('ink, a dog in ', 'same'), ('neon light', 'added')]
    >>> [(one.text, one.mark) for one in marked_prompt(diff("a dog in ink", "a dog in ink, in a wood"), "expanded")]
    [('a dog in ink, ', 'same'), ('in a wood', 'added')]
    """
    other: Arm = "expanded" if side == "simple" else "simple"
    shared = {_key(word) for word in words_of("".join(getattr(piece, other) for piece in pieces))}
    parts: list[tuple[str, str]] = []
    for piece in pieces:
        text, at = getattr(piece, side), 0
        for start, end in _runs(text, shared) if piece.kind != "same" else ():
            parts += [(text[at:start], "same"), (text[start:end], piece.kind)]
            at = end
        parts.append((text[at:], "same"))
    seen, position = len(read_part("".join(text for text, _ in parts), dropped)), 0
    stretches: list[Stretch] = []
    for mark, group in groupby((part for part in parts if part[0]), key=lambda part: part[1]):
        text = "".join(one for one, _ in group)
        cut = min(max(seen - position, 0), len(text))
        read = text[:cut].rstrip(" ,;.\n\t") if cut < len(text) else text
        stretches += [Stretch(read, mark), Stretch(text[len(read) : cut], "same")]
        stretches.append(Stretch(text[cut:], mark, unseen=True))
        position += len(text)
    return [stretch for stretch in stretches if stretch.text]


def _runs(text: str, shared: set[str]) -> Iterator[tuple[int, int]]:
    """Where runs of words begin and end that are not `shared`; a word of grammar is as the next one that is none."""
    words, new, leads_to_new = words_of(text), list[bool](), False
    for word in reversed(words):
        if word.key not in GLUE:
            leads_to_new = _key(word) not in shared
        new.append(leads_to_new or _key(word) not in shared)
    for is_new, run in groupby(zip(words, reversed(new), strict=True), key=lambda one: one[1]):
        if is_new:
            of_run = [word for word, _ in run]
            if len(of_run) > 1 and of_run[0].key in ARTICLES and _key(of_run[0]) in shared:  # an owl, a red owl
                of_run = of_run[1:]
            yield of_run[0].start, of_run[-1].end


def _key(word: WordSpan) -> str:
    return "a" if word.key == "an" else word.key


def _title(record: Record, t: dict[str, Any]) -> Title:
    concept = record.concept
    drawn = concept.index is not None and concept.seed is not None
    words = {"topic": concept.topic, "action": concept.action, "style": concept.style}
    return Title(
        concept.text,
        concept.language,
        t["drawn"].format(index=concept.index, seed=concept.seed) if drawn else t["typed"],
        tuple((t["parts"][kind], word.en, word.zh) for kind, word in words.items() if word is not None),
        record.created,
    )


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
                    "cannot read the picture {file}: {error}",
                    hint="copy the run again from where it was made",
                    file=render.file,
                    error=error,
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


def pair_block(record: Record, seed: int, t: dict[str, Any]) -> Pair:
    simple, expanded = (
        Shot(
            picture.file,
            t["alt"].format(arm=t["short_arm"][picture.arm], seed=seed, prompt=getattr(record.prompts, picture.arm)),
            t["short_arm"][picture.arm],
        )
        for picture in record.pair(seed)
    )
    return Pair(seed, simple, expanded)


def pair_section(record: Record, t: dict[str, Any]) -> Section:
    """The first pair and both prompts with what was added, removed and never seen."""
    prompts = record.prompts
    pieces = diff(prompts.simple, prompts.expanded)
    blocks: list[Block] = [pair_block(record, record.seeds[0], t)]
    blocks += [Marked(t["arm"][arm], tuple(marked_prompt(pieces, arm, prompts.tokens.dropped_of(arm)))) for arm in ARMS]
    if note := unseen_note(prompts, t):
        blocks.append(Text(note, "warning"))
    return Section("pair", t["seeds"]["seed"].format(seed=record.seeds[0]), (), tuple(blocks))


def _seeds_section(record: Record, t: dict[str, Any]) -> Section | None:
    rest = record.seeds[1:]
    if not rest:
        return None
    blocks: list[Block] = []
    for seed in rest:
        blocks += [Text(t["seeds"]["seed"].format(seed=seed), "heading"), pair_block(record, seed, t)]
    return Section("seeds", t["seeds"]["title"], (t["seeds"]["about"],), tuple(blocks))


def _apart_section(record: Record, findings: Findings, drawn: Mapping[str, bytes], t: dict[str, Any]) -> Section:
    """How far apart the pictures of each seed are, in pixels, structure and content; and from their draft."""
    clips = {seed: one.clip for seed, one in findings.distances.items() if one.clip is not None}
    head = [t["scores"]["seed"], t["scores"]["difference"], t["scores"]["ssim"]]
    rows: list[tuple[str, ...]] = []
    for seed in record.seeds:
        score = record.scores[seed]
        row = [
            str(seed),
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
