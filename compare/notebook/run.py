"""The run as a notebook has it: shows itself, and is asked for more."""

from __future__ import annotations

import html
import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, get_args, runtime_checkable
from urllib.parse import quote

from PIL import Image
from pydantic import JsonValue

from compare.instruments import INSTRUMENTS, Examination
from compare.notebook.arguments import ArgumentError, checked, refused
from compare.report import sentences
from compare.request import RequestError
from compare.runs import Gallery, Record, Run, write_whole
from compare.view import card_html, markdown_report, notes_on_run, pdf_report, render_report, verdict_of
from generate.picture import Arm
from ideation import PromptPair, nearest, told
from templates import Language

if TYPE_CHECKING:  # torch comes along with it
    import compare.session


@runtime_checkable
class Workshop(Protocol):
    """What a run is asked for is done there."""

    @property
    def gallery(self) -> Gallery: ...

    @property
    def made(self) -> compare.session.Session: ...

    def work(self, work: Callable[..., Run], language: Language) -> Run: ...


#: A height of its own: a frame that is as high as what is in it would make one of a part of the window collapse.
_FRAME = "width: 100%; height: 42rem; resize: vertical; border: 1px solid rgb(128 128 128 / .4); border-radius: 8px"
#: The report is dark where the notebook is, whatever the system says: JupyterLab, Visual Studio Code and Colab say so
#: in their own ways. Where the script does not run, it goes by the system.
_LIKE_THE_NOTEBOOK = """<script>
for (const frame of document.querySelectorAll("iframe.twinseed-report:not([data-seen])")) {
  const lab = document.body.dataset.jpThemeLight, code = document.body.dataset.vscodeThemeKind;
  const colab = document.documentElement.getAttribute("theme");
  const dark = lab ? lab === "false" : code ? !code.includes("light") : colab ? colab === "dark" : null;
  frame.dataset.seen = "";
  if (dark === null) continue;
  const other = frame.cloneNode(); // a frame of its own: this one may still be loading
  other.srcdoc = frame.srcdoc.replace("(prefers-color-scheme: dark)", dark ? "all" : "not all")
    .replace("color-scheme: light dark", dark ? "color-scheme: dark" : "color-scheme: light");
  frame.replaceWith(other);
}
</script>"""


def _of_either_theme(page: str) -> str:
    """The report's page, which lets its style be what the script above makes of it, and no other."""
    found = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    if found is None:
        return page
    sources = ""
    for media, scheme in (("all", "dark"), ("not all", "light")):
        style = found[1].replace("(prefers-color-scheme: dark)", media, 1)
        style = style.replace("color-scheme: light dark", f"color-scheme: {scheme}", 1)
        sources += f"&#39;sha256-{b64encode(sha256(style.encode()).digest()).decode()}&#39; "
    return page.replace("style-src &#39;sha256-", f"style-src {sources}&#39;sha256-", 1)


@dataclass(frozen=True)
class ReportFile:
    """A report that was written to `path`, which a notebook shows in a frame if it is a page."""

    path: Path
    language: Language = "en"

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str | None:
        if self.path.suffix != ".html":
            return None
        page = html.escape(_of_either_theme(self.path.read_text(encoding="utf-8")))
        return (
            f"{self._link()}"
            f'<iframe class="twinseed-report" srcdoc="{page}" sandbox="allow-scripts" '
            f'title="{html.escape(self.path.name)}" style="{_FRAME}"></iframe>{_LIKE_THE_NOTEBOOK}'
        )

    def _link(self) -> str:
        """To the file, where the notebook can reach it: under the folder that it runs in."""
        said, path = sentences(self.language)["notebook"]["report"], self.path.absolute()
        where = html.escape(said["at"].format(path=path))
        if not path.is_relative_to(Path.cwd()):
            return f"<p>{where}</p>"
        address = html.escape(quote(path.relative_to(Path.cwd()).as_posix()))
        return f'<p><a href="{address}" target="_blank" rel="noopener">{html.escape(said["open"])}</a> · {where}</p>'


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
        """One picture, of the first seed unless another is named. Raises `ArgumentError`, or `RecordError`."""
        if arm not in get_args(Arm):
            raise refused("arm", arm)
        chosen = seed if seed is None or not hasattr(seed, "__index__") else index(seed)
        if chosen is not None and chosen not in self.seeds:
            raise ArgumentError(
                "the run has no pictures of seed {seed}",
                hint="give one of its seeds: {seeds}",
                seed=repr(seed)[:60],
                seeds=", ".join(map(str, self.seeds)),
            )
        return self.run.image(arm, chosen)

    @property
    def verdict(self) -> str:
        """What the numbers allow one to say; "" where nobody scored."""
        return verdict_of(self.record, self.language)

    @property
    def language(self) -> Language:
        return self.record.request.language

    @checked
    def report(self, to: str | os.PathLike[str] | None = None, *, language: Language | None = None) -> ReportFile:
        """The report, written anew: the run's own page, or to a file that ends in `.html`, `.pdf` or `.zip` (Markdown
        with its pictures). Raises `TwinseedError`."""
        spoken = language or self.language
        if to is None:
            with self.session.gallery.edit(self.name) as editor:
                record = editor.run.record
                editor.amend(record, {}, render_report(record, editor.run.files(), spoken))
            return ReportFile(self.run.report, spoken)
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
        return ReportFile(path, spoken)

    @checked
    def refine(self, steps: int | None = None) -> NotebookRun:
        """The run rendered again with more steps, twice as many unless said, from the same seeds and prompts."""
        return self._after(lambda **how: self.session.made.refine(self.name, steps, **how))

    @checked
    def examine(
        self, *instruments: str, clip: str = "auto", observations: str | None = None, **options: Mapping[str, JsonValue]
    ) -> NotebookRun:
        """The run with what these instruments find, as in `run.examine("ladder")`; options are given by instrument, as
        in `sweep={"steps": [5, 10, 20]}`. `observations` are what you see, in your own words. Raises `TwinseedError`.
        """
        for name, values in options.items():
            _require_options(name, values, instruments)
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


def _require_options(name: str, values: object, instruments: tuple[str, ...]) -> None:
    """Raises `ArgumentError` where an argument of `examine` is not the options of an instrument."""
    if name in INSTRUMENTS:
        if not isinstance(values, Mapping):
            raise ArgumentError(
                "{name} is {given}",
                hint="give its options in a dictionary, by name; options of {name}: {known}",
                name=name,
                given=repr(values)[:60],
                known=", ".join(INSTRUMENTS[name].options.model_fields) or "none",
            )
        return
    owner = next((one for one in (*instruments, *INSTRUMENTS) if name in _options_of(one)), None)
    if owner is not None:
        raise ArgumentError(
            "examine() has no argument {name!r}: it is an option of {owner}",
            hint="give it by instrument, as in {owner}={example}",
            name=name,
            owner=owner,
            example={name: values},
        )
    raise ArgumentError(
        "{function}() has no argument {name!r}",
        hint="{nearest}",
        function="examine",
        name=name,
        nearest=nearest(name, ["clip", "observations", *INSTRUMENTS]),
    )


def _options_of(instrument: str) -> frozenset[str]:
    return frozenset(INSTRUMENTS[instrument].options.model_fields) if instrument in INSTRUMENTS else frozenset()
