"""The session: keeps model, CLIP and expander open, and does what a request asks for. Command line, page, notebook and
tables of concepts all go through it."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from PIL import Image

from compare.instruments import Context, Examination, ExaminationStopped, Findings, examine, open_scorer, score
from compare.preparation import Preparation, load_extras
from compare.repetition import Expectation, NotHere, clip_here, expectation, require_here, settings_here
from compare.request import PairRequest
from compare.runs.gallery import Gallery, GalleryError, RunEditor, RunWriter
from compare.runs.record import Draft, Record, checked_record
from compare.runs.run import Run, hashes_of, picture_entry, picture_file
from compare.view import render_report
from generate.files import encode_png, texts_of_pair
from generate.models import OpenModel, open_model, ran_out_of_memory
from generate.picture import Arm, Picture, PicturePair
from generate.render.batch import Step
from generate.render.input_check import library_versions
from generate.render.pair import RenderInterrupted, render_pair, resolve_settings
from generate.schedulers.table import find_scheduler
from generate.settings import RenderSettings, SettingsError
from ideation import Clause, Expander, ExpansionCache, PromptPair, TwinseedError, cache_folder, choose_expander
from ideation.expanders.protocol import OnWait, wait_in_silence
from templates import Language


@dataclass(frozen=True)
class Progress:
    """`stage` is "open", "expand", "wait", "render", "look" or "write"; `detail` says of what or why, or names the
    instrument; `step` counts while pictures are rendered; `until` is the time when waiting for a server ends."""

    stage: str
    detail: str = ""
    step: Step | None = None
    until: datetime | None = None


OnProgress = Callable[[Progress], None]


class ExpanderChoice(Protocol):
    """Finds the expander of a name, as `choose_expander` does."""

    def __call__(
        self,
        name: str,
        *,
        llm_model: str | None,
        environ: Mapping[str, str],
        cache: ExpansionCache | None = None,
        on_wait: OnWait = wait_in_silence,
    ) -> Expander: ...


class MemoryShort(TwinseedError):
    """There was not enough memory, beyond what rendering in a smaller way can help."""


class SessionStopped(Exception):
    """Work that ended early, for `reason`; the pairs and findings that were finished are in `run`."""

    def __init__(self, run: Run, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.run, self.reason = run, _told(reason)


def _in_silence(_: Progress) -> None:
    """Nobody listens."""


class Session:
    """What is asked for, done; the model and the CLIP of the last request stay open for the next one.

    `gallery` keeps the runs; `environ` has the keys and addresses of whoever writes prompts or describes pictures, and
    is stored nowhere; `choose` finds who writes them. Not for two threads at once.
    """

    def __init__(
        self, gallery: Gallery, *, environ: Mapping[str, str] = os.environ, choose: ExpanderChoice = choose_expander
    ) -> None:
        self.gallery = gallery
        self._environ = environ
        self._choose = choose
        self._model: tuple[dict[str, Any], OpenModel] | None = None
        self._clip: tuple[tuple[str, str, str], tuple[Any, tuple[str, ...]]] | None = None
        self._expanders: dict[tuple[str, str | None, bool], Expander] = {}
        self._on_progress: OnProgress = _in_silence

    def run(
        self, request: PairRequest, *, observations: str | None = None, on_progress: OnProgress = _in_silence
    ) -> Run:
        """Renders the pairs that are asked for, compares them, and returns the run.

        Each pair is on the disk as soon as it is finished. Where an earlier call for the same request was stopped or
        killed, this one goes on with its run. Whatever can fail cheaply is tried first: names, the runs folder, the
        model; then the expander is asked, once; then the pictures are rendered. `on_progress` may raise
        `RenderCancelled` while rendering. Raises `TwinseedError`, or `SessionStopped` where some pairs were finished.
        """
        with _memory_told():
            self._on_progress = on_progress
            try:
                return self._run(request, observations, on_progress)
            finally:
                self._on_progress = _in_silence

    def _run(self, request: PairRequest, observations: str | None, on_progress: OnProgress) -> Run:
        draft = self.gallery.open(request.draft) if request.draft is not None else None
        if draft is not None:
            draft.files()  # the new pictures are held against them: a fault is better told now than after rendering
        self.gallery.require_writable()
        with self.gallery.begin(request.digest) as writer:
            # Whoever goes on with a run has its prompts, even where an expander or a style is gone since.
            plan = self._plan(request) if draft is None and writer.run is None else None
            request.examination.require(self._environ, None if writer.run is None else writer.run.record.findings)
            model = self._open(request.settings, request.allow_pickle, on_progress)
            request.examination.require_family(model.family)
            if draft is not None:
                _require_model_of(draft.record, model)
            if writer.run is not None and not _goes_on(writer.run, model):
                writer.start_anew()
            before = writer.run or draft
            if before is not None:
                prompts = before.record.prompts
                settings = resolve_settings(_same_but_for_steps_and_seeds(before.record.settings, request), model)
            else:
                preparation, expander = self._plan(request) if plan is None else plan
                prompts, settings = preparation.carry_out(
                    model, expander, lambda name: on_progress(Progress("expand", name))
                )
            load_extras(model, settings, prompts, allow_pickle=request.allow_pickle)
            if before is None:
                prompts = replace(prompts, warnings=(*prompts.warnings, *map(str, model.notes)))
            making = _Making(request, prompts, settings, model, writer, draft, observations)
            try:
                making.render(on_progress)
                self._look_into(writer, request, model, on_progress)
            except BaseException as stopped:  # whatever it was: what is finished is kept, and told of
                reason = stopped.reason if isinstance(stopped, RenderInterrupted | ExaminationStopped) else stopped
                if writer.run is None and reason is stopped:
                    raise
                if writer.run is None:
                    raise reason from stopped
                with contextlib.suppress(GalleryError):  # a disk without room for the report has the pictures
                    self._finish(writer, request.language, on_progress)
                raise SessionStopped(writer.made, reason) from stopped
            return self._finish(writer, request.language, on_progress)

    def check(self, request: PairRequest) -> None:
        """Raises `TwinseedError` for all that can be seen to be wrong with a request before any model is opened."""
        self.gallery.require_writable()
        begun = self.gallery.unfinished(request.digest)
        if request.draft is None and begun is None:
            self._plan(request)
        request.examination.require(self._environ, None if begun is None else begun.record.findings)

    def refine(
        self,
        name: str,
        num_inference_steps: int | None = None,
        *,
        language: Language | None = None,
        on_progress: OnProgress = _in_silence,
    ) -> Run:
        """Renders the run `name` again with more steps, twice as many unless said, from the same seeds and prompts; the
        new record says how far its pictures moved, and where they come from, as the old one does.

        Raises as `run` does, and `SettingsError` where those are not more steps.
        """
        return self.run(refinement(self.gallery.open(name), num_inference_steps, language), on_progress=on_progress)

    def examine(
        self,
        name: str,
        examination: Examination | None,
        *,
        observations: str | None = None,
        allow_pickle: bool = False,
        language: Language = "en",
        on_progress: OnProgress = _in_silence,
    ) -> Run:
        """Adds to the run `name` what the instruments find and somebody's `observations`, and writes its report again.

        `examination` None leaves the findings as they are; `observations` None leaves the words as they are, and an
        empty text takes them out. Raises `SettingsError` where the model is not the one that made the run, other
        `TwinseedError`, or `SessionStopped` where some findings were finished and saved.
        """
        with _memory_told(), self.gallery.edit(name) as editor:
            return self._examine(editor, examination, observations, allow_pickle, language, on_progress)

    def expect(
        self,
        record: Record,
        *,
        foreign: bool = False,
        allow_pickle: bool = False,
        on_progress: OnProgress = _in_silence,
    ) -> Expectation:
        """What `verify` can give here, which opens the model: nothing is fetched for it. `foreign` records are somebody
        else's. Raises `NotHere`, or other `TwinseedError`."""
        require_here(record.settings, foreign=foreign, allow_pickle=allow_pickle)
        with _memory_told():
            return expectation(record, self._open(settings_here(record.settings), allow_pickle, on_progress))

    def verify(
        self,
        record: Record,
        seed: int,
        *,
        noise_floor: bool = False,
        allow_pickle: bool = False,
        on_progress: OnProgress = _in_silence,
    ) -> PicturePair:
        """The pair of one seed rendered again, with the prompts and settings of the record; nothing is written.

        Call `expect` first, which says what can be expected. `noise_floor` measures it, as a run does. Raises as `run`
        does, and what `on_progress` raises.
        """
        with _memory_told():
            settings = settings_here(replace(record.settings, seed=seed, images=1))
            model = self._open(settings, allow_pickle, on_progress)
            load_extras(model, settings, record.prompts, allow_pickle=allow_pickle)
            return render_pair(
                record.prompts,
                settings,
                model,
                noise_floor=noise_floor,
                on_step=lambda step: on_progress(Progress("render", step=step)),
            )

    def measure(
        self, run: Run, *, foreign: bool = False, allow_pickle: bool = False, on_progress: OnProgress = _in_silence
    ) -> Findings:
        """What the CLIP that the record of `run` names finds in the run's own pictures; nothing is written.

        Raises `NotHere` where it is not on this machine or has other weights, and as `examine` does.
        """
        record = run.record
        assert record.findings is not None and record.findings.clip is not None  # noqa: S101, PT018 - it scored
        scorer = record.findings.clip
        with _memory_told():
            settings = settings_here(record.settings)
            model = self._open(settings, allow_pickle, on_progress)
            load_extras(model, settings, record.prompts, allow_pickle=allow_pickle)
            name = clip_here(scorer.name, settings.model, self._environ, foreign=foreign)
            context, _ = self._context(run, Examination(name), model)
            if context.clip is None or context.clip.digest != scorer.digest:
                raise NotHere(
                    "the CLIP {name} has other weights here than those that scored",
                    hint="put the files that scored in its place",
                    name=scorer.name,
                )
            try:
                return look(context, Examination(name), on_progress)
            except ExaminationStopped as stopped:
                raise stopped.reason from stopped

    def close(self) -> None:
        """Lets go of the model and the CLIP."""
        self._model = self._clip = None

    def _examine(
        self,
        editor: RunEditor,
        examination: Examination | None,
        observations: str | None,
        allow_pickle: bool,
        language: Language,
        on_progress: OnProgress,
    ) -> Run:
        run = editor.run
        pictures, record = run.files(), run.record
        if observations is not None:
            record = record.model_copy(update={"observations": observations.strip() or None})

        def write(found: Findings | None, files: Mapping[str, bytes]) -> Run:
            on_progress(Progress("write"))
            written = record if found is None else _with(record, found, files)
            return editor.amend(written, files, render_report(written, {**pictures, **files}, language))

        if examination is None:
            return write(None, {})
        examination.require(self._environ)
        model = self._open(record.settings, allow_pickle, on_progress)
        _require_model_of(record, model)
        examination.require_family(model.family)
        load_extras(model, record.settings, record.prompts, allow_pickle=allow_pickle)
        context, notes = self._context(run, examination, model)

        def keep(found: Findings) -> None:
            files = {name: content for name, content in context.files.items() if name in found.files}
            editor.amend(_with(record, found, files), files, None)

        try:
            found = look(context, examination, on_progress, before=record.findings, notes=notes, on_found=keep)
        except ExaminationStopped as stopped:
            raise SessionStopped(write(stopped.findings, context.files), stopped.reason) from stopped
        return write(found, context.files)

    def _open(self, settings: RenderSettings, allow_pickle: bool, on_progress: OnProgress) -> OpenModel:
        wanted: dict[str, Any] = {
            "name": settings.model,
            "device": settings.device,
            "dtype": settings.dtype,
            "vae": settings.vae,
            "fast": settings.fast,
            "compiled": settings.compiled,
            "memory": settings.memory,
            "allow_pickle": allow_pickle,
        }
        on_progress(Progress("open", settings.model))
        if self._model is None or self._model[0] != wanted:
            self._model = None  # let go of the old one first: two may not fit into memory
            self._model = wanted, open_model(**wanted)
        return self._model[1]

    def _plan(self, request: PairRequest) -> tuple[Preparation, Expander | None]:
        """All that new prompts take, looked up. Raises `TwinseedError` for what is not there."""
        return Preparation.of(request), self._expander(request)

    def _expander(self, request: PairRequest) -> Expander | None:
        if request.simple is not None and request.expanded is not None:
            return None
        key = (request.expander, request.llm_model, request.cache)
        if key not in self._expanders:
            cache = ExpansionCache(cache_folder()) if request.cache else None
            self._expanders[key] = self._choose(
                request.expander, llm_model=request.llm_model, environ=self._environ, cache=cache, on_wait=self._wait
            )
        return self._expanders[key]

    def _wait(self, why: Clause, seconds: float) -> None:
        """Tells whoever watches that a server asks to wait, and until when."""
        self._on_progress(Progress("wait", why, until=datetime.now(UTC) + timedelta(seconds=seconds)))

    def _context(self, run: Run, examination: Examination, model: OpenModel) -> tuple[Context, tuple[str, ...]]:
        """All that instruments need, with the pictures as they are on the disk, and notes."""
        key = (examination.clip, model.name, model.device)
        if self._clip is None or self._clip[0] != key:
            self._clip = key, open_scorer(examination, model, self._environ)
        clip, notes = self._clip[1]
        record = run.record
        images: dict[tuple[Arm, int], Image.Image] = {
            (one.arm, one.seed): run.image(one.arm, one.seed) for one in record.renders
        }
        context = Context(
            record.prompts,
            record.settings,
            model,
            images,
            clip,
            environ=self._environ,
            adapters=record.certificate.adapters,
        )
        return context, notes

    def _look_into(self, writer: RunWriter, request: PairRequest, model: OpenModel, on_progress: OnProgress) -> None:
        """Adds what the wanted instruments find, as soon as each has found it. Raises `ExaminationStopped`."""
        before = writer.made.record.findings
        there = () if before is None else tuple(before.results)
        left = tuple(name for name in request.examination.instruments if name not in there)
        context, notes = self._context(writer.made, request.examination, model)

        def keep(found: Findings, *, complete: bool = False) -> None:
            files = {name: content for name, content in context.files.items() if name in found.files}
            writer.add(_with(writer.made.record, found, files).model_copy(update={"complete": complete}), files)

        wanted = replace(request.examination, instruments=left)
        keep(look(context, wanted, on_progress, before=before, notes=notes, on_found=keep), complete=True)

    def _finish(self, writer: RunWriter, language: Language, on_progress: OnProgress) -> Run:
        on_progress(Progress("write"))
        return writer.finish(render_report(writer.made.record, writer.made.files(), language))


