"""Rendering again: every pair of some runs, within a time, and what it tells of each picture and certificate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from compare.homework.verification.finding import Finding, note
from compare.homework.verification.redrawing import FLOAT32, HALF, Redrawn, redrawn
from compare.homework.verification.scoring import of_other_pictures
from compare.runs.record import RECORD_FILE, Record, RecordError
from compare.runs.run import Run
from generate.families import own_clips
from generate.files import pixels_sha256
from generate.picture import Arm, Certificate, PicturePair
from generate.render import RenderCancelled
from generate.schedulers.table import find_scheduler
from ideation import Clause, TwinseedError

if TYPE_CHECKING:
    from compare.session import Progress, Session
    from compare.session.repetition import Expectation

#: A picture so many times larger than the model's own is only begun when a smaller one has shown what it takes.
_LARGE = 1.0
#: Attention grows with the square of the pixels, all else with the pixels.
_GROWTH = 1.5


class _TimeIsUp(Exception):
    """Rendering again has taken all the time that it may."""


@dataclass
class _Seeds:
    """A run at work: what was made of it so far."""

    run: Run
    expectation: Expectation
    seconds: float
    left: list[int]
    pictures: list[Redrawn] = field(default_factory=list)
    again: dict[tuple[Arm, int], str] = field(default_factory=dict)
    certificate: dict[str, Finding] = field(default_factory=dict)

    @property
    def record(self) -> Record:
        return self.run.record


class Rendering:
    """Renders runs again through a `session`, for `most_s` seconds at most; `foreign` runs are somebody else's.

    `on_progress` hears of each step, its pair counted among all, and may raise `RenderCancelled`.
    """

    def __init__(
        self,
        session: Session,
        *,
        foreign: bool,
        allow_pickle: bool,
        most_s: float,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._session, self._foreign, self._allow_pickle = session, foreign, allow_pickle
        self._most_s, self._on_progress = most_s, on_progress
        self._began = 0.0
        self._number = self._all = 0
        self._speed: dict[tuple[str, str, str | None], tuple[float, float]] = {}

    def of_runs(self, runs: Sequence[Run]) -> Iterator[Finding | Redrawn]:
        """What to expect, first of all; then each picture; then what that says of each run. Every run has its first
        seed rendered before any has its second."""
        ready = list[_Seeds]()
        for run in runs:
            yield from self._prepare(run, ready)
        if not ready:
            return
        self._all = sum(len(one.left) for one in ready)
        yield note(
            "expected",
            Clause(
                "{pairs} pairs are rendered again: about {seconds} s here, {there} s where they were made",
                pairs=self._all,
                seconds=_rounded(sum(one.seconds * len(one.left) for one in ready)),
                there=_rounded(sum(picture.seconds for one in ready for picture in one.record.renders)),
            ),
        )
        for words in dict.fromkeys(one.expectation.words for one in ready):
            yield note("expected", words)
        self._began = time.monotonic()
        for turn in range(max(len(one.left) for one in ready)):
            for one in ready:
                if turn < len(one.record.seeds) and one.left:
                    yield from self._render(one, one.record.seeds[turn])
        yield from self._judged(ready)
        for one in ready:
            yield from self._scored(one)

    def _prepare(self, run: Run, ready: list[_Seeds]) -> Iterator[Finding]:
        record = run.record
        try:
            expectation = self._session.expect(
                record, foreign=self._foreign, allow_pickle=self._allow_pickle, on_progress=self._on_progress
            )
            seconds = self._seconds(record, expectation)
        except RenderCancelled:
            raise
        except TwinseedError as error:
            yield _not_rendered(error).of_run(run.name)
        else:
            ready.append(_Seeds(run, expectation, seconds, list(record.seeds)))

    def _seconds(self, record: Record, expectation: Expectation) -> float:
        """About how long a pair takes here, going by two steps in the model's own size or, if that is smaller, in the
        record's. Nobody's word is taken for it."""
        settings = record.settings
        size = (settings.width, settings.height) if expectation.area <= _LARGE else (None, None)
        key = (settings.model, settings.dtype, settings.vae)
        if key not in self._speed:
            heard: list[float] = []
            steps = replace(settings, width=size[0], height=size[1], num_inference_steps=2)
            self._session.verify(
                record.model_copy(update={"settings": steps}),
                settings.seed,
                allow_pickle=self._allow_pickle,
                on_progress=lambda progress: heard.append(time.monotonic()) if progress.step else None,
            )
            area = min(expectation.area, _LARGE)
            step = (heard[-1] - heard[0]) / max(1, len(heard) - 1)  # the first one warms up
            self._speed[key] = step / area, (time.monotonic() - heard[-1]) / area
        step, decoding = self._speed[key]
        per_step = 2 if find_scheduler(settings.scheduler).evaluations.startswith("2") else 1
        growth = expectation.area ** (_GROWTH if expectation.area > 1 else 1)
        return (step * per_step * settings.num_inference_steps + decoding) * growth

    def _render(self, one: _Seeds, seed: int) -> Iterator[Finding | Redrawn]:
        self._number += 1
        if one.seconds > self._most_s - (time.monotonic() - self._began):
            return
        try:
            pair = self._session.verify(
                one.record,
                seed,
                noise_floor=not one.expectation.close and seed == one.record.seeds[0],
                allow_pickle=self._allow_pickle,
                on_progress=self._counted,
            )
        except _TimeIsUp:
            return
        except RenderCancelled:
            raise
        except TwinseedError as error:
            one.left.clear()
            yield _not_rendered(error).of_run(one.run.name)
            return
        one.left.remove(seed)
        if sorted(pair.certificate.adapters.values()) != sorted(one.record.certificate.adapters.values()):
            one.left.clear()
            other = Clause("a LoRA or textual inversion of the same name is another file here")
            yield Finding("not rendered", other, RECORD_FILE).of_run(one.run.name)
            return
        one.certificate |= _against(one.record, pair.certificate, seed, one.expectation)
        yield from self._held(one, pair, seed)

    def _counted(self, progress: Progress) -> None:
        if time.monotonic() - self._began > self._most_s:
            raise _TimeIsUp
        if (step := progress.step) is not None:
            self._on_progress(replace(progress, step=replace(step, pair=self._number, pairs=self._all)))

    def _looking(self, progress: Progress) -> None:
        if progress.stage == "look":  # that the model is opened has been told
            self._on_progress(progress)

    def _held(self, one: _Seeds, pair: PicturePair, seed: int) -> Iterator[Redrawn]:
        tolerance = FLOAT32 if one.expectation.close and one.record.certificate.dtype == "float32" else HALF
        recorded = dict(zip(("simple", "expanded"), one.record.pair(seed), strict=True))
        for made in pair.pictures:
            one.again[made.arm, seed] = pixels_sha256(made.image)
            try:
                there = one.run.image(made.arm, seed)
            except RecordError:
                continue  # which was said
            floor = pair.certificate.noise_floor.get(seed)
            found = redrawn(one.run.name, recorded[made.arm], there, made.image, tolerance, floor)
            one.pictures.append(found)
            yield found

    def _judged(self, ready: list[_Seeds]) -> Iterator[Finding]:
        """What the pictures say together, run by run."""
        drawn = {picture.pixels_sha256: (one.run.name, picture.file) for one in ready for picture in one.record.renders}
        for one in ready:
            for finding in (*_judgement(one, drawn), *one.certificate.values()):
                yield finding.of_run(one.run.name)
        left = sum(len(one.left) for one in ready)
        if left:
            words = Clause(
                "{left} of {all} pairs were not rendered again: it would take longer than the {most} minutes that it "
                "may",
                left=left,
                all=self._all,
                most=f"{self._most_s / 60:g}",
            )
            yield Finding("not rendered", words)

    def _scored(self, one: _Seeds) -> Iterator[Finding]:
        """What a CLIP that looks at the pictures again says otherwise than the record."""
        found = one.record.findings
        if found is None or found.clip is None:
            return
        if time.monotonic() - self._began > self._most_s:
            words = Clause("what the CLIP scored was not measured again: the time is up")
            yield Finding("not rendered", words, RECORD_FILE).of_run(one.run.name)
            return
        try:
            again = self._session.measure(
                one.run, foreign=self._foreign, allow_pickle=self._allow_pickle, on_progress=self._looking
            )
        except RenderCancelled:
            raise
        except TwinseedError as error:
            words = Clause("what the CLIP scored was not measured again: {error}", error=error)
            # One that comes with the program is here, whatever a record says of it.
            missing = Finding("not rendered", words, RECORD_FILE, is_fault=found.clip.name in own_clips())
            yield missing.of_run(one.run.name)
            return
        for finding in of_other_pictures(found, again):
            yield finding.of_run(one.run.name)


def _not_rendered(error: TwinseedError) -> Finding:
    return Finding("not rendered", Clause("its pictures are not rendered again: {error}", error=error), RECORD_FILE)


def _rounded(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds < 10 else f"{seconds:,.0f}"


def _judgement(one: _Seeds, drawn: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    """What was done to the pictures that are different, as far as they tell."""
    files = {picture.file: picture for picture in one.record.renders}
    of_seed: dict[int, list[Redrawn]] = {}
    for picture in one.pictures:
        if picture.outcome != "different":
            continue
        pixels = files[picture.file].pixels_sha256
        for (arm, seed), again in one.again.items():
            if again == pixels:
                words = Clause(
                    "{file} is not its own picture: it is what the {arm} prompt gives with seed {seed}",
                    file=picture.file,
                    arm=arm,
                    seed=seed,
                )
                yield Finding("swapped", words, picture.file)
                break
        else:
            other = drawn.get(pixels)
            if other is not None and other != (one.run.name, picture.file):
                words = Clause("{file} is a picture of the run {run}", file=picture.file, run=other[0])
                yield Finding("swapped", words, picture.file)
            elif picture.is_retouched:
                yield Finding("retouched", _retouch(picture), picture.file)
            else:
                of_seed.setdefault(picture.seed, []).append(picture)
    for seed, pictures in of_seed.items():
        yield _drawn_otherwise(one, seed, pictures)


def _retouch(picture: Redrawn) -> Clause:
    if picture.box is None or (picture.same_forms and picture.changed > 0.5):
        return Clause(
            "{file} was retouched all over: the same forms in other tones, {mean} % apart from what is rendered again",
            file=picture.file,
            mean=f"{100 * picture.mean_absolute_difference:.1f}",
        )
    left, top, width, height = picture.box
    return Clause(
        "{file} was retouched: {share} % of its pixels are others than what is rendered again, in {width} x {height} "
        "at {left}, {top}",
        file=picture.file,
        share=f"{100 * picture.changed:.2g}",
        width=width,
        height=height,
        left=left,
        top=top,
    )


def _drawn_otherwise(one: _Seeds, seed: int, pictures: list[Redrawn]) -> Finding:
    mean = f"{100 * max(picture.mean_absolute_difference for picture in pictures):.1f}"
    if len(pictures) == 1:
        words = Clause(
            "{file} is not what its prompt gives with seed {seed} ({mean} % apart): the {arm} prompt was edited, or "
            "the picture is another",
            file=pictures[0].file,
            seed=seed,
            mean=mean,
            arm=pictures[0].arm,
        )
        found = Finding("prompt", words, pictures[0].file)
    else:
        words = Clause(
            "neither picture of seed {seed} is what its prompt gives with that seed ({mean} % apart): they are of "
            "another seed, or of other settings",
            seed=seed,
            mean=mean,
        )
        found = Finding("seed", words)
    if one.expectation.close:
        return found
    unsure = Clause("{words}; or so much hangs on the other device: verify it on one like that", words=words)
    return replace(found, words=unsure)


def _against(record: Record, again: Certificate, seed: int, expectation: Expectation) -> dict[str, Finding]:
    """What the certificate says otherwise than the one of the pair rendered again, by its words."""
    there, found = record.certificate, list[Clause]()
    if there.dtype == again.dtype and there.latents_sha256[seed] != again.latents_sha256[seed]:
        found.append(Clause("the noise that seed {seed} gives", seed=seed))
    if (there.same_seed and not again.same_seed) or not set(again.differs) <= set(there.differs):
        found.append(Clause("what differs between the arms"))
    if there.scheduler.class_name != again.scheduler.class_name or (
        expectation.exact and _configuration(there) != _configuration(again)
    ):
        found.append(Clause("the scheduler"))
    if there.evaluations != again.evaluations:
        found.append(Clause("the evaluations"))
    rows = (2 * len(there.batch_of(seed)),) if there.batches else there.batch_shape[:1]
    if (*rows, *there.batch_shape[1:]) != again.batch_shape:
        found.append(Clause("the shape of the batch"))
    if there.context and again.context and there.context != again.context:
        found.append(Clause("the tokens of context"))
    return {
        what: Finding(
            "certificate",
            Clause("the certificate is not that of the pictures: rendered again, {what} is another", what=what),
            RECORD_FILE,
        )
        for what in found
    }


def _configuration(certificate: Certificate) -> dict[str, object]:
    """That of the scheduler, without what is of one seed, or of diffusers' own."""
    config = certificate.scheduler.config
    return {name: value for name, value in config.items() if name != "noise_sampler_seed" and not name.startswith("_")}
