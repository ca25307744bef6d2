"""The origin: what keeps other web pages away from this one, though the same browser shows them.

Any page on the web may send requests to this computer with the browser of whoever looks at it. Its script may even have
its own name lead here, and read the answers then (DNS rebinding). Both are told by the headers that browsers send.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compare.report import sentences
from templates import LANGUAGES, Language

#: What the page may load and run: its own scripts and pictures, nothing from elsewhere, no script inside its text but
#: Streamlit's own. The viewer's script comes as a blob; Streamlit writes its styles into the page.
_POLICY = (
    "default-src 'self'; script-src 'self' blob:{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {socket}; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}

#: A Host header: an address of IPv6 in brackets, or another address or name, and a port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::[0-9]{1,5})?", re.ASCII)


class SameOrigin:
    """Lets through to `app` what the page itself asks for, and what somebody opens; refuses what another page sends.

    Such a request never gets as far as Streamlit, which asks a server on the web for this computer's address when it
    sees one. With `loopback_only`, the page answers to no name but this computer's own and the `public` one (name and
    port), by which browsers know a proxy that may call this server something else. Answers come with headers that
    keep a browser from loading or running anything from elsewhere; the scripts that stand in the text of `page`, which
    is Streamlit's own, may run, and no others.
    """

    def __init__(self, app: ASGIApp, *, loopback_only: bool, page: str = "", public: str = "") -> None:
        self._app, self._loopback_only, self._public = app, loopback_only, public
        self._scripts = "".join(f" 'sha256-{one}'" for one in _digests_of_scripts(page))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                # Not every browser takes 'self' for web sockets too.
                names = [name for name in (host, self._public) if _HOST.fullmatch(name)]
                socket = " ".join(f"ws://{name} wss://{name}" for name in names)
                answer.setdefault("content-security-policy", _POLICY.format(socket=socket, scripts=self._scripts))
            await send(message)

        refusal = self._refusal(host, headers.getlist("origin"))
        if not refusal:
            await self._app(scope, receive, send_safely)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            told = sentences(language_of(HTTPConnection(scope)))["page"]["refused"][refusal]
            await PlainTextResponse(told, 403)(scope, receive, send_safely)

    def _refusal(self, host: str, origins: Sequence[str]) -> str:
        """The name of the sentence that says why not, or ""."""
        name, public = _HOST.fullmatch(host), self._public
        if name is None or (self._loopback_only and host != public and not is_loopback(name[1] or name[2])):
            return "host"
        # A proxy that calls us by another name than the browser calls it is known by what the browser says.
        own = {host, public} if public else {host}
        return "origin" if any(_host(origin) not in own for origin in origins) else ""


def _digests_of_scripts(page: str) -> list[str]:
    """SHA-256 of each script inside the page, as a policy names them."""
    return [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ]


def is_loopback(host: str) -> bool:
    """Whether only this computer is reached by that name or address.

    >>> is_loopback("127.0.0.5"), is_loopback("::1"), is_loopback("evil.example")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def language_of(connection: HTTPConnection) -> Language:
    """The language that the browser asks for, if we have it, else English."""
    accepts = connection.headers.get("accept-language", "").lower()
    return "zh-TW" if accepts.startswith("zh") else LANGUAGES[0]


def _host(origin: str) -> str:
    """Name and port of an Origin header, "" where there are none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
