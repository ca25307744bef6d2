"""A page's server as anybody starts it, in a folder of its own, with a log of every connection that it makes."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import websockets.sync.client
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Subprotocol

from benchmarks.hardening.table import REPOSITORY

#: Python's own hook hears of every connection that a program makes, in whatever library: it is taken down in a file.
_HOOK = """
import os, sys
_log = os.open(os.environ["TWINSEED_CONNECTIONS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def _hear(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        # To connect a datagram socket sends nothing.
        if arguments[0].type != 2:
            os.write(_log, f"{arguments[1][0]}\\n".encode())
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        os.write(_log, f"{arguments[-1][0] if event == 'socket.sendto' else arguments[0]}\\n".encode())
sys.addaudithook(_hear)
"""
_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_ENDPOINT")
EVERYWHERE, EVERYWHERE_6 = "0.0.0.0", "::"  # noqa: S104 - what the trials are about
_HERE = ("127.0.0.1", "::1", "localhost", "None", "b'localhost'")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


@dataclass(frozen=True)
class Session:
    """A session's name, and what the page said when it began."""

    name: str
    said: str


class PageServer:
    """`twinseed page` at `host`, with all its folders under `home`. `address` is where to find it."""

    def __init__(self, home: Path, host: str | None = None, **environ: str) -> None:
        self.home, self.runs, self.log = home, home / "runs", home / "server.log"
        self._connections = home / "connections.log"
        self._host = host
        hook = home / "hook"
        hook.mkdir(parents=True)
        (hook / "sitecustomize.py").write_text(_HOOK)
        self._connections.touch()
        own = {
            "HOME": str(home),
            **{f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")},
            "TWINSEED_MODELS": str(home / "models"),
            "TWINSEED_CONNECTIONS": str(self._connections),
            "PYTHONPATH": str(hook),
            "OMP_WAIT_POLICY": "PASSIVE",
            "GOMP_SPINCOUNT": "0",
        }
        self._environ = {name: value for name, value in os.environ.items() if name not in _KEYS} | own | environ
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.name = host if host not in (None, EVERYWHERE) else "127.0.0.1"

    @property
    def address(self) -> str:
        return f"http://{self.name}:{self.port}"

    def __enter__(self) -> Self:
        host = [] if self._host is None else ["--host", self._host]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "twinseed", "page", "--port", str(self.port), *host, "--runs", str(self.runs)],
                cwd=REPOSITORY,
                env=self._environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 120
        while True:
            try:
                self.ask()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.log.read_text()) from None
                time.sleep(0.1)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()

    def ask(self, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """What it answers to the request, sent exactly as it is; of `headers`, _ stands for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(self.name, self.port, timeout=20)) as connection:
            connection.putrequest(method, path, skip_host="Host" in named, skip_accept_encoding=True)
            for name, value in named.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(
                answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(2**24)
            )

    def socket_status(self, **headers: str) -> int:
        """The status with which it answers to the opening of the page's web socket: 101 where it lets in."""
        asked = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec_WebSocket_Version": "13",
        }
        named = {name.replace("_", "-"): value for name, value in (asked | headers).items()}
        host = named.pop("Host", f"{self.name}:{self.port}")
        lines = [
            "GET /_stcore/stream HTTP/1.1",
            f"Host: {host}",
            *(f"{name}: {value}" for name, value in named.items()),
        ]
        with socket.create_connection((self.name, self.port), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            return int(connection.recv(64).split()[1])

    @contextmanager
    def session(self, query: str = "") -> Iterator[Session]:
        """A browser's session with the page opened at the query, as far as the server can tell."""
        with websockets.sync.client.connect(
            f"ws://{self.name}:{self.port}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            proxy=None,
            max_size=None,
        ) as stream:
            asked = BackMsg()
            asked.rerun_script.query_string = query
            stream.send(asked.SerializeToString())
            said, name = [], ""
            while True:
                received = stream.recv(timeout=60)
                message = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
                said.append(str(message))
                name = message.new_session.initialize.session_id or name
                if message.WhichOneof("type") == "script_finished" and not _goes_on(message):
                    break
            yield Session(name, "\n".join(said))

    def shown(self, query: str) -> str:
        """All that the page sends to a browser that opens it with the query."""
        with self.session(query) as session:
            return session.said

    def elsewhere(self) -> list[str]:
        """The places outside this computer that it connected to or looked up."""
        return sorted({line for line in self._connections.read_text().split("\n") if line and line not in _HERE})

    def megabytes(self) -> float:
        """The memory that it has now."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0

    def listens_at(self) -> set[str]:
        """The addresses at which the server's port can be reached, as the kernel has them."""
        found = set()
        for table in ("tcp", "tcp6"):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                address, state = line.split()[1], line.split()[3]
                if state == "0A" and int(address.rpartition(":")[2], 16) == self.port:
                    found.add(address.rpartition(":")[0])
        return found


def _goes_on(message: ForwardMsg) -> bool:
    """Whether the script runs again at once: the front page leads to the first screen."""
    return message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN


def own_addresses() -> list[str]:
    """The addresses of this computer in its networks."""
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    return [*found, "127.0.0.2"]
