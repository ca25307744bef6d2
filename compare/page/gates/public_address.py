"""The public address: where browsers reach the page when a proxy stands before it, such as Jupyter's or nginx."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from compare.page.gates.password import PageAddressError

_NAME = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_PATH = re.compile(r"(?:/[\w.~@:%+-]+)*", re.ASCII)
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class PublicAddress:
    """`host` is name and port as a browser writes them into its headers, `path` what every address of the page begins
    with behind the proxy, "" for nothing.

    >>> one = PublicAddress.parse("https://hub.example/user/me/proxy/8501/")
    >>> one.host, one.path, one.name, one.port
    ('hub.example', '/user/me/proxy/8501', 'hub.example', 443)
    """

    scheme: str
    host: str
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> PublicAddress:
        """Raises `PageAddressError` for what no browser could open, and for what is more than an address."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        path = parts.path.rstrip("/")
        name = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc.removesuffix(":")
        whole = parts.scheme in _USUAL_PORTS and _NAME.fullmatch(name) and _PATH.fullmatch(path)
        if not whole or parts.query or parts.fragment or ".." in path.split("/"):
            raise PageAddressError(
                "{address!r} is no address at which a browser could open the page",
                hint="give all of it, as in https://hub.example/user/me/proxy/8501/",
                address=text,
            )
        usual = port is None or port == _USUAL_PORTS[parts.scheme]
        return cls(parts.scheme, name.lower() if usual else f"{name.lower()}:{port}", path)

    @property
    def name(self) -> str:
        return urlsplit(f"//{self.host}").hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(f"//{self.host}").port or _USUAL_PORTS[self.scheme]

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}/"


class BasePath:
    """Serves `app` below a path. Proxies that take the path away before they ask, and those that leave it there, are
    served alike; cookies and redirections stay below it in the browser."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == self._path and scope["type"] == "http":
            await RedirectResponse(f"{self._path}/", 307)(scope, receive, send)
            return
        if path.startswith(f"{self._path}/"):
            inner = path.removeprefix(self._path)
            scope = dict(scope, path=inner, raw_path=quote(inner, safe="/%:@!$&'()*+,;=~").encode())

        async def send_below(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                there = headers.get("location", "")
                if there.startswith("/") and not there.startswith("//"):
                    headers["location"] = f"{self._path}{there}"
                message = dict(message, headers=[self._below(*header) for header in message["headers"]])
            await send(message)

        await self._app(scope, receive, send_below)

    def _below(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name.lower() != b"set-cookie":
            return name, value
        return name, re.sub(rb"(?i)(?<=;)(\s*path=)/(?=;|$)", lambda found: found[1] + self._path.encode(), value)
