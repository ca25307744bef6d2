"""The password of a page that a network can reach: who gets in, who waits, and where there must be one."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
import uvicorn
import websockets
from conftest import Twinseed
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message as Sent
from starlette.websockets import WebSocket

from compare.page.gates import password
from compare.page.gates.password import COOKIE, PageAddressError, PasswordGate, checked_password

RIGHT = "很長的密碼 with words"


async def _behind(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("let in")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def port(clock: Clock) -> Iterator[int]:
    """A real server with a page and a web socket behind the gate."""
    app = Starlette(
        routes=[
            Route("/{path:path}", lambda _: PlainTextResponse("let in"), methods=["GET", "POST"]),
            WebSocketRoute("/_stcore/stream", _behind),
        ]
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    config = uvicorn.Config(PasswordGate(app, RIGHT, clock), port=number, log_level="error", ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield number
    server.should_exit = True
    thread.join()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    text: str


def asked(port: int, method: str = "GET", path: str = "/", body: str | None = None, **headers: str) -> Answer:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode())


def typed(port: int, given: str, path: str = "/?lang=zh-TW") -> Answer:
    form = "application/x-www-form-urlencoded"
    return asked(port, "POST", path, urlencode({"password": given}), content_type=form)


COOKIES = ("", f"{COOKIE}=", f"{COOKIE}=9999999999.{64 * '0'}", f"{COOKIE}=9" + "9" * 4000 + ".x", f"{COOKIE}=a.b")


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/media/x.png", "/component/a/../../etc/passwd"])
@pytest.mark.parametrize("cookie", COOKIES)
def test_nothing_is_shown_without_it(port: int, path: str, cookie: str) -> None:
    answer = asked(port, path=path, cookie=cookie)
    assert answer.status == 401
    assert "let in" not in answer.text
    assert 'type="password"' in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_it_is_asked_for_in_the_language_of_the_browser(port: int) -> None:
    assert "密碼" in asked(port, accept_language="zh-TW,zh;q=0.9").text
    assert "password of this page" in asked(port, accept_language="fr").text


def test_the_right_one_lets_in_for_some_hours(port: int, clock: Clock) -> None:
    answer = typed(port, RIGHT)
    assert (answer.status, answer.headers["location"]) == (303, "./?lang=zh-TW")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Max-Age=43200"} <= {part.strip() for part in cookie.split(";")}
    kept = cookie.partition(";")[0]
    assert asked(port, cookie=kept).text == "let in"
    end, _, digest = kept.removeprefix(f"{COOKIE}=").partition(".")
    longer = f"{COOKIE}={int(end) + 9}.{digest}"
    assert asked(port, cookie=longer).status == 401, "nobody writes himself a later end"
    clock.now += password.LASTS_S + 1
    assert asked(port, cookie=kept).status == 401


def test_a_web_socket_needs_it_too(port: int) -> None:
    kept = typed(port, RIGHT).headers["set-cookie"].partition(";")[0]
    address = f"ws://127.0.0.1:{port}/_stcore/stream"

    async def heard(cookie: str) -> str:
        try:
            async with websockets.connect(address, additional_headers={"Cookie": cookie}, proxy=None) as stream:
                return str(await stream.recv())
        except websockets.InvalidStatus as refused:
            return str(refused.response.status_code)

    assert asyncio.run(heard(f"{COOKIE}=1.x")) == "403"
    assert asyncio.run(heard(kept)) == "let in"


def test_whoever_guesses_waits(port: int, clock: Clock) -> None:
    for number in range(password.FREE_TRIES):
        assert typed(port, f"guess {number}").status == 401
    assert typed(port, "guess").status == 429
    assert typed(port, RIGHT).status == 429, "even the right one, or the wait would tell"
    clock.now += password.WAIT_S
    assert typed(port, "guess").status == 401
    clock.now += password.WAIT_S
    assert typed(port, RIGHT).status == 429, "twice as long now"
    clock.now += password.WAIT_S
    assert typed(port, RIGHT).status == 303
    assert typed(port, "x" * 5000).status == 413
    for asked_for, way_on in (
        ("/pair?run=a%20b&lang=en", "./pair?run=a%20b&lang=en"),
        ("/gallery/", "../gallery"),
        ("//evil.example/", "/"),
        ("/static/x", "/"),
    ):
        assert typed(port, RIGHT, asked_for).headers["location"] == way_on
    assert asked(port, "PUT").status == 401


def test_many_at_once_and_many_addresses_are_not_heard_either(clock: Clock) -> None:
    clock.now += 10_000

    async def guess(gate: PasswordGate, address: str, meanwhile: asyncio.Barrier) -> int:
        statuses: list[int] = []

        async def receive() -> Sent:
            await meanwhile.wait()
            return {"type": "http.request", "body": b"password=guess"}

        async def send(message: Sent) -> None:
            statuses.extend([message["status"]] if "status" in message else [])

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "client": (address, 1),
        }
        await gate(scope, receive, send)
        return statuses[0]

    async def guesses(addresses: list[str]) -> list[int]:
        gate, meanwhile = PasswordGate(Starlette(), RIGHT, clock), asyncio.Barrier(len(addresses))
        return await asyncio.gather(*(guess(gate, address, meanwhile) for address in addresses))

    assert asyncio.run(guesses(["10.0.0.1"] * 40)).count(401) == password.FREE_TRIES
    assert asyncio.run(guesses([f"10.0.0.{number}" for number in range(150)])).count(401) == password.MOST_TRIES


@pytest.mark.parametrize(
    ("host", "given", "problem"),
    [
        ("0.0.0.0", None, "everybody in the network could use the page"),
        ("::", "", "everybody in the network could use the page"),
        ("192.168.1.5", None, "everybody in the network could use the page"),
        ("", None, "everybody in the network could use the page"),
        ("my-laptop", None, "everybody in the network could use the page"),
        ("0.0.0.0", "short", "is too short"),
    ],
)
def test_a_page_for_a_network_must_have_one(host: str, given: str | None, problem: str) -> None:
    with pytest.raises(PageAddressError, match=problem):
        checked_password(host, given)


def test_this_computer_alone_needs_none() -> None:
    for host in ("127.0.0.1", "127.0.0.5", "::1", "localhost"):
        assert checked_password(host, None) is None
    assert checked_password("127.0.0.1", "eight letters") == "eight letters"


def test_the_command_refuses(twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(password.VARIABLE, raising=False)
    done = twinseed("page", "--host", "0.0.0.0")
    assert (done.code, "error: at 0.0.0.0, everybody" in done.err) == (1, True)
