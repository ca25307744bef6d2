"""Servers that flood, lie or send away: little is read, nothing goes elsewhere, and the error says what it was.

All faults: `benchmarks/hardening/network.py`."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable

import pytest
from loopback import KEY, LoopbackServer, RawServer, Reply, Wire
from test_llm_expanders import GOOD, REQUEST, both_wires, draft_of, error_of

from ideation.expanders import (
    BadRequest,
    DeadlineExceeded,
    ExpanderError,
    ServerTrouble,
    Transient,
    Unreachable,
    UnreadableResponse,
)
from ideation.expanders.errors import MAX_QUOTED_CHARACTERS
from ideation.expanders.llm.server import within

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNK = b"%x\r\n%s\r\n" % (2**16, b"x" * 2**16)


def raised_by(wire: Wire, content: bytes, *, deadline_s: float = 20.0) -> ExpanderError:
    """What comes of a server that sends exactly this."""

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(content)
        connection.recv(1)

    with RawServer(answer) as server, pytest.raises(ExpanderError) as caught:
        wire.expander(server.url, deadline_s).draft(REQUEST)
    return caught.value


@both_wires
@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"Content-Length: 9000000000\r\n\r\n",
        HEAD.replace(b"200 OK", b"500 Broken") + b"Content-Length: 9000000000\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK * 32,
        HEAD + b"\r\n" + b" " * 2_000_000,
        HEAD.replace(b"200 OK", b"307 On") + b"Location: /again\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 32,
    ],
    ids=["length", "error", "chunked", "open-ended", "redirect"],
)
def test_no_more_than_a_megabyte_is_read(wire: Wire, content: bytes) -> None:
    raised = raised_by(wire, content)
    assert type(raised) is UnreadableResponse
    assert "sends more than 1 MB" in raised.message


@both_wires
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_what_unpacks_to_more_is_not_unpacked(wire: Wire, encoding: str) -> None:
    packed = b" " * 1_500_000
    for name in encoding.split(", "):
        packed = gzip.compress(packed) if name == "gzip" else zlib.compress(packed)
    head = HEAD + f"Content-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    assert "sends more than 1 MB" in raised_by(wire, head + packed).message
    assert "unpacked" in raised_by(wire, head + b"x" * len(packed)).message


@both_wires
@pytest.mark.parametrize(
    "change",
    [
        lambda body: (gzip.compress(body), "Content-Encoding: gzip"),
        lambda body: (zlib.compress(body)[2:-4], "Content-Encoding: deflate"),
        lambda body: (body.decode().encode("utf-16"), "X: y"),
        lambda body: (body.decode().encode("utf-8-sig"), "Content-Type: text/html; charset=hex"),
    ],
    ids=["gzip", "deflate", "utf-16", "charset"],
)
def test_an_answer_in_odd_bytes_is_read(wire: Wire, change: Callable[[bytes], tuple[bytes, str]]) -> None:
    body, header = change(wire.says(GOOD).body.encode())
    content = b"HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s" % (header.encode(), len(body), body)
    with RawServer(lambda connection, _: connection.sendall(content)) as server:
        assert wire.expander(server.url, 20.0).draft(REQUEST).simple == "a dog riding a bicycle"


@both_wires
def test_a_redirect_takes_neither_concept_nor_key_elsewhere(wire: Wire) -> None:
    with LoopbackServer([wire.says(GOOD)]) as other:
        for location in (f"{other.url}/?{KEY}", "file:///etc/passwd", "//[::1", "http://127.0.0.2/"):
            raised, server = error_of(wire, [Reply(307, headers={"Location": location})])
            assert isinstance(raised, Unreachable)
            assert "sends on to another address" in raised.message
            assert len(server.requests) == 1
        assert other.requests == []
    draft, server = draft_of(wire, [Reply(307, headers={"Location": "/there"}), wire.says(GOOD)])
    assert draft.simple == "a dog riding a bicycle"
    assert [request.path for request in server.requests][1] == "/there"
    assert "in a circle" in error_of(wire, [Reply(307, headers={"Location": "/there"})])[0].message


@both_wires
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"220 mail.example.org ESMTP\r\n\r\n", "does not answer in HTTP"),
        (HEAD + b"X: y\r\n" * 200_000, "does not answer in HTTP"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "does not answer in HTTP"),
    ],
    ids=["mail", "headers", "chunk"],
)
def test_what_is_no_http_is_called_so(wire: Wire, content: bytes, said: str) -> None:
    assert said in raised_by(wire, content, deadline_s=3.0).message


@both_wires
@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, '{"error":' * 900 + '"x"' + "}" * 900, '{"error": {"code": "%s", "message": "no"}}' % ("4" * 9000)],
    ids=["deep", "deep-and-whole", "digits"],
)
def test_absurd_json_is_no_answer(wire: Wire, body: str) -> None:
    assert "answered with" in error_of(wire, [Reply(200, body)])[0].message
    assert type(error_of(wire, [Reply(422, body)])[0]).__name__ in ("BadRequest", "UnusableResponse")


@both_wires
def test_a_servers_words_are_cut(wire: Wire) -> None:
    raised, _ = error_of(wire, [wire.fails(400, "many words " * 1000)])
    assert isinstance(raised, BadRequest)
    assert MAX_QUOTED_CHARACTERS == 200
    assert len(raised.message) < 300


def test_a_try_without_time_left_does_not_hide_what_went_wrong_before() -> None:
    def attempt(left: float) -> str:
        if left > 0.5:
            raise ServerTrouble("overloaded", hint="wait")
        raise DeadlineExceeded("late", hint="wait")

    with pytest.raises(Transient, match="overloaded"):
        within(0.6, attempt, server="a server")


@pytest.mark.parametrize("deaf", [0, 2], ids=["", "though it did not hear the first two times"])
def test_a_thread_that_was_left_behind_ends(deaf: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is raised in the callback of a weak reference, say, is printed there and lost."""
    monkeypatch.setattr("ideation.expanders.llm.server._TOLD_AGAIN_S", 0.05)
    told = 0

    def attempt(_: float) -> str:
        nonlocal told
        while True:
            try:
                time.sleep(0.01)
            except SystemExit:
                told += 1
                if told > deaf:
                    raise

    with pytest.raises(DeadlineExceeded):
        within(0.05, attempt, server="a flooding server")
    for thread in threading.enumerate():
        if thread.name == "asking a flooding server":
            thread.join(10)
            assert not thread.is_alive()
