"""The run as a notebook has it: shows itself, and is asked for more."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PIL import Image
from pydantic import JsonValue

from compare.instruments import Examination
from compare.request import RequestError
from compare.runs import Gallery, Record, Run, write_whole
from compare.view import card_html, markdown_report, notes_on_run, pdf_report, render_report, verdict_of
from generate.picture import Arm
from ideation import PromptPair, told
from templates import Language

if TYPE_CHECKING:  # torch comes along with it
    import compare.session


class Workshop(Protocol):
    """What a run is asked for is done there."""

    @property
    def gallery(self) -> Gallery: ...

    @property
    def made(self) -> compare.session.Session: ...

    def work(self, work: Callable[..., Run], language: Language) -> Run: ...


@dataclass(frozen=True)
class ReportFile:
    """A report that was written to `path`, which a notebook shows in a frame if it is a page."""

    path: Path

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str | None:
        if self.path.suffix != ".html":
            return None
        page = html.escape(self.path.read_text(encoding="utf-8"))
        return (
            f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="{html.escape(self.path.name)}" '
            'style="width: 100%; height: 80vh; border: 1px solid rgb(128 128 128 / .4); border-radius: 8px"></iframe>'
        )


@dataclass(frozen=True, repr=False)
class NotebookRun:
    """A run that is on the disk, in `folder`. `asked` are the notes on what was asked for."""

    run: Run
    session: Workshop = field(compare=False)
    asked: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def folder(self) -> Path:
        return self.run.folder

    @property
    def record(self) -> Record:
        """All that is known of the run, as `record.json` has it."""
        return self.run.record

    @property
    def prompts(self) -> PromptPair:
        return self.record.prompts

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is to be known of it: of what was asked for, of the prompts, and of what was found."""
        return tuple(dict.fromkeys(told(note, self.language) for note in notes_on_run(self.record, self.asked)))

    @property
    def seeds(self) -> list[int]:
        return self.record.seeds

    @property
    def simple(self) -> Image.Image:
        """The picture of the simple prompt, of the first seed."""
        return self.image("simple")

    @property
    def expanded(self) -> Image.Image:
        """The picture of the expanded prompt, of the first seed."""
        return self.image("expanded")

    def image(self, arm: Arm, seed: int | None = None) -> Image.Image:
        """One picture, of the first seed unless another is named. Raises `RecordError`."""
        return self.run.image(arm, seed)

    @property
    def verdict(self) -> str:
        """What the numbers allow one to say; "" where nobody scored."""
        return verdict_of(self.record, self.language)

    @property
    def language(self) -> Language:
        return self.record.request.language

    def report(self, to: str | os.PathLike[str] | None = None, *, language: Language | None = None) -> ReportFile:
        """The report, written anew: the run's own page, or to a file that ends in `.html`, `.pdf` or `.zip` (Markdown
        with its pictures). Raises `TwinseedError`."""
        spoken = language or self.language
        if to is None:
            with self.session.gallery.edit(self.name) as editor:
                record = editor.run.record
                editor.amend(record, {}, render_report(record, editor.run.files(), spoken))
            return ReportFile(self.run.report)
        path, pictures = Path(to).expanduser(), self.run.files()
        match path.suffix.lower():
            case ".html":
                content = render_report(self.record, pictures, spoken).encode()
            case ".pdf":
                content = pdf_report(self.record, pictures, spoken)
            case ".zip":
                content = markdown_report(self.record, pictures, spoken)
            case _:
                raise RequestError(
                    "nobody can tell what {file} is to be",
                    hint="name a file that ends in .html, .pdf or .zip",
                    file=path,
                )
        write_whole(path.absolute(), content)
        return ReportFile(path)

    def refine(self, steps: int | None = None) -> NotebookRun:
        """The run rendered again with more steps, twice as many unless said, from the same seeds and prompts."""
        return self._after(lambda **how: self.session.made.refine(self.name, steps, **how))

    def examine(
        self, *instruments: str, clip: str = "auto", observations: str | None = None, **options: Mapping[str, JsonValue]
    ) -> NotebookRun:
        """The run with what these instruments find, as in `run.examine("ladder")`; options are given by instrument, as
        in `sweep={"steps": [5, 10, 20]}`. `observations` are what you see, in your own words. Raises `TwinseedError`.
        """
        names = tuple(dict.fromkeys((*instruments, *options)))
        wanted = Examination(clip, names, {name: dict(values) for name, values in options.items()})
        if not names and observations is None:
            raise RequestError("nothing was asked for", hint='name an instrument, as in run.examine("ladder")')
        return self._after(
            lambda **how: self.session.made.examine(
                self.name, wanted if names else None, observations=observations, language=self.language, **how
            )
        )

    def _after(self, work: Callable[..., Run]) -> NotebookRun:
        return NotebookRun(self.session.work(work, self.language), self.session)

    def _repr_html_(self) -> str:
        return card_html(self.record, self.run.files(), self.language, self.asked)

    def __repr__(self) -> str:
        return f"<twinseed run {self.folder}: {self.verdict or self.record.concept.text}>"
