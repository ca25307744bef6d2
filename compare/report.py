"""The report of a run: one HTML file that opens offline and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

import templates
from compare.diff import Kind, Piece, diff, tokens
from compare.record import Record, RecordError, RenderRecord, ScoreRecord

Language = Literal["en", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-TW")
LOCALE_FOLDER = Path(templates.__file__).parent / "locale"


@dataclass(frozen=True)
class Part:
    """A stretch of one prompt as the report shows it; joining the texts gives the prompt back."""

    text: str
    mark: Kind
    unseen: bool


@dataclass(frozen=True)
class _Pair:
    """Both pictures of one seed, with their data: addresses by arm."""

    seed: str
    simple: RenderRecord
    expanded: RenderRecord
    score: ScoreRecord
    sources: Mapping[str, str]


@lru_cache
def sentences(language: Language) -> dict[str, Any]:
    """The table of sentences in `language`, by room: `sentences("en")["report"]`."""
    content: dict[str, Any] = yaml.safe_load((LOCALE_FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return content


def render_report(record: Record, pictures: Mapping[str, bytes], language: Language = "en") -> str:
    """The report of `record` as one HTML text, with the PNG files `pictures` (by their names in the record) inside.

    Raises `compare.record.RecordError` when a picture of the record is missing.
    """
    missing = [render.file for render in record.renders if render.file not in pictures]
    if missing:
        raise RecordError(
            f"a report needs every picture of its record; missing: {', '.join(missing)}",
            hint="copy the run again from where it was made",
        )
    css, script = templates.render("reports/report.css"), templates.render("reports/report.js")
    prompts, certificate = record.prompts, record.certificate
    pieces = diff(prompts.simple, prompts.expanded)
    marked = {
        "simple": marked_prompt(pieces, "simple"),
        "expanded": marked_prompt(pieces, "expanded", prompts.tokens.dropped),
    }
    return templates.render(
        "reports/report.html.j2",
        t=sentences(language)["report"],
        language=language,
        # Hashes instead of 'unsafe-inline': should a text ever break out of its place, no browser would run it.
        policy=f"default-src 'none'; img-src data:; style-src {_source(css)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'",
        css=css,
        script=script,
        record=record,
        certificate=certificate,
        title_size="short"
        if len(record.concept.text) <= 60
        else "medium"
        if len(record.concept.text) <= 180
        else "long",
        created=f"{record.created:%Y-%m-%d %H:%M} UTC",
        created_iso=f"{record.created:%Y-%m-%dT%H:%M:%SZ}",
        pairs=[_pair(record, seed, pictures) for seed in record.seeds],
        tall=record.settings.height > 1.2 * record.settings.width,
        marked=marked,
        legend=[
            name
            for name, shown in (
                ("added", any(part.mark == "added" and not part.unseen for part in marked["expanded"])),
                ("removed", any(part.mark == "removed" for part in marked["simple"])),
                ("unseen", any(part.unseen for part in marked["expanded"])),
            )
            if shown
        ],
        unseen=" ".join(prompts.tokens.dropped),
        config=json.dumps(certificate.scheduler.config, indent=2, ensure_ascii=False, sort_keys=True),
        command=[shlex.quote(word) for word in repeat_words(record)],
        libraries=", ".join(f"{name} {version}" for name, version in sorted(certificate.libraries.items())),
    )


def marked_prompt(
    pieces: list[Piece], side: Literal["simple", "expanded"], dropped: tuple[str, ...] = ()
) -> list[Part]:
    """One side of a diff, cut up for display: words that are only there are marked, the `dropped` tail is unseen.

    White space and commas at the end of a piece stay unmarked, because a line under them looks like a slip.
    """
    seen = _seen_length("".join(getattr(piece, side) for piece in pieces), dropped)
    parts: list[Part] = []
    position = 0
    for piece in pieces:
        text: str = getattr(piece, side)
        cut = min(max(seen - position, 0), len(text))
        for stretch, unseen in ((text[:cut], False), (text[cut:], True)):
            core = re.sub(r"[\s,;.]+\Z", "", stretch)
            parts += [Part(core, piece.kind, unseen), Part(stretch[len(core) :], "same", False)]
        position += len(text)
    return [part for part in parts if part.text]


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


def _seen_length(prompt: str, dropped: tuple[str, ...]) -> int:
    """How many characters of `prompt` come before its `dropped` last words; all, if those are not its last words."""
    tail = [token.key for token in tokens(" ".join(dropped)) if token.key]
    found = tokens(prompt)
    if not tail or [token.key for token in found[-len(tail) :]] != tail:
        return len(prompt)
    return len(prompt) - sum(len(token.text) for token in found[-len(tail) :])


def _pair(record: Record, seed: str, pictures: Mapping[str, bytes]) -> _Pair:
    simple, expanded = record.pair(seed)
    sources: dict[str, str] = {
        render.arm: f"data:image/png;base64,{base64.b64encode(pictures[render.file]).decode()}"
        for render in (simple, expanded)
    }
    return _Pair(seed, simple, expanded, record.scores[seed], sources)


def _source(inline: str) -> str:
    """The Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"
