"""The session of a notebook: asks for pairs, keeps open what they take, and shows what it does."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from compare.notebook.arguments import checked, refused
from compare.notebook.interrupted import Interrupted
from compare.notebook.options import asked_with
from compare.notebook.progress import shown_progress, without_widgets
from compare.notebook.run import NotebookRun
from compare.request import PairOptions, PairRequest
from compare.runs import Gallery, Run, run_named
from compare.runs.gallery import usual_folder
from generate.models import require_model, writing_target
from generate.settings import DEFAULT_MODEL
from ideation import (
    ExpansionCache,
    PromptPair,
    TokenMode,
    cache_folder,
    checked_template,
    choose_expander,
    seed_of,
    typed_concept,
)
from ideation import expand as expand_concept
from templates import Language

if TYPE_CHECKING:  # torch comes along with it
    import compare.session


class Session:
    """Keeps the model and whatever scores open between pairs. `model`, `device` and the folder of `runs` are meant
    wherever a pair names none. A model or device that cannot be is refused at once with a `TwinseedError`.

    >>> session = Session(model="seedling", device="cpu")
    >>> session.expand("a dog riding a bicycle", seed=7).simple
    'a dog riding a bicycle'
    """

    @checked
    def __init__(
        self, model: str | None = None, *, device: str = "auto", runs: str | os.PathLike[str] | None = None
    ) -> None:
        if model is not None:
            require_model(model)
        if not re.fullmatch(r"auto|cpu|mps|(cuda|xpu)(:\d+)?", device):
            raise refused("device", device)
        without_widgets()
        self.model, self.device = model, device
        self.gallery = Gallery(Path(runs).expanduser() if runs is not None else usual_folder())

    @asked_with(PairOptions)
    def pair(self, options: PairOptions) -> NotebookRun:
        """A concept to two prompts, both rendered from one seed, and compared: the run, which is on the disk as well.

        The arguments are the options of `twinseed pair` by the same names. A concept that is left out is drawn.
        Interrupted, what was finished is kept, and asking for the same again goes on from there. Raises
        `TwinseedError`. What can be given:
        """
        if options.model is None:
            options = replace(options, model=self.model)
        if options.device == "auto":
            options = replace(options, device=self.device)
        request, notes = PairRequest.from_options(options)
        return NotebookRun(self.work(lambda **how: self.made.run(request, **how), request.language), self, notes)

    @checked
    def expand(
        self,
        concept: str,
        *,
        seed: int | str = 0,
        expander: str = "auto",
        llm_model: str | None = None,
        template: str | None = None,
        tokens: TokenMode = "fit",
        written_for: str | None = None,
        cache: bool = True,
    ) -> PromptPair:
        """A concept to a simple and an expanded prompt. `written_for` is a model, or a family of which none need be
        here. Raises `TwinseedError`."""
        target = writing_target(self.model, written_for)
        return expand_concept(
            typed_concept(concept),
            choose_expander(
                expander,
                llm_model=llm_model,
                environ=os.environ,
                cache=ExpansionCache(cache_folder()) if cache else None,
            ),
            target.budget(chunked=tokens == "chunk"),
            seed=seed_of(seed),
            vocabulary=target.vocabulary,
            template=checked_template(template) if template is not None else None,
            tokens=tokens,
            target=target.facts,
        )

    @checked
    def open_run(self, run: str | os.PathLike[str]) -> NotebookRun:
        """The run of that name, or in that folder; "last" is the newest. Raises `RecordError`, or `GalleryError`."""
        gallery, name, notes = run_named(run, self.gallery)
        at_home = gallery.root.absolute() == self.gallery.root.absolute()
        of = self if at_home else Session(self.model, device=self.device, runs=gallery.root)
        return NotebookRun(gallery.open(name), of, notes)

    def close(self) -> None:
        """Lets go of the model and of whatever scores."""
        self.__dict__.pop("made", None)

    def work(self, work: Callable[..., Run], language: Language) -> Run:
        """Does the work, which takes `on_progress`, and shows it. What stopped it is raised, and says what is kept."""
        with shown_progress(language) as on_progress:  # it says that the libraries are loaded, which takes a while
            from compare.session import SessionStopped

            try:
                return work(on_progress=on_progress)
            except SessionStopped as stopped:
                if isinstance(stopped.reason, KeyboardInterrupt):
                    raise Interrupted(stopped.run.folder) from stopped
                stopped.reason.add_note(f"what was finished is in {stopped.run.folder}")
                raise stopped.reason from stopped
            except KeyboardInterrupt as interrupt:
                raise Interrupted(None) from interrupt

    def __repr__(self) -> str:
        kept = "model open" if "made" in self.__dict__ else "nothing open yet"
        return (
            f"<twinseed session: {self.model or DEFAULT_MODEL} on {self.device}, runs in {self.gallery.root}, {kept}>"
        )

    @cached_property
    def made(self) -> compare.session.Session:
        """What does the work. Torch comes along with it."""
        from compare.session import Session as Made

        return Made(self.gallery)
