"""What every screen is given: the reader's sentences and language, the gallery, whose browser it is, and how jobs are
asked for and problems shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.page.text import plain
from compare.page.typed_key import environ_of_tab
from compare.page.visitor import Visitor
from compare.page.worker import Ticket, Work, the_worker
from compare.report import sentences
from compare.runs.gallery import Gallery, usual_folder
from compare.runs.run import Run
from ideation import TwinseedError
from templates import LANGUAGES, Language

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

#: Set where each browser has a shelf of its own.
SHELVES = "TWINSEED_PAGE_SHELVES"


@dataclass(frozen=True)
class PageContext:
    """`t` is the page's table of sentences in `language`."""

    t: dict[str, Any]
    language: Language
    gallery: Gallery
    visitor: Visitor
    #: Whose runs are shown, on a server where each browser has a shelf of its own; None where all are everybody's.
    shelf: str | None = None
    #: The screens by name.
    screens: dict[str, st.Page] = field(default_factory=dict)

    @classmethod
    def of(cls, visitor: Visitor) -> PageContext:
        """The context of this run of the script, in the language that was chosen."""
        state = st.session_state
        if state.get("lang") not in LANGUAGES:
            state.lang = _first_language(visitor)
        visitor.language = state.lang
        shelf = visitor.shelf if os.environ.get(SHELVES) else None
        return cls(sentences(state.lang)["page"], state.lang, Gallery(usual_folder()), visitor, shelf)

    @property
    def busy(self) -> bool:
        """Whether a job of this browser is under way."""
        return self.visitor.job is not None

    def open(self, name: str) -> Run:
        """The run `name`. Raises `GalleryError` where it is on somebody else's shelf, just as if it were not there."""
        if self.shelf is not None and self.gallery.marks(name).shelf != self.shelf:
            self.gallery.refuse(name)
        return self.gallery.open(name)

    def add(self, work: Work, label: str, ticket: Ticket | None = None) -> None:
        """Has the worker do it; `label` says what it is for, for whoever comes back later. What comes of it is put on
        this browser's shelf, where it has one."""
        self.forget_problem()
        environ = environ_of_tab()

        def shelved(session: Session, **how: Any) -> object:
            with session.acting_for(environ):
                made = work(session, **how)
            if isinstance(made, Run):
                self.put_on_shelf(made.name)
            return made

        self.visitor.take_on(the_worker().add(shelved, self.gallery, ticket or Ticket(label)))

    def put_on_shelf(self, name: str) -> None:
        """Makes the run this browser's own, where each has a shelf."""
        if self.shelf is not None:
            self.gallery.mark(name, lambda marks: marks.model_copy(update={"shelf": self.shelf}))

    def go(self, screen: str, **query: str) -> None:
        """To another screen, which is told what of it to show. Ends this run of the script."""
        self.forget_problem()
        st.switch_page(self.screens[screen], query_params=query)

    def tell(self, problem: BaseException) -> None:
        """Keeps a problem, to be shown from now on until something else is done."""
        st.session_state.problem, st.session_state.stopped = problem, None

    def forget_problem(self) -> None:
        st.session_state.problem = st.session_state.stopped = None

    @contextmanager
    def telling(self) -> Iterator[None]:
        """For what a button does: a problem that the user can mend is kept and shown."""
        try:
            yield
        except TwinseedError as problem:
            self.tell(problem)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows a problem that the user can mend, in its place; anything else is Streamlit's to show."""
        try:
            yield
        except TwinseedError as problem:
            self.error(problem)

    def error(self, problem: TwinseedError) -> None:
        st.error("\n\n".join(map(plain, problem.told(self.language))), icon=":material/error:")


def _first_language(visitor: Visitor) -> Language:
    """The language in the address, else the one that was chosen here before, else the browser's if we have it, else
    English."""
    asked = st.query_params.get("lang")
    for language in LANGUAGES:
        if asked == language:
            return language
    if visitor.language is not None:
        return visitor.language
    return "zh-TW" if (st.context.locale or "").lower().startswith("zh") else "en"
