"""The whole report of a run in blocks, in the reader's language, before it is written as HTML, Markdown or PDF."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Mapping
from typing import Any

from PIL import Image

from compare.diff import diff
from compare.difference_map import difference_map
from compare.findings import Findings
from compare.record import Record, RecordError
from compare.report_blocks import (
    Block,
    Code,
    Facts,
    Marked,
    Report,
    Seal,
    Section,
    Shot,
    Stretch,
    Strip,
    Table,
    Text,
    Value,
    Words,
)
from compare.report_findings import (
    audit_section,
    blind_section,
    card_section,
    placebo_section,
    ruler_section,
    verdict_section,
)
from compare.report_prompts import marked_prompt
from compare.report_series import attention_section, ladder_section, morph_section, sweep_section
from compare.sentences import Language, points, sentences

MOST_MAPS = 4  # difference maps in one report


def report_of(record: Record, pictures: Mapping[str, bytes], language: Language) -> Report:
    """The report of `record`, whose files have the bytes `pictures`; a section is there only if its finding is.

    Raises `compare.record.RecordError` when a picture of the record is missing or cannot be read.
    """
    missing = [name for name in record.files if name not in pictures]
    if missing:
        raise RecordError(
            f"a report needs every picture of its record; missing: {', '.join(missing)}",
            hint="copy the run again from where it was made",
        )
    t = sentences(language)["report"]
    findings = record.findings or Findings()
    drawn = _difference_maps(record, pictures)
    sections = (
        _pair_section(record, t),
        verdict_section(record, findings, t, language),
        audit_section(record, findings, t),
        card_section(findings, t),
        _seeds_section(record, t),
        _apart_section(record, findings, drawn, t),
        ruler_section(findings, t),
        placebo_section(findings, t),
        ladder_section(findings, t),
        morph_section(findings, t),
        attention_section(findings, t),
        sweep_section(findings, t),
        blind_section(findings, t),
        _words_section("observations", [record.observations] if record.observations else [], t),
        _words_section("notes", list(findings.notes), t),
        _certificate_section(record, t),
        _prompts_section(record, t),
        _settings_section(record, t),
        _repeat_section(record, t),
    )
    return Report(tuple(section for section in sections if section is not None), drawn)


def repeat_words(record: Record) -> list[str]:
    """The words of the command line that makes the same pictures again; `shlex.join` makes one line of them.

    It gives the prompts as they are, so that no expander has to be asked again.
    """
    prompts, settings = record.prompts, record.settings
    options = {
        "--simple": prompts.simple,
        "--expanded": prompts.expanded,
        **({"--negative": prompts.negative} if prompts.negative else {}),
        "--model": settings.model,
        "--scheduler": settings.scheduler,
        "--steps": str(settings.num_inference_steps),
        "--guidance": f"{settings.guidance_scale:g}",
        "--size": f"{settings.width}x{settings.height}",
        "--seed": settings.seed,
        "--images": str(len(record.seeds)),
        **({"--tokens": "chunk"} if settings.long_prompts == "chunk" else {}),
        **({"--vae": settings.vae} if settings.vae is not None else {}),
        **({"--clip-skip": str(settings.clip_skip)} if settings.clip_skip else {}),
    }
    words = [word for option in options.items() for word in option]
    for adapter in settings.adapters:
        words += ["--lora", f"{adapter.name}:{adapter.text_encoder:g}:{adapter.unet:g}"]
    if settings.fast:
        words.append("--fast")
    return ["twinseed", "pair", *words, "--", record.concept.text]


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
        buffer = io.BytesIO()
        difference_map(*images).save(buffer, format="PNG")
        drawn[f"difference-{seed}.png"] = buffer.getvalue()
    return drawn


def _shots(record: Record, seed: str, t: dict[str, Any]) -> Strip:
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
        row = [seed, f"{100 * score.mean_absolute_difference:.1f} %", f"{score.ssim:.3f}"]
        if clips:
            row.append(f"{max(0.0, 100 * clips[seed]):.1f}" if seed in clips else "–")
        rows.append((*row, f"{sum(render.seconds for render in record.pair(seed)):.1f}"))
    if clips:
        head.append(t["apart"]["clip"])
    maps = tuple(
        Shot(name, t["apart"]["map_alt"].format(seed=seed), t["apart"]["map"].format(seed=seed))
        for name, seed in zip(drawn, record.seeds, strict=False)
    )
    blocks: list[Block] = [
        Strip(maps),
        Text(t["apart"]["map_about"]),
        Table((*head, t["scores"]["seconds"]), tuple(rows)),
    ]
    if record.draft:
        draft = t["draft"]
        title = draft["title"].format(
            before=record.draft.num_inference_steps, after=record.settings.num_inference_steps
        )
        blocks.append(Text(title, "heading"))
        for seed, drift in record.draft.drift.items():
            moved = {"simple": f"{100 * drift.simple:.1f}", "expanded": f"{100 * drift.expanded:.1f}"}
            blocks.append(Text(draft["drift"].format(seed=seed, **moved)))
        blocks.append(Text(draft["settles"] if record.draft.settles else draft["wanders"]))
    about = (t["scores"]["how"], *((t["apart"]["clip_about"],) if clips else ()))
    return Section("apart", t["scores"]["title"], about, tuple(blocks))


def _words_section(name: str, words: list[str], t: dict[str, Any]) -> Section | None:
    if not any(one.strip() for one in words):
        return None
    return Section(name, t[name]["title"], (t[name]["about"],), tuple(Words(one) for one in words))


def _certificate_section(record: Record, t: dict[str, Any]) -> Section:
    """Was everything but the prompt held equal, and the proof of it."""
    certificate, said = record.certificate, t["certificate"]
    if certificate.holds:
        seal = Seal(True, (said["holds"],), said["holds_about"])
    else:
        verdicts = () if certificate.same_seed else (said["other_seed"],)
        if certificate.offences:
            verdicts += (said["differs"].format(names=", ".join(certificate.offences)),)
        seal = Seal(False, verdicts, said["fails_about"])
    rows: list[tuple[str, tuple[Value, ...]]] = []
    for seed, latents in certificate.latents_sha256.items():
        if latents.simple == latents.expanded:
            values = (Value(latents.simple, "code"), Value(said["noise_same"], "remark"))
        else:
            values = tuple(
                value
                for arm in ("simple", "expanded")
                for value in (Value(t["short_arm"][arm], "remark"), Value(getattr(latents, arm), "code"))
            )
        rows.append((said["noise"].format(seed=seed), values))
    rows += [
        (said["scheduler"], (Value(certificate.scheduler.class_name),)),
        (said["evaluations"], (Value(str(certificate.unet_evaluations)),)),
        (said["batch"], (Value(" × ".join(map(str, certificate.batch_shape))),)),
    ]
    if certificate.context:
        context = t["joint"].join(f"{said['arm'].get(name, name)} {count}" for name, count in certificate.context.items())
        rows.append((said["context"], (Value(context),)))
    for name, digest in certificate.adapters.items():
        rows.append((said["adapter"].format(name=name), (Value(digest, "code"),)))
    for seed, given_up in certificate.given_up.items():
        rows.append((said["given_up"].format(seed=seed), (Value("; ".join(given_up)),)))
    for seed, floor in certificate.noise_floor.items():
        is_ = said["noise_floor_is"].format(
            mean=f"{100 * floor.mean_absolute_difference:.4f}", largest=floor.largest_difference
        )
        rows.append((said["noise_floor"].format(seed=seed), (Value(is_),)))
    rows += [
        (said["machine"], (Value(f"{certificate.device}, {certificate.dtype}"),)),
        (said["model"], (Value(certificate.model_digest, "code"),)),
        (said["digest"], (Value(record.settings.digest, "code"),)),
    ]
    config = json.dumps(certificate.scheduler.config, indent=2, ensure_ascii=False, sort_keys=True)
    return Section("certificate", said["title"], (), (seal, Facts(tuple(rows)), Code(config, said["config"])))


def _prompts_section(record: Record, t: dict[str, Any]) -> Section:
    prompts, said = record.prompts, t["prompts"]
    by = [Value(said["expanders"].get(prompts.expander, prompts.expander))]
    if prompts.llm_model:
        by.append(Value(prompts.llm_model, "code"))
    counts = said["token_counts"].format(
        simple=prompts.tokens.simple, expanded=prompts.tokens.expanded, limit=prompts.tokens.limit
    )
    nothing = (Value(said["nothing"]),)
    rows = [
        (said["by"], tuple(by)),
        (said["language"], (Value(prompts.language),)),
        (said["tokens"], (Value(counts),)),
        (said["negative"], (Value(prompts.negative or said["no_negative"]),)),
        (said["kept"], tuple(Value(word, "kept") for word in prompts.kept) or nothing),
        (said["lost"], tuple(Value(word, "lost") for word in prompts.lost) or nothing),
    ]
    if prompts.warnings:
        rows.append((said["warnings"], tuple(Value(warning, "line") for warning in prompts.warnings)))
    return Section("prompts", said["title"], (), (Facts(tuple(rows)),))


def _settings_section(record: Record, t: dict[str, Any]) -> Section:
    settings, said = record.settings, t["settings"]
    rows = [
        ("model", settings.model),
        ("scheduler", settings.scheduler),
        ("steps", str(settings.num_inference_steps)),
        ("guidance", f"{settings.guidance_scale:g}"),
        ("size", said["size_of"].format(width=settings.width, height=settings.height)),
        ("seed", settings.seed),
        ("images", str(len(record.seeds))),
        ("device", settings.device),
        ("dtype", settings.dtype),
        ("preset", settings.preset or ""),
        ("styles", ", ".join(settings.styles)),
    ]
    facts = tuple((said[name], (Value(text),)) for name, text in rows if text)
    return Section("settings", said["title"], (), (Facts(facts),))


def _repeat_section(record: Record, t: dict[str, Any]) -> Section:
    command = [shlex.quote(word) for word in repeat_words(record)]
    code = Code(" ".join(command), words=tuple(command))
    return Section("repeat", t["repeat"]["title"], (t["repeat"]["about"],), (code,))
