"""The server: its address, the key that it is sent, and one deadline for an answer with every retry inside it."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_before_delay,
    wait_exponential_jitter,
)
from tenacity.stop import stop_base

from ideation.expanders.errors import BadRequest, DeadlineExceeded, QuotaExceeded, RefusedKey, Transient, Unreachable

T = TypeVar("T")

#: How often a server that cannot be reached is tried. It is usually down or misspelt: nobody should wait a minute.
TRIES_TO_CONNECT = 3

_BACKOFF = wait_exponential_jitter(multiplier=0.25, max=8.0, jitter=0.25)

# Servers like to repeat a key, or its first and last letters, in what they say about it.
_KEY_LIKE = re.compile(r"\b(?:sk|AIza)[-\w*.]{6,}")


def checked_key(key: str, variable: str) -> str:
    """The key itself. Raises `RefusedKey`, without showing it, when it cannot be sent in a header."""
    if not key or not all("!" <= character <= "~" for character in key):
        raise RefusedKey(
            "{variable} contains spaces, line breaks or letters outside ASCII" if key else "{variable} is empty",
            hint="set {variable} to the key alone, as its provider shows it",
            variable=variable,
        )
    return key


def without_key(text: str, key: str) -> str:
    """The text with the key, and whatever looks like one, replaced."""
    return _KEY_LIKE.sub("(key)", text.replace(key, "(key)") if key else text)


def server_of(url: str, variable: str) -> str:
    """Host and port of a server's address, to name it: an address may hold a password. Raises `BadRequest`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise BadRequest(
            "{variable} is not the address of a server",
            hint="give one as in {variable}=http://127.0.0.1:11434/v1",
            variable=variable,
        )
    return f"{host}:{port}" if port else host


def within(deadline_s: float, attempt: Callable[[float], T], *, server: str, spent_s: float = 0.0) -> T:
    """What `attempt(seconds_left)` returns, tried again after every `Transient` error for as long as time is left.

    `spent_s` of the deadline has gone already, in earlier requests for the same thing. Between tries it waits
    exponentially longer with jitter, and at least as long as the server asked; a wait that would pass the deadline is
    not begun, and the last error is raised at once. Raises `DeadlineExceeded` when an attempt itself does not end in
    time; every other error of an attempt passes through.
    """
    left = deadline_s - spent_s
    end = time.monotonic() + left
    retrying = Retrying(
        retry=retry_if_exception(lambda e: isinstance(e, Transient) and not (isinstance(e, QuotaExceeded) and e.spent)),
        wait=_wait,
        stop=stop_before_delay(left) | _CannotConnect(),
        reraise=True,
    )
    return retrying(lambda: _bounded(attempt, end - time.monotonic(), deadline_s, server))


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, Transient) else None
    return _BACKOFF(state) + (asked or 0.0)


class _CannotConnect(stop_base):
    def __call__(self, retry_state: RetryCallState) -> bool:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        return isinstance(error, Unreachable) and retry_state.attempt_number >= TRIES_TO_CONNECT


def _bounded(attempt: Callable[[float], T], left: float, deadline_s: float, server: str) -> T:
    """Runs one attempt in a thread that can be left behind.

    The HTTP clients' timeouts count from one byte to the next, so a server that sends a space every few seconds would
    otherwise hold its caller for ever.
    """
    if left <= 0:
        raise _too_late(server, deadline_s)
    outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((attempt(left), None))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True, name=f"asking {server}").start()
    try:
        # The client's own timeout should speak first: it closes the connection, too.
        answer, error = outcome.get(timeout=left + 0.1)
    except queue.Empty:
        raise _too_late(server, deadline_s) from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]


def _too_late(server: str, deadline_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        "{server} gave no answer within {deadline_s:.3g} s",
        hint="set TWINSEED_LLM_DEADLINE to more seconds, or take a faster model with --llm-model",
        server=server,
        deadline_s=deadline_s,
    )
