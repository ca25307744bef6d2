"""The server: its address, its key, its models, what stands between, and one deadline with every retry inside it."""

from __future__ import annotations

import ctypes
import os
import queue
import re
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
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

from ideation.errors import Clause, nearest
from ideation.expanders.errors import (
    MAX_QUOTED_CHARACTERS,
    BadRequest,
    DeadlineExceeded,
    ExpanderError,
    NotTrusted,
    QuotaExceeded,
    RefusedKey,
    Transient,
    UnknownLLMModel,
    Unreachable,
)
from ideation.expanders.protocol import OnWait, wait_in_silence

T = TypeVar("T")

#: How often a server that cannot be reached is tried. It is usually down or misspelt: nobody should wait a minute.
TRIES_TO_CONNECT = 3

#: So many of a server's models are named in a hint.
MAX_NAMES = 12

#: Nobody is told of a shorter wait.
_NOTICED_S = 1.0

#: A thread that was left behind is told to end so often.
_TOLD_AGAIN_S = 1.0

_BACKOFF = wait_exponential_jitter(multiplier=0.25, max=8.0, jitter=0.25)

#: What the HTTP clients say, and call their errors, when a connection ends too early or what comes is no HTTP.
_BROKE_OFF = re.compile(
    r"without (?:sending )?(?:complete |a )?(?:message|response)|IncompleteRead|closed connection|ended prematurely",
    re.IGNORECASE,
)
_PROTOCOL = re.compile(
    "RemoteProtocolError|LocalProtocolError|ProtocolError|ChunkedEncodingError|HTTPException|LineTooLong|BadStatusLine"
)

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
    """Host and port of a server's address, to name it: an address may hold a password. Raises `BadRequest`.

    >>> server_of("http://me:secret@[::1]:8000/v1", "OPENAI_BASE_URL")
    '[::1]:8000'
    """
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
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host


def proxy_variable(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The variable that names the proxy which requests to this address go through, if there is one.

    >>> proxy_variable("http://127.0.0.1:1/v1", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "example.org"})
    'HTTP_PROXY'
    """
    parts = urlsplit(url)
    passed_by = {"no": environ.get("no_proxy") or environ.get("NO_PROXY") or ""}
    if urllib.request.proxy_bypass_environment(parts.netloc.rpartition("@")[2], passed_by):  # type: ignore[attr-defined]
        return None
    names = (f"{parts.scheme}_proxy", "all_proxy")
    return next((said for name in names for said in (name, name.upper()) if environ.get(said)), None)


def not_reached(error: BaseException, url: str, *, server: str, variable: str, certificates: str) -> Unreachable:
    """Why there was no connection to `url`, by name: a certificate, a proxy, or whatever the system said.

    `variable` is that of the address, `certificates` the one that names the file of certificates to trust.
    """
    causes = list(_causes(error))
    host = urlsplit(url).hostname or server
    said = next(
        (str(cause.strerror) for cause in reversed(causes) if isinstance(cause, OSError) and cause.strerror), ""
    )
    unsure = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    text = " ".join(map(str, causes))
    if unsure is not None:
        given = os.environ.get(certificates)
        return NotTrusted(
            "{server} cannot be reached safely: its certificate is not trusted ({reason})",
            hint=Clause(
                "{certificates} is {given}: check that it holds the certificate of who signed it",
                certificates=certificates,
                given=given,
            )
            if given
            else Clause(
                "set {certificates} to a file with the certificate of who signed it, as its administrators give it out",
                certificates=certificates,
            ),
            server=server,
            reason=unsure.verify_message,
        )
    if re.search(r"(?i)wrong.version.number|record.layer.failure|unknown.protocol", text):
        return NotTrusted(
            "{server} cannot be reached: it does not speak https",
            hint="write http:// in {variable}, or name the port that speaks https",
            server=server,
            variable=variable,
        )
    if os.environ.get(certificates) and re.search(r"(?i)CA certificate bundle|x509|No such file", text):
        return NotTrusted(
            "{server} cannot be reached: the certificates in {certificates} cannot be read",
            hint="set {certificates} to a file of certificates, or unset it",
            server=server,
            certificates=certificates,
        )
    if re.search(r"(?i)\bredirects\b", text):
        return NotTrusted("{server} sends on in a circle", hint="check {variable}", server=server, variable=variable)
    if proxy := proxy_variable(url):
        return Unreachable(
            Clause(
                "{server} cannot be reached through the proxy in {proxy}: {said}", server=server, proxy=proxy, said=said
            )
            if said
            else Clause("{server} cannot be reached through the proxy in {proxy}", server=server, proxy=proxy),
            hint="check the proxy in {proxy}, or pass it by with NO_PROXY={host}",
            proxy=proxy,
            host=host,
        )
    if not said and _BROKE_OFF.search(text):
        return Unreachable(
            "{server} broke off its answer",
            hint="check that it runs, the network, and {variable}",
            server=server,
            variable=variable,
        )
    if not said and any(_PROTOCOL.fullmatch(type(cause).__name__) for cause in causes):
        return NotTrusted(
            "{server} does not answer in HTTP",
            hint="check {variable}: its port, and whether https:// belongs in front",
            server=server,
            variable=variable,
        )
    return Unreachable(
        Clause("{server} cannot be reached: {said}", server=server, said=said)
        if said
        else Clause("{server} cannot be reached", server=server),
        hint="check that it runs, the network, and {variable}",
        variable=variable,
    )


def with_known_models(trouble: ExpanderError, llm_model: str, known: Callable[[], list[str]]) -> ExpanderError:
    """The error, and where it is about the model's name, with the names that the server knows in its hint."""
    about_model = "model" in trouble.message.replace(f"(model {llm_model!r})", "").casefold()
    if not isinstance(trouble, UnknownLLMModel | BadRequest) or not about_model:
        return trouble
    try:
        names = known()
    except Exception:  # noqa: BLE001 - the trouble to be told is another
        return trouble
    if not names or llm_model in names:
        return trouble
    return UnknownLLMModel(
        "{trouble}",
        hint="{nearest}; name one of the server's models with --llm-model NAME: {names}",
        trouble=trouble.message,
        nearest=nearest(llm_model, names),
        names=", ".join(_that_fit(names[:MAX_NAMES])),
    )


