"""The verification of a run or a bundle: what is found, one thing after the other, and what comes of it all.

First everything that can be seen without a model: files, hashes, marks, certificates, what was asked for, times, and
the reports, which are written anew. Then every pair is rendered again, where a session is there to do it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.homework.bundle import OpenBundle
from compare.homework.verification.consistency import AHEAD, inconsistencies
from compare.homework.verification.finding import Finding, note
from compare.homework.verification.redrawing import Redrawn
from compare.homework.verification.rewriting import (
    difference,
    language_of,
    observations_by_chapter,
    observations_in,
    says,
    version_of,
)
from compare.homework.verification.scoring import disagreements
from compare.runs.record import RECORD_FILE, Record, RecordError
from compare.runs.run import REPORT_FILE, Run
from compare.view import render_report, verdict_of
from generate.files import settings_of_seed
from ideation import Clause
from templates import LANGUAGES, Language

if TYPE_CHECKING:
    from compare.session import Progress, Session

#: Minutes that rendering again may take unless somebody says more: nobody's bundle keeps a machine for a night.
MOST_MINUTES = 30.0


@dataclass(frozen=True)
class Again:
    """How pictures are rendered again: by the session that `session` opens when everything else has been looked at, for
    `most_minutes` at most. `on_progress` hears of each step, and may raise `RenderCancelled`."""

    session: Callable[[], Session]
    allow_pickle: bool = False
    most_minutes: float = MOST_MINUTES
    on_progress: Callable[[Progress], None] = lambda _: None


@dataclass
class Verification:
    """What was found of what is called `name`, gathered while it is found.

    >>> verified = Verification("a-dog-7", rendering=False)
    >>> verified.add(Finding("missing", Clause("the picture {path} is missing", path="simple-7.png")))
    >>> verified.holds, [one.line for one in verified.faults]
    (False, ['the picture simple-7.png is missing'])
    """

    name: str
    rendering: bool
    findings: list[Finding] = field(default_factory=list)
    pictures: list[Redrawn] = field(default_factory=list)

    def add(self, found: Finding | Redrawn) -> None:
        if isinstance(found, Finding):
            self.findings.append(found)
        else:
            self.pictures.append(found)

    @property
    def faults(self) -> list[Finding]:
        return [one for one in self.findings if one.is_fault]

    @property
    def holds(self) -> bool:
        """Nothing was found that does not hold; where pictures were to be rendered again, all of them were."""
        return not self.faults

    @property
    def summary(self) -> Clause:
        """The whole in a sentence."""
        if self.faults:
            return Clause("not everything holds; faults: {count}", count=len(self.faults))
        if not self.rendering:
            return Clause("everything holds that can be seen without rendering; nothing was rendered again")
        equal = sum(one.outcome == "identical" for one in self.pictures)
        if equal == len(self.pictures):
            return Clause(
                "everything holds: rendered again, all {count} pictures are the same, bit for bit", count=equal
            )
        return Clause(
            "everything holds: rendered again, {equal} of {count} pictures are the same, bit for bit, and the others "
            "but for rounding, at most {mean} % apart",
            equal=equal,
            count=len(self.pictures),
            mean=f"{100 * max(one.mean_absolute_difference for one in self.pictures):.3g}",
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "holds": self.holds,
            "rendered": len(self.pictures),
            "findings": [one.to_json() for one in self.findings],
            "pictures": [one.to_json() for one in self.pictures],
        }


def verify_run(run: Run, again: Again | None, *, now: datetime | None = None) -> Iterator[Finding | Redrawn]:
    """What is found of a run, one thing after the other; without `again` nothing is rendered and no torch loaded.

    Raises what `on_progress` raises.
    """
    for finding in _of_run(run, now or datetime.now(UTC), None):
        yield finding.of_run(run.name)
    yield from _rendered_again([run], again, foreign=False)


def verify_bundle(
    bundle: OpenBundle, again: Again | None, *, now: datetime | None = None
) -> Iterator[Finding | Redrawn]:
    """What is found of a bundle that somebody handed in, as `verify_run`."""
    now = now or datetime.now(UTC)
    readable = list[Run]()
    for listed, run in bundle.runs():
        if isinstance(run, RecordError):
            yield Finding("record", run.message, RECORD_FILE, listed.run)
            continue
        readable.append(run)
        changed = hashlib.sha256((run.folder / RECORD_FILE).read_bytes()).hexdigest() != listed.record_sha256
        if changed:
            yield _changed_record(run, listed.record_sha256).of_run(run.name)
        for finding in _of_run(run, now, bundle.content.twinseed):
            yield finding.of_run(run.name)
    yield from _of_whole(bundle, readable, now)
    yield from _twice(readable)
    yield from _rendered_again(readable, again, foreign=True)


def _rendered_again(runs: Sequence[Run], again: Again | None, *, foreign: bool) -> Iterator[Finding | Redrawn]:
    if again is None or not runs:
        return
    from compare.homework.verification.rendering import Rendering

    rendering = Rendering(
        again.session(),
        foreign=foreign,
        allow_pickle=again.allow_pickle,
        most_s=60 * again.most_minutes,
        on_progress=again.on_progress,
    )
    yield from rendering.of_runs(runs)


def _of_run(run: Run, now: datetime, version: str | None) -> Iterator[Finding]:
    yield from inconsistencies(run, now)
    yield from disagreements(run, version or _version_of_report(run))
    pictures = _readable(run)
    if pictures is not None:
        yield from _of_report(run, pictures, version)


def _readable(run: Run) -> dict[str, bytes] | None:
    """The bytes of its pictures, whatever they are; None where one cannot be had, which has been said."""
    try:
        return {name: _plain_bytes(run.folder / name) for name in run.record.files}
    except OSError:
        return None


def _version_of_report(run: Run) -> str:
    """Which Twinseed says it wrote the run's report; "" where none does."""
    try:
        return version_of(_plain_bytes(run.report).decode())
    except (OSError, UnicodeDecodeError):
        return ""  # which will be said


