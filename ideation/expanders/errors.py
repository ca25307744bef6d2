"""What can go wrong between a concept and an expander's answer, each with a way out."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ideation.errors import Clause, TwinseedError

#: The longest part of a server's own words that goes into a message.
MAX_QUOTED_CHARACTERS = 200
#: So much of a web page is looked through for its title.
_MOST_OF_PAGE = 5_000


class ExpanderError(TwinseedError):
    """An expander that was asked for could not answer. It never silently becomes another: the hint offers that."""

    also = "or work without an LLM: --expander offline"


class UnknownExpander(ExpanderError):
    """No expander has this name, or it was given something that it has no use for."""


class MissingKey(ExpanderError):
    """The expander needs a key or a model, and none is configured."""


class RefusedKey(ExpanderError):
    """The server does not accept the key (401, 403)."""


class UnknownLLMModel(ExpanderError):
    """The server has no model of this name (404)."""


class BadRequest(ExpanderError):
    """The server understood the request and will not serve it (400 and the other 4xx)."""


class DeadlineExceeded(ExpanderError):
    """The server gave no answer in the time that was set for it."""


class Transient(ExpanderError):
    """Trouble that may pass, so that asking again makes sense. `retry_after_s` is what the server asked to wait."""

    def __init__(self, message: str, *, hint: str, retry_after_s: float | None = None, **values: Any) -> None:
        super().__init__(message, hint=hint, **values)
        self.retry_after_s = retry_after_s


class QuotaExceeded(Transient):
    """Too many requests, or none left (429). `spent` says that waiting a minute will not help."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
        spent: bool = False,
        **values: Any,
    ) -> None:
        if hint is None and retry_after_s is not None:
            hint = Clause("try again in {wait}", wait=_spoken(retry_after_s))
        super().__init__(message, hint=hint or "try again later", retry_after_s=retry_after_s, **values)
        self.spent = spent


class ServerTrouble(Transient):
    """The server failed by itself (5xx)."""


class Unreachable(Transient):
    """No connection to the server."""


class Refusal(ExpanderError):
    """The LLM, or a filter around it, declined to write prompts for this concept."""


class NotTrusted(Unreachable):
    """A server that is there, and whose certificate or protocol is not what it should be: waiting does not help."""


class UnreadableResponse(ExpanderError):
    """An answer that is too long to be one, or cannot be unpacked: asking again gives the same."""


class UnusableResponse(ExpanderError):
    """An answer that holds no two prompts. Asking once more often helps."""


class TruncatedResponse(UnusableResponse):
    """An answer that broke off before its end."""


class WrongLanguage(UnusableResponse):
    """Prompts in another language than English, the one that the rendering models read."""


def error_of_status(
    status: int, said: str, *, server: str, llm_model: str, headers: Any = None, details: Any = None
) -> ExpanderError:
    """The error for an HTTP status, whichever provider sent it.

    `said` is the server's own message, already without the key; `details` are the parsed `error.details` (Google) or
    the whole error object (OpenAI).
    """
    quoted = shortened(said)
    told = Clause(
        "{server} answered {status}: {quoted}" if quoted else "{server} answered {status}",
        server=server,
        status=status,
        quoted=quoted,
    )
    about = f"{said} {_as_text(details)}".casefold()
    if status in (401, 403) or (status == 400 and ("api_key_invalid" in about or "api key not valid" in about)):
        return RefusedKey(
            "{told}", hint="check the key, that it belongs to this server, and that it may use this model", told=told
        )
    if status == 404:
        return UnknownLLMModel(
            "{told} (model {llm_model!r})",
            hint="name a model that the server has with --llm-model NAME, and check the server's address",
            told=told,
            llm_model=llm_model,
        )
    if status == 429:
        wait = _retry_after(headers, details)
        # A quota per day, or an account without credit, is not helped by waiting out the deadline.
        if "perday" in about or "insufficient_quota" in about:
            return QuotaExceeded(
                "{told}",
                told=told,
                hint=None if wait else "today's quota or the account's credit is used up; try again tomorrow",
                retry_after_s=wait,
                spent=True,
            )
        return QuotaExceeded("{told}", told=told, retry_after_s=wait)
    if status == 408 or status >= 500:
        return ServerTrouble(
            "{told}",
            hint="the trouble is on the server's side; try again later",
            retry_after_s=_retry_after(headers),
            told=told,
        )
    return BadRequest("{told}", hint="another model may accept it: --llm-model NAME", told=told)


