"""Real HTTP servers on the loopback interface that speak the wire formats of Gemini and of OpenAI."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol

from ideation import Expander
from ideation.expanders.llm.gemini import GeminiExpander
from ideation.expanders.llm.openai_compatible import OpenAIExpander

KEY = "AQ.secret-key-0123456789"


@dataclass(frozen=True)
class Reply:
    """One answer. `pause` keeps the connection open without a word; `drip` sends a space now and then instead.

    `ends` says how the connection goes down in the middle of the body: it "closes" or it "resets".
    """

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    pause: bool = False
    drip: bool = False
    ends: str = ""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class LoopbackServer:
    """Gives the replies in turn, the last one for ever, and keeps every request; over TLS with that context."""

    def __init__(self, replies: Iterable[Reply], tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._replies = list(replies)
        self._ending = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                loopback._answer(self)

            def do_GET(self) -> None:
                loopback._answer(self)

            def do_HEAD(self) -> None:  # a reply to it has no body
                loopback._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LoopbackServer:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else {}
        self.requests.append(Request(handler.command, handler.path, dict(handler.headers), body))
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if reply.pause:
            self._ending.wait(30)
            return
        data = reply.body.encode()
        handler.send_response(reply.status)
        handler.send_header("content-type", reply.content_type)
        if not reply.drip:
            handler.send_header("content-length", str(len(data)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            while reply.drip and not self._ending.wait(0.05):
                handler.wfile.write(b" ")
                handler.wfile.flush()
            handler.wfile.write(data[: len(data) // 2] if reply.ends else data)
            if reply.ends == "resets":
                # To linger for no time at all is to reset.
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                handler.rfile.close()
                handler.connection.close()
        except OSError:
            pass  # whoever asked has gone


class RawServer:
    """Reads a request and hands the connection with the request's head to `answer`, which writes what it likes; then
    it closes. With `tls` only after a handshake; `reads` False does not wait for a request."""

    def __init__(
        self,
        answer: Callable[[socket.socket, str], None],
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        reads: bool = True,
    ) -> None:
        self._answer, self._tls, self._reads = answer, tls, reads
        self._listening = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        named = f"[{host}]" if ":" in host else host
        self.address = f"{named}:{self._listening.getsockname()[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for one in (self._listening, *self._connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            with connection:
                self._answer(connection, _head(connection) if self._reads else "")


def _head(connection: socket.socket) -> str:
    """The head of a request, after its body has been read as well."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += (more := connection.recv(65536))
        if not more:
            raise OSError("no request")
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    left = int(length[1]) - len(body) if length else 0
    while left > 0 and (more := connection.recv(65536)):
        left -= len(more)
    return head.decode("latin-1")


class Wire(Protocol):
    """A wire format: how a server of this kind writes an answer and an error, and the expander that asks it."""

    name: str

    def expander(self, url: str, deadline_s: float) -> Expander: ...
    def says(self, text: str) -> Reply: ...
    def fails(self, status: int, message: str, *, wait_s: int | None = None) -> Reply: ...
    def blocks(self) -> Reply: ...
    def filters(self, text: str) -> Reply: ...
    def stops_early(self, text: str) -> Reply: ...
    def told(self, request: Request) -> str: ...


class GeminiWire:
    name = "gemini"

    def expander(self, url: str, deadline_s: float) -> Expander:
        return GeminiExpander(KEY, endpoint=url, deadline_s=deadline_s)

    def says(self, text: str, finish: str = "STOP") -> Reply:
        parts = [{"text": text}] if text else []
        candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}
        usage = {"promptTokenCount": 9, "totalTokenCount": 12, "thoughtsTokenCount": 3}
        return Reply(body=json.dumps({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stand-in"}))

    def fails(self, status: int, message: str, *, wait_s: int | None = None) -> Reply:
        details: list[dict[str, Any]] = []
        if wait_s is not None:
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait_s}s"})
        return Reply(status, json.dumps({"error": {"code": status, "message": message, "details": details}}))

    def blocks(self) -> Reply:
        return Reply(body=json.dumps({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}))

    def filters(self, text: str) -> Reply:
        return self.says(text, "SAFETY")

    def stops_early(self, text: str) -> Reply:
        return self.says(text, "MAX_TOKENS")

    def told(self, request: Request) -> str:
        return str(request.body["contents"][0]["parts"][0]["text"])


class OpenAIWire:
    name = "openai"

    def expander(self, url: str, deadline_s: float) -> Expander:
        return OpenAIExpander(KEY, "stand-in", f"{url}/v1", deadline_s)

    def says(self, text: str, finish: str = "stop") -> Reply:
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
        return Reply(
            body=json.dumps(
                {"id": "1", "object": "chat.completion", "created": 1, "model": "stand-in", "choices": [choice]}
            )
        )

    def fails(self, status: int, message: str, *, wait_s: int | None = None) -> Reply:
        headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
        return Reply(status, json.dumps({"error": {"message": message, "type": "error", "code": None}}), headers)

    def blocks(self) -> Reply:
        return self.says("", "content_filter")

    def filters(self, text: str) -> Reply:
        return self.says(text, "content_filter")

    def stops_early(self, text: str) -> Reply:
        return self.says(text, "length")

    def told(self, request: Request) -> str:
        return str(request.body["messages"][0]["content"])


WIRES: tuple[Wire, ...] = (GeminiWire(), OpenAIWire())
