"""Stopped: work of a session that ended early, and what is said of memory that ran out."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

from compare.runs.run import Run
from generate.models import ran_out_of_memory
from ideation import TwinseedError


class MemoryShort(TwinseedError):
    """There was not enough memory, beyond what rendering in a smaller way can help."""


class SessionStopped(Exception):
    """Work that ended early, for `reason`; the pairs and findings that were finished are in `run`."""

    def __init__(self, run: Run, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.run, self.reason = run, told(reason)


@contextlib.contextmanager
def memory_told() -> Iterator[None]:
    """Says in an error of ours that there was not enough memory, whichever library found out."""
    try:
        yield
    except Exception as error:
        said = told(error)
        if said is error:
            raise
        raise said from error


def told(error: BaseException) -> BaseException:
    """The error itself, unless it is about memory: then what it held is let go, and it is said in words of ours."""
    if not ran_out_of_memory(error):
        return error
    traceback.clear_frames(error.__traceback__)
    return MemoryShort(
        "there is not enough memory for this",
        hint="close other programs, or take a smaller --size or another model; what was finished is kept",
    )
