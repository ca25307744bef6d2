"""Consistency: whether a run agrees with itself: its files, what stands in them, what was asked for, and its record.

Nothing is rendered. Who knows the formats can make a false run agree with itself; then only rendering again tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce

from compare.homework.verification.finding import Finding, note
from compare.runs.record import RECORD_FILE, PictureFile, Record
from compare.runs.run import Run
from generate.files import PictureError, TwinseedMark, mark_in, parse_picture, settings_of_seed
from generate.settings import RenderSettings
from ideation import Clause

#: Clocks differ, and so do the calendars of two ends of the earth.
AHEAD = timedelta(days=1)
_NAMED_BY_TIME = re.compile(r"[0-9]{8}-[0-9]{6}-")
#: What a request can leave open, or what others have a say in.
_OPEN = ("width", "height", "device", "dtype", "adapters", "images", "compiled")
#: The settings as people say them.
_NAMES = {
    "model": "model",
    "scheduler": "scheduler",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "width": "width",
    "height": "height",
    "seed": "seed",
    "images": "images",
    "device": "device",
    "dtype": "number format",
    "long_prompts": "long prompts",
    "clip_skip": "clip skip",
    "vae": "VAE",
    "adapters": "LoRAs",
    "fast": "fast numbers",
    "compiled": "compiling",
    "max_sequence_length": "length of prompts",
    "memory": "memory",
    "pairs_per_batch": "pairs in a batch",
    "attention_backend": "attention backend",
}


def inconsistencies(run: Run, now: datetime) -> Iterator[Finding]:
    """What does not fit together, in a run that could be read, at the time of `now`."""
    record = run.record
    for fault in run.faults():
        yield Finding(fault.kind, fault.words, fault.file)
    seen = set[str]()
    for picture in record.renders:
        for finding in _of_mark(run, picture):
            if finding.words not in seen:  # what both pictures of a pair say is said once
                seen.add(finding.words)
                yield finding
    yield from _of_certificate(record)
    yield from _of_request(record)
    yield from _of_times(run.name, record, now)
    if record.observations:
        words = Clause(
            "the observations are the student's own: {count} words, which nothing here can check",
            count=_length(record.observations),
        )
        yield note("observations", words)


def _length(text: str) -> int:
    """Words, of Chinese characters."""
    return len(re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+(?:['’\u2011-][^\W\u3400-\u9fff]+)*", text))


def _of_mark(run: Run, picture: PictureFile) -> Iterator[Finding]:
    """What a picture says of itself against the record. That its mark is missing or unreadable has been said."""
    try:
        content = (run.folder / picture.file).read_bytes()
        mark = mark_in(content, picture.file)
        if mark is None:
            return
        notes = parse_picture(content, picture.file).notes
    except (OSError, PictureError):
        return
    for said in notes:
        yield Finding("mark", Clause("{name}: {note}", name=picture.file, note=said), picture.file)
    if mark.version > 1:
        yield from _of_prompts(mark, run.record, picture.file)
        yield from _of_settings(mark, run.record, picture)


def _of_prompts(mark: TwinseedMark, record: Record, file: str) -> Iterator[Finding]:
    assert mark.prompts is not None  # noqa: S101 - the mark of a twin has them
    for what, said, recorded in (
        ("simple prompt", mark.prompts.simple, record.prompts.simple),
        ("expanded prompt", mark.prompts.expanded, record.prompts.expanded),
        ("negative prompt", mark.prompts.negative, record.prompts.negative),
    ):
        if said != recorded:
            words = Clause(
                "the {what} was edited: the pictures were made with {made!r}, the record has {recorded!r}",
                what=what,
                made=_short(said, recorded),
                recorded=_short(recorded, said),
            )
            yield Finding("prompt", words, file)


def _short(text: str, other: str) -> str:
    """The text from a little before where the two part, for a line."""
    start = next((at for at, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), len(other))
    begin = max(0, min(start, len(text)) - 30)
    cut = text[begin : begin + 90]
    return ("…" if begin else "") + cut + ("…" if begin + 90 < len(text) else "")


def _of_settings(mark: TwinseedMark, record: Record, picture: PictureFile) -> Iterator[Finding]:
    certificate, seed = record.certificate, picture.seed
    assert mark.settings is not None  # noqa: S101 - the mark of a twin has them
    if mark.seed != seed:
        return  # which was said, and makes another picture of it
    if names := _differing(mark.settings, settings_of_seed(record.settings, seed)):
        words = Clause("the settings were edited: the pictures were made with other {names}", names=_joined(names))
        yield Finding("settings", words, picture.file)
    plain = {name.rpartition("/")[2].rpartition("\\")[2]: digest for name, digest in certificate.adapters.items()}
    for what, said, certified in (
        ("libraries", mark.libraries, certificate.libraries),
        ("LoRAs and textual inversions", {k.rpartition("/")[2]: v for k, v in mark.adapters.items()}, plain),
        ("what was given up", mark.given_up, certificate.given_up.get(seed, ())),
    ):
        if said != certified:
            words = Clause("the certificate is not that of the pictures: it names other {what}", what=what)
            yield Finding("certificate", words, picture.file)


def _differing(one: RenderSettings, other: RenderSettings, but: tuple[str, ...] = ()) -> list[str]:
    """The names of the settings that differ."""
    return [name for name in _NAMES if name not in but and getattr(one, name) != getattr(other, name)]


def _joined(names: list[str]) -> Clause:
    said = [Clause(_NAMES[name]) for name in names]
    return reduce(lambda first, rest: Clause("{first}, {rest}", first=first, rest=rest), said)


def _of_certificate(record: Record) -> Iterator[Finding]:
    certificate, settings = record.certificate, record.settings
    if (certificate.device, certificate.dtype) != (settings.device, settings.dtype):
        words = Clause(
            "the certificate is not that of the pictures: it was made on {device} in {dtype}",
            device=certificate.device,
            dtype=certificate.dtype,
        )
        yield Finding("certificate", words, RECORD_FILE)
    most = settings.pairs_per_batch or 1
    if any(seed not in seeds or len(set(seeds)) > most for seed, seeds in certificate.batches.items()):
        words = Clause("the certificate is not that of the pictures: their settings let no such seeds share a batch")
        yield Finding("certificate", words, RECORD_FILE)


def _of_request(record: Record) -> Iterator[Finding]:
    """What came of it against what was asked for."""
    request, settings, prompts = record.request, record.settings, record.prompts
    asked, came = (settings_of_seed(one, one.seed) for one in (request.settings, settings))
    names = _differing(asked, came, but=_OPEN)
    names += [name for name in ("width", "height") if getattr(asked, name) not in (None, getattr(came, name))]
    if "seed" in names:
        names.remove("seed")
        words = Clause(
            "seed {asked} was asked for, and the pictures are of seed {came}", asked=asked.seed, came=came.seed
        )
        yield Finding("seed", words, RECORD_FILE)
    if names:
        words = Clause("the settings are not those that were asked for: {names}", names=_joined(names))
        yield Finding("settings", words, RECORD_FILE)
    if settings.images != request.settings.images:
        words = Clause(
            "{asked} seeds were asked for, and the pictures of {there} are here",
            asked=request.settings.images,
            there=settings.images,
        )
        # Whoever was stopped has the first ones, and the record says so.
        is_fault = record.complete or settings.images > request.settings.images
        yield Finding("seed", words, RECORD_FILE, is_fault=is_fault)
    elif not record.complete:
        yield note("record", Clause("the run was stopped before all that was asked for was there"), RECORD_FILE)
    if request.draft is None and prompts.source != request.concept.text:
        words = Clause("the prompts were written for another concept than the record's")
        yield Finding("prompt", words, RECORD_FILE)
    if request.concept != record.concept:
        yield Finding("record", Clause("another concept was asked for than the record's"), RECORD_FILE)
    if (
        prompts.expander == "given"
        and not request.styles
        and not request.enhance
        and request.preset is None
        and request.draft is None
    ):
        for what, given, used in (
            ("simple prompt", request.simple, prompts.simple),
            ("expanded prompt", request.expanded, prompts.expanded),
            ("negative prompt", request.negative, prompts.negative),
        ):
            if given is not None and given != used:
                words = Clause(
                    "the {what} was edited: {asked!r} was asked for, the record has {recorded!r}",
                    what=what,
                    asked=_short(given, used),
                    recorded=_short(used, given),
                )
                yield Finding("prompt", words, RECORD_FILE)


def _of_times(name: str, record: Record, now: datetime) -> Iterator[Finding]:
    made = record.created
    if _NAMED_BY_TIME.match(name) and not name.startswith(f"{made:%Y%m%d-%H%M%S}-"):
        words = Clause(
            "the time was changed: the folder was named at {named}, the record says {made}",
            named=name[:15],
            made=f"{made:%Y%m%d-%H%M%S}",
        )
        yield Finding("time", words, RECORD_FILE)
    if made > now + AHEAD:
        yield Finding("time", Clause("the record is of {made}, which is yet to come", made=_shown(made)), RECORD_FILE)


def _shown(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
