"""The password: what stands between the page and a network, for whoever opens it to more than this computer."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import templates
from compare.page.gates.origin import is_loopback, language_of
from compare.report import sentences
from ideation import TwinseedError

VARIABLE = "TWINSEED_PAGE_PASSWORD"
COOKIE = "twinseed-page"
#: Seconds that a browser stays let in.
LASTS_S = 12 * 3600.0
SHORTEST = 8
#: Wrong passwords of one address before it has to wait, and how long: twice as long with each one more, up to the most.
FREE_TRIES = 5
WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
#: Wrong passwords of all addresses together, within the longest wait: whoever has many addresses gets no more.
MOST_TRIES = 100
_MOST_BYTES = 4096
_MOST_ADDRESSES = 1000


class PageAddressError(TwinseedError):
    """The page would be open to a network without a password, or with a poor one."""


def checked_password(host: str, password: str | None) -> str | None:
    """The password that the page at `host` asks for, None at the loopback interface where none is set.

    Raises `PageAddressError` where `host` can be reached from a network and there is no password, or a short one.

    >>> checked_password("127.0.0.1", None) is None
    True
    """
    if not password and is_loopback(host):
        return None
    if not password:
        raise PageAddressError(
            "at {host}, everybody in the network could use the page",
            hint="set {variable} to a password of {shortest} letters or more, or listen at 127.0.0.1",
            host=host,
            variable=VARIABLE,
            shortest=SHORTEST,
        )
    if len(password) < SHORTEST:
        raise PageAddressError(
            "the password in {variable} is too short",
            hint="take {shortest} letters or more; nobody has to type it often",
            variable=VARIABLE,
            shortest=SHORTEST,
        )
    return password


class PasswordGate:
    """Lets nobody through to `app` who has not given the password; afterwards a cookie does, for some hours.

    The cookie holds the time of its end and a digest of it under a key that lives as long as the server. Passwords are
    compared in constant time; an address that guesses has to wait longer and longer, and after many guesses everybody
    has to who is not let in yet. Web sockets without the cookie are refused.
    """

    def __init__(self, app: ASGIApp, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._clock = app, clock
        # Both sides of the comparison have one length then, whatever was typed.
        self._key = secrets.token_bytes(32)
        self._password = self._digest(password)
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._latest: deque[float] = deque(maxlen=MOST_TRIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = Request(dict(scope, type="http", method=scope.get("method", "GET")), receive)
        if self._let_in(request.cookies.get(COOKIE, "")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
        else:
            await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return _asked(request, "" if request.method in ("GET", "HEAD") else "wrong", 401)
        body = b""
        try:
            async for part in request.stream():
                body += part
                if len(body) > _MOST_BYTES:
                    return _asked(request, "wrong", 413)
        except ClientDisconnect:
            return _asked(request, "wrong", 400)
        # From here on nothing is waited for: of many that arrive at once, each sees those before it.
        address = request.client.host if request.client else ""
        tries, until = self._failures.get(address, (0, 0.0))
        if self._clock() < max(until, self._all_wait_until()):
            return _asked(request, "wait", 429)
        given = parse_qs(body.decode("utf-8", errors="replace")).get("password", [""])[0]
        if not hmac.compare_digest(self._digest(given), self._password):
            self._remember(address, tries + 1)
            return _asked(request, "wrong", 401)
        self._failures.pop(address, None)
        there = RedirectResponse(_way_on(request), status_code=303)
        end = str(int(self._clock() + LASTS_S))
        secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        there.set_cookie(
            COOKIE, f"{end}.{self._digest(end)}", max_age=int(LASTS_S), httponly=True, samesite="strict", secure=secure
        )
        return there

    def _remember(self, address: str, tries: int) -> None:
        wait = min(LONGEST_WAIT_S, WAIT_S * 2 ** (tries - FREE_TRIES)) if tries >= FREE_TRIES else 0.0
        self._failures[address] = (tries, self._clock() + wait)
        self._latest.append(self._clock())
        self._failures.move_to_end(address)
        while len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def _all_wait_until(self) -> float:
        return self._latest[0] + LONGEST_WAIT_S if len(self._latest) == MOST_TRIES else 0.0

    def _let_in(self, cookie: str) -> bool:
        end, _, digest = cookie.partition(".")
        if not end.isascii() or not end.isdigit() or len(end) > 12:
            return False
        return hmac.compare_digest(self._digest(end).encode(), digest.encode()) and int(end) > self._clock()

    def _digest(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _way_on(request: Request) -> str:
    """The screen that was asked for, as an address that no browser reads as leading to another host: relative, as a
    proxy may have put something before it."""
    screen = re.fullmatch(r"/(?:([a-z]+)(/?))?", request.url.path)
    if screen is None:
        return "/"
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{'../' if screen[2] else './'}{screen[1] or ''}{query}"


def _asked(request: Request, problem: str, status: int) -> Response:
    """The page that asks for the password, in the browser's language, with what was wrong with the last one."""
    language = language_of(request)
    t = sentences(language)["page"]
    problem = t["password"][problem] if problem else ""
    page = templates.render("reports/password.html.j2", language=language, t=t, problem=problem)
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    headers = {"cache-control": "no-store", "content-security-policy": policy}
    return HTMLResponse(page, status_code=status, headers=headers)
