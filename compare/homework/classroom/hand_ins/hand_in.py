"""One hand-in: what a bundle has to show, read with distrust. Nothing of its reports is ever looked at as a page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from compare.homework.bundle import OpenBundle, open_bundle
from compare.homework.classroom.content import HandedPair, HandIn, LostRun, PictureId, SeedPair, Told, in_all_languages
from compare.homework.classroom.pictures import ShownPicture, require_few_pixels, shown_picture
from compare.homework.verification import Finding, Redrawn
from compare.homework.verification.finding import Kind
from compare.report.blocks import balanced
from compare.runs import Record, Run
from compare.view import judged_verdict, verdict_of
from generate.files import PictureError
from templates import LANGUAGES, Language

#: How a bundle is verified.
Check = Callable[[OpenBundle], Iterable[Finding | Redrawn]]

#: The kinds of findings that say what was done, in the order in which a teacher asks; the others follow from them.
_CAUSES: tuple[Kind, ...] = (
    "prompt",
    "seed",
    "settings",
    "retouched",
    "picture",
    "missing",
    "swapped",
    "time",
    "record",
)


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
        found = [one for one in check(bundle) if isinstance(one, Finding)]
        gathered = Gathered(_empty(bundle, name, sha256, found), bundle.content.language)
        pairs, lost = [], list[LostRun]()
        for entry, run in bundle.runs():
            if not isinstance(run, Run):
                lost.append(LostRun(name=entry.run, why=_without(bundle.folder, run.message)))
                continue
            try:
                pairs.append(_pair(run, _told(bundle.folder, [one for one in found if one.run == run.name]), gathered))
            except PictureError as error:
                lost.append(LostRun(name=entry.run, why=in_all_languages(error.message)))
    gathered.hand_in = gathered.hand_in.model_copy(update={"pairs": tuple(pairs), "lost": tuple(lost)})
    return gathered


def _empty(bundle: OpenBundle, name: str, sha256: str, found: list[Finding]) -> HandIn:
    """The hand-in without its pairs."""
    content = bundle.content
    faults, notes = _told(bundle.folder, [one for one in found if one.run is None])
    return HandIn(
        file=name,
        sha256=sha256,
        name=None if content.student is None else content.student.name,
        number=None if content.student is None else content.student.number,
        created=content.created,
        pairs=(),
        failed=tuple(LostRun(name=one.concept, why=in_all_languages(one.reason)) for one in content.failed),
        faults=faults,
        notes=notes,
    )


def _told(folder: Path, found: list[Finding]) -> tuple[tuple[Told, ...], tuple[Told, ...]]:
    """The faults and the notes: what somebody did comes before what no longer fits because of it."""
    ordered = sorted(found, key=lambda one: _CAUSES.index(one.kind) if one.kind in _CAUSES else len(_CAUSES))
    faults, notes = ([one for one in ordered if one.is_fault is fault] for fault in (True, False))
    # Both pictures of a pair may say the same.
    texts = [dict.fromkeys(one.words for one in some) for some in (faults, notes)]
    return tuple(_without(folder, one) for one in texts[0]), tuple(_without(folder, one) for one in texts[1])


def _pair(run: Run, found: tuple[tuple[Told, ...], tuple[Told, ...]], gathered: Gathered) -> HandedPair:
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
    return HandedPair(
        run=run.name,
        concept=balanced(record.concept.text),
        concept_language=record.concept.language,
        simple=balanced(record.prompts.simple),
        expanded=balanced(record.prompts.expanded),
        dropped=record.prompts.tokens.dropped,
        simple_dropped=record.prompts.tokens.simple_dropped,
        styles=tuple(map(balanced, styles_of(record))),
        model=balanced(re.split(r"[/\\]", record.settings.model)[-1] or record.settings.model),
        expander=record.prompts.expander,
        verdict=None if verdict is None else verdict.told,
        unlearnt=verdict is not None and verdict.unknown is not None and verdict.unknown.core,
        said={language: verdict_of(record, language) for language in LANGUAGES},
        fair=record.certificate.holds,
        observations=balanced(record.observations or ""),
        created=record.created,
        seeds=tuple(seeds),
        faults=found[0],
        notes=found[1],
    )


def styles_of(record: Record) -> tuple[str, ...]:
    """The styles that were chosen; or else the one that was drawn, or was found in the words of the concept."""
    if record.request.styles:
        return record.request.styles
    if record.concept.style is not None:
        return (record.concept.style.en,)
    asked = (name.partition(": ") for name in (*record.prompts.kept, *record.prompts.lost))
    return tuple(what for kind, _, what in asked if kind == "style")


def _shown(run: Run, name: str) -> ShownPicture:
    try:
        return shown_picture((run.folder / name).read_bytes(), name)
    except OSError as error:
        raise PictureError("the picture {path} is missing", hint="", path=name) from error


def _without(folder: Path, words: str) -> Told:
    """What is said, without the folder in which the bundle lies for this moment."""
    said: Told = in_all_languages(words)
    return {language: text.replace(f"{folder}/", "").replace(str(folder), "") for language, text in said.items()}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "0" * 64  # opening it says why
