"""The session: keeps model, CLIP and expander open, and does what a request asks for. Command line, page, notebook and
tables of concepts all go through it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager

from compare.instruments import Examination, Findings
from compare.request import PairRequest
from compare.runs.gallery import Gallery
from compare.runs.record import Record
from compare.runs.run import Run
from compare.session.examining import examine_run
from compare.session.kept_open import ExpanderChoice, KeptOpen
from compare.session.making import make_run, plan_of, refinement
from compare.session.progress import OnProgress, in_silence
from compare.session.repetition import (
    Expectation,
    expectation,
    measure_again,
    render_again,
    require_here,
    settings_here,
)
from compare.session.stopped import memory_told
from generate.picture import PicturePair
from ideation import choose_expander
from templates import Language


class Session:
    """What is asked for, done; the model and the CLIP of the last request stay open for the next one.

    `gallery` keeps the runs; `environ` has the keys and addresses of whoever writes prompts or describes pictures, and
    is stored nowhere; `choose` finds who writes them. Not for two threads at once.
    """

    def __init__(
        self, gallery: Gallery, *, environ: Mapping[str, str] = os.environ, choose: ExpanderChoice = choose_expander
    ) -> None:
        self.gallery = gallery
        self._kept = KeptOpen(environ, choose)

    def run(
        self, request: PairRequest, *, observations: str | None = None, on_progress: OnProgress = in_silence
    ) -> Run:
        """Renders the pairs that are asked for, compares them, and returns the run.

        Each pair is on the disk as soon as it is finished. Where an earlier call for the same request was stopped or
        killed, this one goes on with its run. Whatever can fail cheaply is tried first: names, the runs folder, the
        model; then the expander is asked, once; then the pictures are rendered. `on_progress` may raise
        `RenderCancelled` while rendering. Raises `TwinseedError`, or `SessionStopped` where some pairs were finished.
        """
        with memory_told(), self._kept.watched(on_progress):
            return make_run(self.gallery, self._kept, request, observations, on_progress)

    def check(self, request: PairRequest) -> None:
        """Raises `TwinseedError` for all that can be seen to be wrong with a request before any model is opened."""
        self.gallery.require_writable()
        begun = self.gallery.unfinished(request.digest)
        if request.draft is None and begun is None:
            plan_of(request, self._kept)
        request.examination.require(self._kept.environ, None if begun is None else begun.record.findings)

    def refine(
        self,
        name: str,
        num_inference_steps: int | None = None,
        *,
        language: Language | None = None,
        on_progress: OnProgress = in_silence,
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
        on_progress: OnProgress = in_silence,
    ) -> Run:
        """Adds to the run `name` what the instruments find and somebody's `observations`, and writes its report again.

        `examination` None leaves the findings as they are; `observations` None leaves the words as they are, and an
        empty text takes them out. Raises `SettingsError` where the model is not the one that made the run, other
        `TwinseedError`, or `SessionStopped` where some findings were finished and saved.
        """
        with memory_told(), self.gallery.edit(name) as editor:
            return examine_run(
                editor,
                self._kept,
                examination,
                observations,
                allow_pickle=allow_pickle,
                language=language,
                on_progress=on_progress,
            )

    def expect(
        self,
        record: Record,
        *,
        foreign: bool = False,
        allow_pickle: bool = False,
        on_progress: OnProgress = in_silence,
    ) -> Expectation:
        """What `verify` can give here, which opens the model: nothing is fetched for it. `foreign` records are somebody
        else's. Raises `NotHere`, or other `TwinseedError`."""
        require_here(record.settings, foreign=foreign, allow_pickle=allow_pickle)
        with memory_told():
            return expectation(record, self._kept.model(settings_here(record.settings), allow_pickle, on_progress))

    def verify(
        self,
        record: Record,
        seed: int,
        *,
        noise_floor: bool = False,
        allow_pickle: bool = False,
        on_progress: OnProgress = in_silence,
    ) -> PicturePair:
        """The pair of one seed rendered again, with the prompts and settings of the record; nothing is written.

        Call `expect` first, which says what can be expected. `noise_floor` measures it, as a run does. Raises as `run`
        does, and what `on_progress` raises.
        """
        with memory_told():
            return render_again(
                record,
                seed,
                self._kept,
                noise_floor=noise_floor,
                allow_pickle=allow_pickle,
                on_progress=on_progress,
            )

    def measure(
        self, run: Run, *, foreign: bool = False, allow_pickle: bool = False, on_progress: OnProgress = in_silence
    ) -> Findings:
        """What the CLIP that the record of `run` names finds in the run's own pictures; nothing is written.

        Raises `NotHere` where it is not on this machine or has other weights, and as `examine` does.
        """
        findings = run.record.findings
        assert findings is not None and findings.clip is not None  # noqa: S101, PT018 - it scored
        with memory_told():
            return measure_again(
                run, findings.clip, self._kept, foreign=foreign, allow_pickle=allow_pickle, on_progress=on_progress
            )

    def acting_for(self, environ: Mapping[str, str]) -> AbstractContextManager[None]:
        """Within it, expanders are set up from this environment: somebody's own keys, of which nothing stays."""
        return self._kept.acting_for(environ)

    def close(self) -> None:
        """Lets go of the model and the CLIP."""
        self._kept.close()
