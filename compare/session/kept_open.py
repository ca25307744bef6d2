"""Kept open: the model, the CLIP and the expanders of the last request, which the next one finds ready."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from PIL import Image

from compare.instruments import Context, Examination, open_scorer
from compare.request import PairRequest
from compare.runs.run import Run
from compare.session.progress import OnProgress, Progress, in_silence
from generate.models import OpenModel, open_model
from generate.picture import Arm
from generate.settings import RenderSettings
from ideation import Clause, Expander, ExpansionCache, cache_folder
from ideation.expanders.protocol import OnWait, wait_in_silence


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


class KeptOpen:
    """What is slow to open and stays open. `environ` and `choose` are those of the session."""

    def __init__(self, environ: Mapping[str, str], choose: ExpanderChoice) -> None:
        self.environ = environ
        self._choose = choose
        self._model: tuple[dict[str, Any], OpenModel] | None = None
        self._clip: tuple[tuple[str, str, str], tuple[Any, tuple[str, ...]]] | None = None
        self._expanders: dict[tuple[str, str | None, bool, int], Expander] = {}
        self._on_progress: OnProgress = in_silence

    @contextlib.contextmanager
    def watched(self, on_progress: OnProgress) -> Iterator[None]:
        """Meanwhile `on_progress` hears that a server asks an expander to wait."""
        self._on_progress = on_progress
        try:
            yield
        finally:
            self._on_progress = in_silence

    @contextlib.contextmanager
    def acting_for(self, environ: Mapping[str, str]) -> Iterator[None]:
        """Meanwhile expanders are set up from this environment, and none of them stays open."""
        before = self.environ, self._expanders
        self.environ, self._expanders = environ, {}
        try:
            yield
        finally:
            self.environ, self._expanders = before

    def close(self) -> None:
        """Lets go of the model and the CLIP."""
        self._model = self._clip = None

    def model(self, settings: RenderSettings, allow_pickle: bool, on_progress: OnProgress) -> OpenModel:
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

    def expander(self, request: PairRequest) -> Expander | None:
        if request.simple is not None and request.expanded is not None:
            return None
        # Whoever sets a key between two requests, as in a notebook, means the next one.
        key = (request.expander, request.llm_model, request.cache, hash(frozenset(self.environ.items())))
        if key not in self._expanders:
            cache = ExpansionCache(cache_folder()) if request.cache else None
            self._expanders[key] = self._choose(
                request.expander, llm_model=request.llm_model, environ=self.environ, cache=cache, on_wait=self._wait
            )
        return self._expanders[key]

    def _wait(self, why: Clause, seconds: float) -> None:
        """Tells whoever watches that a server asks to wait, and until when."""
        self._on_progress(Progress("wait", why, until=datetime.now(UTC) + timedelta(seconds=seconds)))

    def context(self, run: Run, examination: Examination, model: OpenModel) -> tuple[Context, tuple[str, ...]]:
        """All that instruments need, with the pictures as they are on the disk, and notes."""
        key = (examination.clip, model.name, model.device)
        if self._clip is None or self._clip[0] != key:
            self._clip = key, open_scorer(examination, model, self.environ)
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
            environ=self.environ,
            adapters=record.certificate.adapters,
            batches=record.certificate.batches,
        )
        return context, notes
