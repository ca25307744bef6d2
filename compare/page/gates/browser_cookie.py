"""The cookie by which the server knows a browser again, so that a reload finds what was typed and the job under way."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "twinseed-browser"
LASTS_S = 180 * 24 * 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


class BrowserCookie:
    """Gives each browser that opens the page a random name, which no other browser can guess and no script can read.

    It says nothing of anybody, and is good for nothing but this server: what a browser typed is kept under it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or browser_of(HTTPConnection(scope).cookies):
            await self._app(scope, receive, send)
            return
        forwarded = HTTPConnection(scope).headers.get("x-forwarded-proto", scope.get("scheme", "http"))
        secure = "; Secure" if forwarded == "https" else ""
        cookie = f"{COOKIE}={secrets.token_urlsafe(24)}; Max-Age={LASTS_S}; Path=/; HttpOnly; SameSite=Lax{secure}"

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):  # one page, not each of its files
                    headers.append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_named)


def browser_of(cookies: dict[str, str]) -> str:
    """The name of the browser that sent these cookies, "" where it has none yet.

    >>> browser_of({COOKIE: "short"}), len(browser_of({COOKIE: "x" * 32}))
    ('', 32)
    """
    name = cookies.get(COOKIE, "")
    return name if _TOKEN.fullmatch(name) else ""