def _plain_bytes(path: Path) -> bytes:
    if path.is_symlink():
        raise OSError(f"{path} is a link")
    return path.read_bytes()


def _of_report(run: Run, pictures: dict[str, bytes], version: str | None) -> Iterator[Finding]:
    """Whether the run's report follows from its record. Of one that another version of Twinseed wrote, only what it
    must say is looked for: its sentences may be others. Which one it was, a bundle says, or the report."""
    try:
        given = _plain_bytes(run.report).decode()
    except OSError:
        yield note("report", Clause("there is no report"), REPORT_FILE)
        return
    except UnicodeDecodeError:
        yield Finding("report", Clause("the report is no text"), REPORT_FILE)
        return
    language = next((one for one in LANGUAGES if one == language_of(given)), None)
    if language is None:
        yield Finding("report", Clause("the report is none of Twinseed's"), REPORT_FILE)
        return
    record, version = run.record, version or version_of(given)
    try:
        apart = difference(given, render_report(record, pictures, language), pictures.values())
    except (RecordError, OSError, ValueError):
        return  # a picture that cannot be shown, which was said
    if apart is None:
        return
    if version != importlib.metadata.version("twinseed"):
        yield _of_other_version(given, _facts(record, language), version)
        return
    said = observations_in(given)
    if said != record.observations:
        other = record.model_copy(update={"observations": said})
        if difference(given, render_report(other, pictures, language), pictures.values()) is None:
            yield note("observations", _other_observations(said, record.observations), REPORT_FILE)
            return
    yield Finding("report", Clause("the report does not follow from the record: {apart}", apart=apart), REPORT_FILE)


def _facts(record: Record, language: Language) -> Iterator[str]:
    yield record.prompts.simple
    yield record.prompts.expanded
    yield str(record.settings.seed)
    yield verdict_of(record, language)
    if record.observations:
        yield record.observations


def _other_observations(said: str | None, recorded: str | None) -> Clause:
    return Clause(
        "the observations were edited, as they may be: the report has {said!r}, the record {recorded!r}",
        said=(said or "")[:80],
        recorded=(recorded or "")[:80],
    )