@dataclass
class _Making:
    """A run while its pictures are rendered: each finished pair goes to the disk with the record of all so far."""

    request: PairRequest
    prompts: PromptPair
    settings: RenderSettings
    model: OpenModel
    writer: RunWriter
    draft: Run | None
    observations: str | None

    def render(self, on_progress: OnProgress) -> None:
        """Renders the seeds that are not there yet. Raises as `render_pair` does."""
        there = len(self.writer.run.record.seeds) if self.writer.run is not None else 0
        left = self.settings.images - there
        if not left:
            return
        render_pair(
            self.prompts,
            replace(self.settings, seed=self.settings.seed + there, images=left),
            self.model,
            noise_floor=self.request.noise_floor,
            on_step=lambda step: on_progress(Progress("render", step=_counted_from(step, there))),
            on_pair=self.keep,
        )

    def keep(self, pair: PicturePair) -> None:
        """Writes the last pair of `pair`, which has all that were finished in this call."""
        seed = pair.settings.seeds[-1]
        pictures = [one for one in pair.pictures if one.seed == seed]
        alone = replace(pair, settings=replace(pair.settings, seed=seed, images=1), pictures=tuple(pictures))
        texts = texts_of_pair(self.prompts, alone)
        files = {picture_file(one.arm, seed): encode_png(one.image, texts[one.arm, seed]) for one in pictures}
        entries = [picture_entry(one.arm, seed, one.seconds, files[picture_file(one.arm, seed)]) for one in pictures]
        scores = {seed: score(pictures[0].image, pictures[1].image)}
        before = self.writer.run.record if self.writer.run is not None else None
        certificate = pair.certificate
        if before is not None:
            entries = [*before.renders, *entries]
            scores = before.scores | scores
            certificate = before.certificate.joined(pair.certificate)
        record = checked_record(
            concept=self.request.concept,
            request=self.request,
            prompts=self.prompts,
            settings=replace(self.settings, images=len(entries) // 2),
            renders=tuple(entries),
            certificate=certificate,
            scores=scores,
            complete=False,
            created=datetime.now(UTC).replace(microsecond=0) if before is None else before.created,
            draft=self._drift(before, pictures, seed),
            observations=self.observations if before is None or self.observations else before.observations,
        )
        self.writer.add(record, files)

    def _drift(self, before: Record | None, pictures: list[Picture], seed: int) -> Draft | None:
        """How far the pictures are from those of the draft, with what was known of the seeds before."""
        if self.draft is None:
            return None
        old = self.draft.record
        moved: dict[Arm, float] = {
            one.arm: score(self.draft.image(one.arm, seed), one.image).mean_absolute_difference for one in pictures
        }
        known = before.draft.drift if before is not None and before.draft is not None else {}
        return Draft(
            self.draft.name,
            old.settings.num_inference_steps,
            find_scheduler(old.settings.scheduler).converges,
            {**known, seed: moved},
        )


@contextlib.contextmanager
def _memory_told() -> Iterator[None]:
    """Says in an error of ours that there was not enough memory, whichever library found out."""
    try:
        yield
    except Exception as error:
        told = _told(error)
        if told is error:
            raise
        raise told from error


def _told(error: BaseException) -> BaseException:
    """The error itself, unless it is about memory: then what it held is let go, and it is said in words of ours."""
    if not ran_out_of_memory(error):
        return error
    traceback.clear_frames(error.__traceback__)
    return MemoryShort(
        "there is not enough memory for this",
        hint="close other programs, or take a smaller --size or another model; what was finished is kept",
    )


def _counted_from(step: Step, there: int) -> Step:
    """The step of a call that goes on after so many pairs, counted among all."""
    return replace(step, pair=step.pair + there, pairs=step.pairs + there)


def refinement(run: Run, num_inference_steps: int | None = None, language: Language | None = None) -> PairRequest:
    """The request that renders the run again with more steps: as many as named, else twice as many.

    Where its concept, prompts, preset and styles come from stays as it was. Raises `SettingsError` where the steps are
    not more.
    """
    record = run.record
    had = record.settings.num_inference_steps
    steps = num_inference_steps or 2 * had
    if steps <= had:
        raise SettingsError(
            "the draft has {had} steps, and {steps} are not more",
            hint="give more, as in --steps {value}",
            had=had,
            steps=steps,
            value=2 * had,
        )
    return replace(
        record.request,
        settings=replace(record.settings, num_inference_steps=steps),
        examination=replace(record.request.examination, instruments=()),
        noise_floor=False,
        draft=run.name,
        language=language or record.request.language,
    )


def look(
    context: Context,
    wanted: Examination,
    on_progress: OnProgress,
    *,
    before: Findings | None = None,
    notes: tuple[str, ...] = (),
    on_found: Callable[[Findings], None] = lambda _: None,
) -> Findings:
    """The examination, with its progress told. Raises `ExaminationStopped`."""
    at_work = ""

    def on_instrument(name: str) -> None:
        nonlocal at_work
        at_work = name
        on_progress(Progress("look", name))

    context.on_step = lambda step: on_progress(Progress("look", at_work, step))
    return examine(context, wanted, before=before, notes=notes, on_instrument=on_instrument, on_found=on_found)


def _require_model_of(record: Record, model: OpenModel) -> None:
    """Raises `SettingsError` where other weights bear the name of the run's model."""
    if model.digest != record.certificate.model_digest:
        raise SettingsError(
            "the model {model} is not the one that made the run: its weights are others",
            hint="pictures of two models cannot be compared; make the run again with `twinseed pair`",
            model=record.settings.model,
        )


def _goes_on(run: Run, model: OpenModel) -> bool:
    """Whether more pictures of this model would be of the run's kind: equal weights, device, dtype and libraries."""
    certificate = run.record.certificate
    here = library_versions() | ({"torch.compile": "inductor"} if model.compiled else {})
    return (certificate.model_digest, certificate.device, certificate.dtype, certificate.libraries) == (
        model.digest,
        model.device,
        model.dtype,
        here,
    ) and not any(run.damage())


def _same_but_for_steps_and_seeds(before: RenderSettings, request: PairRequest) -> RenderSettings:
    """The settings that a run was made with, for a request that goes on with it or refines it."""
    wanted = request.settings
    return replace(before, seed=wanted.seed, images=wanted.images, num_inference_steps=wanted.num_inference_steps)


def _with(record: Record, found: Findings, files: Mapping[str, bytes]) -> Record:
    """The record with these findings; `files` are the bytes of those of their pictures that are new."""
    known = {} if record.findings is None else dict(record.findings.sha256)
    hashes = known | hashes_of(files)
    return record.model_copy(
        update={"findings": found.model_copy(update={"sha256": {name: hashes[name] for name in found.files}})}
    )
