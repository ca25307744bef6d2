"""The page behind a proxy: below a path, under another name, whether the proxy takes the path away or not."""

from __future__ import annotations

import re
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from sample_run import write_sample

from compare.page.gates.password import PageAddressError
from compare.page.gates.public_address import PublicAddress
from compare.runs.gallery import Gallery

pytest_plugins = ["page_browser"]

BASE = "/user/me/proxy/8501"
RIGHT = "a long enough password"


class _Proxy(socketserver.ThreadingTCPServer):
    """Passes on what is asked for below `BASE`. Where it `strips`, it takes the path away and leaves the browser's name
    for it in the Host header, as jupyter-server-proxy does; else it leaves the path and puts the server's own name
    there, as nginx does by itself."""

    allow_reuse_address = daemon_threads = True
    strips = False
    upstream = ""


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        proxy, asked = cast("_Proxy", self.server), b""
        while b"\r\n\r\n" not in asked:
            if not (part := self.request.recv(65536)):
                return
            asked += part
        head, _, body = asked.partition(b"\r\n\r\n")
        first, *headers = head.decode("latin-1").split("\r\n")
        method, path, version = first.split(" ")
        if not path.startswith(BASE):
            self.request.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if proxy.strips:
            path = path.removeprefix(BASE) or "/"
        else:
            headers = [f"Host: {proxy.upstream}" if one.lower().startswith("host:") else one for one in headers]
        if not any(one.lower().startswith("upgrade:") for one in headers):  # one request to a connection
            headers = [one for one in headers if not one.lower().startswith("connection:")] + ["Connection: close"]
        host, _, port = proxy.upstream.partition(":")
        with socket.create_connection((host, int(port))) as server:
            server.sendall("\r\n".join([f"{method} {path} {version}", *headers, "", ""]).encode("latin-1") + body)
            ends = {self.request: server, server: self.request}
            while True:
                for one in select.select(list(ends), [], [])[0]:
                    try:
                        part = one.recv(65536)
                        ends[one].sendall(part)
                    except OSError:
                        return
                    if not part:
                        return


@contextmanager
def _proxy(strips: bool) -> Iterator[_Proxy]:
    with _Proxy(("127.0.0.1", 0), _Handler) as proxy:
        proxy.strips = strips
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:  # a thread that nobody ends goes round and round for as long as the tests last
            proxy.shutdown()
            thread.join()


@pytest.mark.browser
def test_the_page_works_below_a_path_behind_both_kinds_of_proxies(
    browser: Browser, start_page: Callable[..., AbstractContextManager[str]], tmp_path: Path
) -> None:
    context = browser.new_context(locale="en-US")
    faults: list[str] = []
    context.on("response", lambda got: faults.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page = context.new_page()
    page.set_default_timeout(60_000)
    runs = tmp_path / "runs"
    sample = write_sample(Gallery(runs), size=(64, 64))
    picture = tmp_path / "foreign.png"
    picture.write_bytes(next(sample.folder.glob("simple-*.png")).read_bytes())
    with _proxy(strips=False) as keeping, _proxy(strips=True) as stripping:
        public = f"http://127.0.0.1:{keeping.server_address[1]}{BASE}"
        options = ("--runs", str(runs), "--shared", "--address", public)
        with start_page(*options, TWINSEED_PAGE_PASSWORD=RIGHT) as upstream:
            for proxy in (keeping, stripping):
                proxy.upstream = urlsplit(upstream).netloc
                at = f"http://127.0.0.1:{proxy.server_address[1]}{BASE}"
                context.clear_cookies()
                page.goto(f"{at}/gallery/?lang=en")
                page.get_by_label("The password of this page").fill(RIGHT)
                assert [one[:3] for one in faults] == ["401"]
                faults.clear()
                page.get_by_role("button", name="Enter").click()
                expect(page.locator("article .open")).to_be_visible()
                assert page.url.startswith(f"{at}/gallery")
                assert {one.get("path") for one in context.cookies()} == {BASE}
                page.locator("article .open").click()
                expect(page.get_by_role("slider")).to_be_visible()
                assert page.url == f"{at}/pair?run={sample.name}"
                with page.expect_download() as download:
                    page.get_by_role("button", name="record.json", exact=True).click()
                assert Path(download.value.path()).read_bytes() == (sample.folder / "record.json").read_bytes()
                page.get_by_role("link", name="Gallery").click()
                page.get_by_text("Start from a picture").click()
                page.locator("input[type=file]").set_input_files(picture)
                expect(page.get_by_label("Simple prompt", exact=True)).to_have_value(
                    re.compile("a dog riding a bicycle")
                )
                page.goto(at if proxy is keeping else f"{at}/")  # jupyter-server-proxy adds the stroke itself
                expect(page.get_by_role("button", name="Generate")).to_be_enabled()
                assert page.url.startswith(f"{at}/pair")
                assert faults == []
    context.close()


def test_public_addresses_are_whole_or_refused() -> None:
    for text, host, path in (
        ("http://127.0.0.1:8888/proxy/8501/", "127.0.0.1:8888", "/proxy/8501"),
        ("https://Hub.example:443", "hub.example", ""),
        ("https://8501-m-s-abc.us-west1-0.prod.colab.dev/", "8501-m-s-abc.us-west1-0.prod.colab.dev", ""),
        ("http://[::1]:80/x", "[::1]", "/x"),
    ):
        address = PublicAddress.parse(text)
        assert (address.host, address.path) == (host, path)
        assert PublicAddress.parse(str(address)) == address
    for text in (
        *("", "hub.example", "ftp://hub.example", "https://", "https://me@hub.example", "https://hub.example/?x"),
        *("https://hub.example:x", "https://hub.example/../x", "https://hub.example/a b", "https://[/x"),
        *("https://hub.example/x#y", "https://hub.example/x;y\r\nz", "https://hub.example:70000"),
    ):
        with pytest.raises(PageAddressError, match="is no address at which a browser could open the page"):
            PublicAddress.parse(text)