#: What trouble is about where a server gives no status that says so, by the words that servers use.
_STATUS_OF_WORDS = {
    429: re.compile(r"rate.?limit|too many requests|quota|resource.exhausted", re.IGNORECASE),
    401: re.compile(
        r"unauthori[sz]ed|unauthenticated|(?:invalid|incorrect|missing|no|wrong) (?:api.?)?key|api key", re.IGNORECASE
    ),
    404: re.compile(
        r"model\b.*\b(?:not found|does not exist|not exist|unknown)|no such model|unknown model", re.IGNORECASE
    ),
    503: re.compile(r"overload|busy|unavailable|try again|timed? ?out|temporar|loading", re.IGNORECASE),
}


def error_in_success(failed: Any, said: str, *, server: str, llm_model: str, headers: Any = None) -> ExpanderError:
    """The error that a server reports with the status 200. `failed` is what it keeps under "error"."""
    given = [failed.get(name) for name in ("code", "status")] if isinstance(failed, dict) else []
    status = next(
        (int(code) for code in map(str, given) if len(code) == 3 and code.isdecimal() and 400 <= int(code) < 600), None
    )
    about = f"{said} {_as_text(failed)}"
    status = status or next((code for code, words in _STATUS_OF_WORDS.items() if words.search(about)), None)
    if status is None:
        return BadRequest(
            "{server} answered with an error: {quoted}",
            hint="another model may accept it: --llm-model NAME",
            server=server,
            quoted=shortened(said),
        )
    return error_of_status(status, said, server=server, llm_model=llm_model, headers=headers, details=failed)


def shortened(text: str) -> str:
    """The beginning of what a server said, on one line; a web page instead of a message is only named.

    >>> shortened("no such\\n  model"), shortened("<!DOCTYPE html> <title>Sign in</title> ...")
    ('no such model', 'a web page instead of an answer (Sign in)')
    """
    line = " ".join(text.split())
    if is_web_page(line):
        title = re.search(r"<title[^>]*>\s*([^<]{1,80}?)\s*</title", line[:_MOST_OF_PAGE], re.IGNORECASE)
        return "a web page instead of an answer" + (f" ({html.unescape(title[1])})" if title else "")
    return line if len(line) <= MAX_QUOTED_CHARACTERS else line[:MAX_QUOTED_CHARACTERS].rstrip() + "…"


def is_web_page(text: str) -> bool:
    """Whether a server sent a page for people."""
    return text.lstrip("\ufeff \t\r\n")[:200].casefold().startswith(("<!doctype", "<html", "<head", "<?xml"))


def _retry_after(headers: Any, details: Any = None) -> float | None:
    """Seconds to wait: the `Retry-After` header as seconds or as a date, or Google's `RetryInfo`."""
    value = str(headers.get("retry-after") or headers.get("Retry-After") or "").strip() if headers else ""
    if value:
        try:
            return _sane(float(value))
        except ValueError:
            pass
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        return _sane((at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    for detail in _objects(details):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            try:
                return _sane(float(delay[:-1]))
            except ValueError:
                return None
    return None


def _objects(details: Any) -> Iterator[dict[str, Any]]:
    if isinstance(details, dict):
        yield details
    for detail in details if isinstance(details, list | tuple) else ():
        yield from _objects(detail)


def _as_text(details: Any) -> str:
    return json.dumps(details, default=str) if details else ""


def _sane(seconds: float) -> float | None:
    return min(max(seconds, 0.0), timedelta(days=31).total_seconds()) if math.isfinite(seconds) else None


def _spoken(seconds: float) -> Clause:
    if seconds < 120:
        return Clause("{number} s", number=math.ceil(seconds))
    if seconds < 7200:
        return Clause("{number} minutes", number=math.ceil(seconds / 60))
    return Clause("{number} hours", number=math.ceil(seconds / 3600))
