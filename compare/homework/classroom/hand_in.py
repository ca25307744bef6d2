"""One hand-in: what a bundle has to show, read with distrust. Nothing of its reports is ever looked at as a page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from compare.homework.bundle import OpenBundle, open_bundle
from compare.homework.classroom.content import HandedPair, HandIn, LostRun, PictureId, SeedPair
from compare.homework.classroom.pictures import ShownPicture, require_few_pixels, shown_picture
from compare.homework.verification import Finding, Redrawn
from compare.report.blocks import balanced
from compare.runs import Run
from compare.view import judged_verdict, verdict_of
from generate.files import PictureError
from ideation import Clause
from templates import LANGUAGES, Language

#: How a bundle is verified.
Check = Callable[[OpenBundle], Iterable[Finding | Redrawn]]


@dataclass
class Gathered:
    """A hand-in with its pictures, as long as they are not in the folder yet."""

    hand_in: HandIn
    language: Language
    files: dict[str, bytes] = field(default_factory=dict)
    on_ballot: dict[PictureId, bytes] = field(default_factory=dict)


def gather(path: Path, name: str, check: Check) -> Gathered:
    """What the bundle in the file `path` has to show; it is called `name`. Raises `BundleError` and `PictureError` for
    one that must not be opened."""
    sha256 = _sha256(path)
    with open_bundle(path) as bundle:
        require_few_pixels(sorted(bundle.folder.rglob("*.png")) + sorted(bundle.folder.rglob("*.webp")))
        found = [
            replace(one, words=Clause(_without(bundle.folder, str(one.words))))
            for one in check(bundle)
            if isinstance(one, Finding)
        ]
        gathered = Gathered(_empty(bundle, name, sha256, found), bundle.content.language)
        pairs, lost = [], list[LostRun]()
        for entry, run in bundle.runs():
            if not isinstance(run, Run):
                lost.append(LostRun(name=entry.run, why=_without(bundle.folder, str(run.message))))
                continue
            try:
                pairs.append(_pair(run, [one for one in found if one.run == run.name], gathered))
            except PictureError as error:
                lost.append(LostRun(name=entry.run, why=str(error.message)))
    gathered.hand_in = gathered.hand_in.model_copy(update={"pairs": tuple(pairs), "lost": tuple(lost)})
    return gathered


def _empty(bundle: OpenBundle, name: str, sha256: str, found: list[Finding]) -> HandIn:
    """The hand-in without its pairs."""
    content = bundle.content
    of_all = [one for one in found if one.run is None]
    return HandIn(
        file=name,
        sha256=sha256,
        name=None if content.student is None else content.student.name,
        number=None if content.student is None else content.student.number,
        created=content.created,
        pairs=(),
        failed=tuple(LostRun(name=one.concept, why=one.reason) for one in content.failed),
        faults=tuple(str(one.words) for one in of_all if one.is_fault),
        notes=tuple(str(one.words) for one in of_all if not one.is_fault),
    )


def _pair(run: Run, found: list[Finding], gathered: Gathered) -> HandedPair:
    """The run as a pair of the class; its pictures go to `gathered`. Raises `PictureError`."""
    record, verdict = run.record, judged_verdict(run.record)
    names = [render.file for render in record.renders]
    with ThreadPoolExecutor(2) as threads:
        shown = dict(zip(names, threads.map(lambda name: _shown(run, name), names), strict=True))
    for picture in shown.values():
        gathered.files |= picture.files
    cards = {} if record.findings is None else record.findings.cards
    seeds = []
    for seed in record.seeds:
        simple, expanded = (shown[render.file] for render in record.pair(seed))
        card = cards.get(seed)
        seeds.append(
            SeedPair(
                seed=seed,
                simple=simple.id,
                expanded=expanded.id,
                width=simple.width,
                height=simple.height,
                clip=None if card is None else round(card.expanded_on_simple - card.simple_on_simple, 6),
            )
        )
        if seed == record.seeds[0]:
            gathered.on_ballot |= {one.id: one.on_ballot for one in (simple, expanded)}
    style = record.concept.style
    styles = record.request.styles or (() if style is None else (style.en,))
    return HandedPair(
        run=run.name,
        concept=balanced(record.concept.text),
        concept_language=record.concept.language,
        simple=balanced(record.prompts.simple),
        expanded=balanced(record.prompts.expanded),
        dropped=record.prompts.tokens.dropped,
        simple_dropped=record.prompts.tokens.simple_dropped,
        styles=tuple(map(balanced, styles)),
        model=balanced(re.split(r"[/\\]", record.settings.model)[-1] or record.settings.model),
        expander=record.prompts.expander,
        verdict=None if verdict is None else verdict.kind,
        said={language: verdict_of(record, language) for language in LANGUAGES},
        fair=record.certificate.holds,
        observations=balanced(record.observations or ""),
        created=record.created,
        seeds=tuple(seeds),
        faults=tuple(str(one.words) for one in found if one.is_fault),
        notes=tuple(str(one.words) for one in found if not one.is_fault),
    )


def _shown(run: Run, name: str) -> ShownPicture:
    try:
        return shown_picture((run.folder / name).read_bytes(), name)
    except OSError as error:
        raise PictureError("the picture {path} is missing", hint="", path=name) from error


def _without(folder: Path, text: str) -> str:
    """The text without the folder in which the bundle lies for this moment."""
    return text.replace(f"{folder}/", "").replace(str(folder), "")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "0" * 64  # opening it says why
