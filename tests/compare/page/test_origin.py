"""Other web pages: what they send with somebody's browser is refused, and what this page may load is said."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from compare.page.gates.origin import SameOrigin


async def _behind(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


APP = Starlette(
    routes=[
        Route("/", lambda _: PlainTextResponse("let in"), methods=["GET", "POST", "PUT"]),
        WebSocketRoute("/_stcore/stream", _behind),
    ]
)


def told(kind: str = "http", loopback_only: bool = True, method: str = "GET", **headers: str) -> list[Message]:
    """What the gate sends to somebody who asks with these headers."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    path = "/_stcore/stream" if kind == "websocket" else "/"
    scope = {"type": kind, "method": method, "path": path, "query_string": b"", "headers": named}
    asyncio.run(SameOrigin(APP, loopback_only=loopback_only)(scope, receive, send))
    return sent


def let_in(**headers: str) -> bool:
    """Whether a page and a web socket are both had with these headers; nobody may have one alone."""
    page = told(**headers)[0]["status"] == 200  # type: ignore[arg-type]
    socket = told("websocket", **headers)[0]["type"] == "websocket.accept"  # type: ignore[arg-type]
    assert page == socket
    return page


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:9000", "127.0.0.5", "[::1]:8501"])
def test_it_answers_to_the_names_of_this_computer(host: str) -> None:
    assert let_in(host=host)
    assert let_in(host=host, origin=f"http://{host}")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "[", "127.0.0.1:80:80.x", "localhost@evil.example"],
)
def test_another_name_that_leads_here_is_refused(host: str) -> None:
    assert not let_in(host=host)
    assert not let_in(host=host, origin=f"http://{host}")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:1", "http://localhost", "file://", "http://[", "", "x"],
)
def test_another_page_is_refused_whatever_it_asks_for(origin: str) -> None:
    for method in ("GET", "POST", "PUT"):
        assert told(method=method, host="localhost:8501", origin=origin)[0]["status"] == 403
    assert not let_in(host="localhost:8501", origin=origin)


def test_behind_a_password_it_answers_to_any_name_but_to_no_other_page() -> None:
    assert told(loopback_only=False, host="class.example", origin="https://class.example")[0]["status"] == 200
    assert told(loopback_only=False, host="class.example", origin="https://evil.example")[0]["status"] == 403


def test_the_refusal_says_what_to_do_in_the_language_of_the_browser() -> None:
    assert b"TWINSEED_PAGE_PASSWORD" in told(host="a.example")[1]["body"]
    assert "請直接開啟它的網址".encode() in told(host="localhost", origin="null", accept_language="zh-TW")[1]["body"]


def test_a_browser_is_told_to_load_nothing_from_elsewhere() -> None:
    headers = dict(told(host="localhost:8501")[0]["headers"])
    policy = headers[b"content-security-policy"].decode()
    assert "default-src 'self'; script-src 'self' blob:;" in policy
    assert "connect-src 'self' ws://localhost:8501 wss://localhost:8501;" in policy
    assert headers[b"x-content-type-options"] == b"nosniff"
