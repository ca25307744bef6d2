"""The session, the one door to all that is done with a request or a run."""

from __future__ import annotations

from compare.session.kept_open import ExpanderChoice
from compare.session.progress import OnProgress, Progress
from compare.session.session import Session
from compare.session.stopped import MemoryShort, SessionStopped

__all__ = ["ExpanderChoice", "MemoryShort", "OnProgress", "Progress", "Session", "SessionStopped"]