def _changed_record(run: Run, sha256: str) -> Finding:
    """For a record that is not the one of the bundle: a note where only the student's own words are others."""
    record = run.record
    said: str | None = None
    with contextlib.suppress(OSError, UnicodeDecodeError):
        said = observations_in(_plain_bytes(run.report).decode())
    before = record.model_copy(update={"observations": said})
    if said != record.observations and hashlib.sha256(before.to_json().encode()).hexdigest() == sha256:
        return note("observations", Clause("the observations were edited after the bundle was made, as they may be"))
    words = Clause("the record is not the one that bundle.json names: it was changed after the bundle was made")
    return Finding("record", words, RECORD_FILE)


def _of_whole(bundle: OpenBundle, runs: Sequence[Run], now: datetime) -> Iterator[Finding]:
    """What bundle.json says of the whole."""
    content = bundle.content
    if hashlib.sha256((bundle.folder / REPORT_FILE).read_bytes()).hexdigest() != content.report_sha256:
        words = Clause("the bundle's report is not the one that bundle.json names: one of the two was changed")
        yield Finding("bundle", words, REPORT_FILE)
    yield from _of_bundles_report(bundle)
    if content.created > now + AHEAD:
        yield Finding("time", Clause("the bundle is of a time which is yet to come"))
    for run in runs:
        if run.record.created > content.created:
            words = Clause("the record is younger than the bundle that it is in")
            yield Finding("time", words, RECORD_FILE, run.name)


def _of_bundles_report(bundle: OpenBundle) -> Iterator[Finding]:
    """Whether the report of the whole follows from bundle.json and the records."""
    content, given = bundle.content, bundle.report
    try:
        apart = difference(given, bundle.report_anew(), ())
    except (RecordError, OSError, ValueError):
        return  # a record or a picture that cannot be read, which was said
    if apart is None:
        return
    if content.twinseed == importlib.metadata.version("twinseed"):
        if (edited := _edited_observations(bundle, given)) is not None:
            yield from edited
            return
        words = Clause("the bundle's report does not follow from bundle.json and the records: {apart}", apart=apart)
        yield Finding("bundle", words, REPORT_FILE)
        return
    student = content.student
    facts = [] if student is None else [one for one in (student.name, student.number) if one is not None]
    for _, run in bundle.runs():
        facts += [] if isinstance(run, RecordError) else _facts(run.record, content.language)
    yield _of_other_version(given, facts, content.twinseed)


def _edited_observations(bundle: OpenBundle, given: str) -> list[Finding] | None:
    """Notes on observations that the bundle's report has otherwise than the records; None where more is otherwise."""
    said = observations_by_chapter(given)
    if len(said) != len(bundle.content.runs):
        return None
    runs = {one.run: run.record.observations for one, run in bundle.runs() if isinstance(run, Run)}
    other = {name: words for (name, recorded), words in zip(runs.items(), said, strict=True) if words != recorded}
    if not other or difference(given, bundle.report_anew(other), ()) is not None:
        return None
    return [
        note("observations", _other_observations(words, runs[name]), REPORT_FILE).of_run(name)
        for name, words in other.items()
    ]


def _of_other_version(given: str, facts: Iterable[str], version: str) -> Finding:
    """What can be said of a report whose sentences may be others."""
    if (missing := says(given, facts)) is not None:
        words = Clause("the report does not follow from the record: it does not say {fact!r}", fact=missing[:80])
        return Finding("report", words, REPORT_FILE)
    words = Clause(
        "Twinseed {version} wrote the report, and this is another: only what it must say was looked for",
        version=version or "?",
    )
    return note("report", words, REPORT_FILE)


def _twice(runs: Sequence[Run]) -> Iterator[Finding]:
    """One picture in two runs: an honest one where both say that the same made it."""
    seen: dict[str, tuple[str, str]] = {}
    for run in runs:
        record = run.record
        for picture in record.renders:
            prompt = record.prompts.simple if picture.arm == "simple" else record.prompts.expanded
            settings = settings_of_seed(record.settings, picture.seed).digest
            made_of = f"{prompt}\n{record.prompts.negative}\n{settings}\n{record.certificate.model_digest}"
            name, by = seen.setdefault(picture.pixels_sha256, (run.name, made_of))
            if name != run.name:
                words = Clause("{file} has the pixels of a picture of the run {run}", file=picture.file, run=name)
                yield Finding("swapped", words, picture.file, run.name, is_fault=by != made_of)
