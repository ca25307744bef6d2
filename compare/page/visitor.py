"""The visitor: what the server keeps of one browser, so that a reload, another tab or a lost connection finds it."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from typing import Any

import streamlit as st

from compare.page.gates.browser_cookie import browser_of
from compare.page.worker import Ticket
from templates import Language

#: Browsers that are remembered; whoever has not been here for longest is forgotten first.
MOST_VISITORS = 500


class Visitor:
    """One browser's language, what its form holds, and its latest job. In this server's memory alone.

    `shelf` marks the runs that it makes: nobody can tell its cookie from that.
    """

    def __init__(self, browser: str = "") -> None:
        self.shelf = hashlib.sha256((browser or secrets.token_hex()).encode()).hexdigest()[:32]
        self.language: Language | None = None
        #: What each form holds, by its name.
        self.forms: dict[str, dict[str, Any]] = {}
        #: The homework that it makes or has made, with all that a screen shows of it.
        self.homework: Any = None
        #: What experiments have shown, by their names.
        self.panels: dict[str, Any] = {}
        #: What the check of a bundle found last.
        self.verdict: Any = None
        #: The run that the first screen showed or made last.
        self.run: str | None = None
        #: The latest job, and whether somebody has seen how it ended.
        self.ticket: Ticket | None = None
        self.seen = True

    def take_on(self, ticket: Ticket) -> None:
        self.ticket, self.seen = ticket, False

    @property
    def job(self) -> Ticket | None:
        """The job under way, or one that ended while nobody looked."""
        return None if self.ticket is None or (self.ticket.done and self.seen) else self.ticket


class Visitors:
    """All browsers that this server knows, by their cookies."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str, Visitor] = OrderedDict()

    def of(self, browser: str) -> Visitor:
        """The visitor of that name; a new one the first time."""
        with self._lock:
            visitor = self._known.setdefault(browser, Visitor(browser))
            self._known.move_to_end(browser)
            while len(self._known) > MOST_VISITORS:
                self._known.popitem(last=False)
            return visitor


def this_visitor() -> Visitor:
    """The one who looks at the page now. A browser that takes no cookies is somebody else after each reload."""
    if browser := browser_of(dict(st.context.cookies)):
        return _visitors().of(browser)
    visitor: Visitor = st.session_state.setdefault("visitor", Visitor())
    return visitor


@lru_cache(maxsize=1)
def _visitors() -> Visitors:
    """Those of this server. Not in Streamlit's cache, which is cleared from the page's menu."""
    return Visitors()
