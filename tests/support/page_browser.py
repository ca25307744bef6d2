"""The page as anybody starts it, and a real Chromium that opens it: nothing may go wrong, nobody outside is asked."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).parents[2]
KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "TWINSEED_MODELS")
_LOADING_MS = 150_000  # torch and the model are loaded in the background after the first click

# What is expected of the page itself comes at once on an idle machine, and later beside other tests.
expect.set_options(timeout=30_000)

StartPage = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def start_page(tmp_path_factory: pytest.TempPathFactory) -> StartPage:
    """Starts `twinseed page` with more options and variables, and gives the address at which it listens."""

    @contextmanager
    def start(*options: str, **environ: str) -> Iterator[str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "twinseed", "page", "--port", str(port), *options]
        outside = {name: value for name, value in os.environ.items() if name not in KEYS}
        log = tmp_path_factory.mktemp("server") / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(command, cwd=ROOT, env=outside | environ, stdout=output, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while not _answers(f"http://127.0.0.1:{port}/"):
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=30) == 130, log.read_text()
            assert "Traceback" not in log.read_text()
        finally:
            server.kill()
            server.wait()

    return start


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except OSError as error:
        return isinstance(error, urllib.error.HTTPError)  # it asks for its password


@pytest.fixture(scope="module")
def served_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of the page at `address`."""
    return tmp_path_factory.mktemp("page") / "runs"


@pytest.fixture(scope="module")
def address(start_page: StartPage, served_runs: Path) -> Iterator[str]:
    with start_page("--runs", str(served_runs)) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser window; when it is closed, every address that it asked for must have been on this machine, and nothing
    may have gone wrong in it."""
    asked: list[str] = []
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
    context.on("request", lambda request: asked.append(request.url))
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda told: faults.append(f"{told.text} {told.location}") if told.type == "error" else None)
    page = context.new_page()
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.set_default_timeout(_LOADING_MS)
    yield page
    context.close()
    assert asked
    outside = [url for url in asked if urlsplit(url).scheme not in ("data", "blob") and not _is_here(url)]
    assert outside == []
    assert faults == []


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost")