def _that_fit(names: list[str]) -> Iterator[str]:
    """The first names, as many as may be quoted."""
    left = MAX_QUOTED_CHARACTERS
    for name in names:
        left -= len(name) + 2
        if left < 0:
            return
        yield name


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, down to the bottom; some packages keep the cause as a reason or an argument."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]


def within(
    deadline_s: float,
    attempt: Callable[[float], T],
    *,
    server: str,
    spent_s: float = 0.0,
    on_wait: OnWait = wait_in_silence,
) -> T:
    """What `attempt(seconds_left)` returns, tried again after every `Transient` error for as long as time is left.

    `spent_s` of the deadline has gone already, in earlier requests for the same thing. Between tries it waits
    exponentially longer with jitter, and at least as long as the server asked; `on_wait` hears of waits that somebody
    would notice. A wait that would pass the deadline is not begun, and the last error is raised at once. Raises
    `DeadlineExceeded` when the first attempt does not end in time, the last error when a later one does not; every
    other error of an attempt passes through.
    """
    left = deadline_s - spent_s
    end = time.monotonic() + left
    retrying = Retrying(
        retry=retry_if_exception(_may_pass),
        wait=_wait,
        stop=stop_before_delay(left) | _CannotConnect(),
        before_sleep=lambda state: _tell_wait(state, on_wait),
        reraise=True,
    )
    earlier: Transient | None = None

    def once() -> T:
        nonlocal earlier
        try:
            return _bounded(attempt, end - time.monotonic(), deadline_s, server)
        except DeadlineExceeded:
            if earlier is None:
                raise
            raise earlier from None  # a try with little time left: what went wrong before it tells more
        except Transient as error:
            earlier = error
            raise

    return retrying(once)


def _may_pass(error: BaseException) -> bool:
    lasting = isinstance(error, NotTrusted) or (isinstance(error, QuotaExceeded) and error.spent)
    return isinstance(error, Transient) and not lasting


def _tell_wait(state: RetryCallState, on_wait: OnWait) -> None:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Transient) and state.next_action is not None and state.next_action.sleep >= _NOTICED_S:
        on_wait(error.message, state.next_action.sleep)


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

    thread = threading.Thread(target=run, daemon=True, name=f"asking {server}")
    thread.start()
    try:
        # The client's own timeout should speak first: it closes the connection, too.
        answer, error = outcome.get(timeout=left + 0.1)
    except queue.Empty:
        _end(thread)
        raise _too_late(server, deadline_s) from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]


def _end(thread: threading.Thread) -> None:
    """Lets a thread that was left behind end at its next step in Python: a server that drips or floods for ever would
    keep it busy for ever. Threads end by `SystemExit` without a word.

    It is told again until it has ended: what lands in the callback of a weak reference is printed there and lost.
    """

    def tell() -> None:
        while thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
            thread.join(_TOLD_AGAIN_S)

    threading.Thread(target=tell, daemon=True, name=f"ending {thread.name}").start()


def _too_late(server: str, deadline_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        "{server} gave no answer within {deadline_s:.3g} s",
        hint="set TWINSEED_LLM_DEADLINE to more seconds, or take a faster model with --llm-model",
        server=server,
        deadline_s=deadline_s,
    )
