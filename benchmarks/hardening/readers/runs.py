"""Runs: records, requests, reports, the gallery."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import ValidationError
from sample_run import OLD_RUNS, PROMPTS, sample_record

from benchmarks.hardening.readers.reader import Reader, plain
from compare.instruments.scores.phrase_audit import audit, audit_section, new_words
from compare.report import sentences
from compare.request import PairRequest, request_from_json
from compare.runs.gallery import Gallery
from compare.runs.record import parse_record
from compare.view import markdown_report, render_report
from generate.seedling import SEEDLING_TOKENIZER
from ideation import Concept, TokenBudget, typed_concept


def _budget() -> TokenBudget:
    return TokenBudget(SEEDLING_TOKENIZER, vectors={"glow": 3, "glow-2": 2})


def _audit(_: Path) -> Callable[[str], Any]:
    budget, t = _budget(), sentences("en")["report"]

    def read(text: str) -> None:
        context: Any = SimpleNamespace(prompts=replace(PROMPTS, expanded=text), budget=budget, clip=None)
        phrases = audit(context)
        audit_section(phrases, text, t)
        new_words(text, "a dog")
        said_before: Any = SimpleNamespace(
            prompts=replace(PROMPTS, expanded=text, simple=text), budget=budget, clip=None
        )
        audit(said_before)

    return read


def _gallery(folder: Path) -> Callable[[str], Any]:
    gallery = Gallery(folder / "runs")
    record, files = sample_record()
    gallery.write(record, files, render_report(record, files))
    return lambda text: gallery.runs(query=text)


def _json_request(text: str) -> None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return
    with suppress(ValidationError):
        request_from_json(content)


def _record(**changes: Any) -> str:
    return sample_record(**changes)[0].to_json()


def _report(_: Path) -> Callable[[str], Any]:
    record, files = sample_record()

    content = json.loads(record.to_json())

    def read(text: str) -> None:
        prompts = content["prompts"] | {"simple": text, "expanded": text[::-1], "negative": text}
        changed = parse_record(json.dumps(content | {"prompts": prompts, "observations": text}).encode())
        render_report(changed, files)
        markdown_report(changed, files)

    return read


def _request(text: str) -> None:
    content = PairRequest(Concept(text, "en"), simple=text, expanded=text, styles=(text,)).to_json()
    with suppress(ValidationError):  # as the door says
        request_from_json(content).to_command()


def _run_folder(folder: Path) -> Callable[[str], Any]:
    return Gallery(folder / "runs").open


def _said_in_record(_: Path) -> Callable[[str], Any]:
    record = json.loads(_record())

    def read(text: str) -> None:
        prompts = record["prompts"] | {"simple": text, "expanded": text, "negative": text}
        parse_record(json.dumps(record | {"observations": text, "prompts": prompts}).encode())

    return read


RUNS: tuple[Reader, ...] = (
    plain(
        "a record",
        lambda text: parse_record(text.encode("utf-8", "surrogatepass")),
        _record(),
        *((run / "record.json").read_text() for run in OLD_RUNS),
    ),
    Reader("the words of a record", _said_in_record, ("a dog",)),
    plain("the words of a request", _request, "a dog"),
    plain("a request", _json_request, json.dumps(PairRequest(typed_concept("a dog"), styles=("fog",)).to_json())),
    Reader("a report", _report, ("a dog, at night",)),
    Reader("the audit of phrases", _audit, ("a dog, on a beach, at night",)),
    Reader("a search for runs", _gallery, ("dog night",)),
    Reader("the name of a run", _run_folder, ("20261123-101500-a-dog-3",)),
)
