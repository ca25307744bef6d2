"""Making: a run from its request to its report, of which each finished pair is on the disk at once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from compare.instruments import ExaminationStopped, Findings, score
from compare.request import PairRequest
from compare.runs.errors import GalleryError
from compare.runs.gallery import Gallery
from compare.runs.record import Draft, Record, checked_record
from compare.runs.run import Run, picture_entry, picture_file
from compare.runs.writer import RunWriter
from compare.session.examining import look, require_model_of, with_findings
from compare.session.kept_open import KeptOpen
from compare.session.preparation import Preparation, load_extras
from compare.session.progress import OnProgress, Progress
from compare.session.stopped import SessionStopped
from compare.view import render_report
from generate.files import encode_png, texts_of_pair
from generate.models import OpenModel
from generate.picture import Arm, Picture, PicturePair
from generate.render.batch import Step
from generate.render.libraries import library_versions
from generate.render.pair import RenderInterrupted, render_pair, resolve_settings
from generate.schedulers.table import find_scheduler
from generate.settings import RenderSettings, SettingsError
from ideation import Expander, PromptPair
from templates import Language


def make_run(
    gallery: Gallery, kept: KeptOpen, request: PairRequest, observations: str | None, on_progress: OnProgress
) -> Run:
    """The run that answers the request, with all that was asked for. Raises as `Session.run` does."""
    draft = gallery.open(request.draft) if request.draft is not None else None
    if draft is not None:
        draft.files()  # the new pictures are held against them: a fault is better told now than after rendering
    gallery.require_writable()
    with gallery.begin(request.digest) as writer:
        # Whoever goes on with a run has its prompts, even where an expander or a style is gone since.
        plan = plan_of(request, kept) if draft is None and writer.run is None else None
        request.examination.require(kept.environ, None if writer.run is None else writer.run.record.findings)
        model = kept.model(request.settings, request.allow_pickle, on_progress)
        request.examination.require_family(model.family, request.settings)
        if draft is not None:
            require_model_of(draft.record, model)
        if writer.run is not None and not _goes_on(writer.run, model):
            writer.start_anew()
        before = writer.run or draft
        if before is not None:
            prompts = before.record.prompts
            settings = resolve_settings(_same_but_for_steps_and_seeds(before.record.settings, request), model)
        else:
            preparation, expander = plan_of(request, kept) if plan is None else plan
            prompts, settings = preparation.carry_out(
                model, expander, lambda name: on_progress(Progress("expand", name))
            )
        load_extras(model, settings, prompts, allow_pickle=request.allow_pickle)
        if before is None:
            prompts = replace(prompts, warnings=(*prompts.warnings, *map(str, model.notes)))
        making = _Making(request, prompts, settings, model, writer, draft, observations, on_progress)
        try:
            making.render()
            making.look_into(kept)
        except BaseException as stopped:  # whatever it was: what is finished is kept, and told of
            reason = stopped.reason if isinstance(stopped, RenderInterrupted | ExaminationStopped) else stopped
            if writer.run is None and reason is stopped:
                raise
            if writer.run is None:
                raise reason from stopped
            with contextlib.suppress(GalleryError):  # a disk without room for the report has the pictures
                making.finish()
            raise SessionStopped(writer.made, reason) from stopped
        return making.finish()


def plan_of(request: PairRequest, kept: KeptOpen) -> tuple[Preparation, Expander | None]:
    """All that new prompts take, looked up. Raises `TwinseedError` for what is not there."""
    return Preparation.of(request), kept.expander(request)


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
    on_progress: OnProgress

    def render(self) -> None:
        """Renders the seeds that are not there yet; of a batch that is not there as a whole, all. Raises as
        `render_pair` does."""
        there = len(self.writer.run.record.seeds) if self.writer.run is not None else 0
        if there < self.settings.images:
            there -= there % (self.settings.pairs_per_batch or 1)
        left = self.settings.images - there
        if not left:
            return
        render_pair(
            self.prompts,
            replace(self.settings, seed=self.settings.seed + there, images=left),
            self.model,
            noise_floor=self.request.noise_floor,
            on_step=lambda step: self.on_progress(Progress("render", step=_counted_from(step, there))),
            on_pair=self.keep,
        )

    def keep(self, pair: PicturePair) -> None:
        """Writes the last pair of `pair`, which has all that were finished in this call."""
        seed = pair.settings.seeds[-1]
        if self.writer.run is not None and seed in self.writer.run.record.seeds:
            return
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

    def look_into(self, kept: KeptOpen) -> None:
        """Adds what the wanted instruments find, as soon as each has found it. Raises `ExaminationStopped`."""
        examination, before = self.request.examination, self.writer.made.record.findings
        there = () if before is None else tuple(before.results)
        left = tuple(name for name in examination.instruments if name not in there)
        context, notes = kept.context(self.writer.made, examination, self.model)

        def keep(found: Findings, *, complete: bool = False) -> None:
            files = {name: content for name, content in context.files.items() if name in found.files}
            record = with_findings(self.writer.made.record, found, files)
            self.writer.add(record.model_copy(update={"complete": complete}), files)

        wanted = replace(examination, instruments=left)
        keep(look(context, wanted, self.on_progress, before=before, notes=notes, on_found=keep), complete=True)

    def finish(self) -> Run:
        """The run with its report."""
        self.on_progress(Progress("write"))
        made = self.writer.made
        return self.writer.finish(render_report(made.record, made.files(), self.request.language))

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


def _counted_from(step: Step, there: int) -> Step:
    """The step of a call that goes on after so many pairs, counted among all."""
    return replace(step, pair=step.pair + there, pairs=step.pairs + there)


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
